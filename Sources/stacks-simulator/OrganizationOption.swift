import ArgumentParser
import StacksTesting

/// `--organization SLUG=TOKEN`
struct OrganizationOption: Sendable {
    var slug: String
    var token: String?

    init(_ text: String) throws {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        slug = String(parts[0])
        token = parts.count == 2 ? String(parts[1]) : nil
        let isSlug = slug.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
            default: false
            }
        }
        guard (1...100).contains(slug.utf8.count), isSlug else {
            throw ValidationError("The slug must have 1 to 100 small letters, digits and hyphens.")
        }
        guard token != "" else { throw ValidationError("The token must not be empty.") }
    }
}

extension [StacksSimulator.Organization] {
    /// Adds what the options say: an organization for a new slug, and a token for one that is there.
    mutating func add(_ options: [OrganizationOption]) throws {
        var tokens = Set(compactMap(\.token))
        for option in options {
            if let token = option.token, !tokens.insert(token).inserted {
                throw ValidationError(
                    "--organization \(option.slug) has a token that another --organization, or --token, has.")
            }
            guard let index = firstIndex(where: { $0.slug == option.slug }) else {
                var organization = StacksSimulator.Organization(
                    slug: option.slug, queues: self[0].queues, token: option.token)
                organization.stackLimit = self[0].stackLimit
                append(organization)
                continue
            }
            guard let token = option.token else {
                throw ValidationError(
                    "--organization \(option.slug) names one that is there already; add a token with =TOKEN.")
            }
            self[index].moreTokens.append(token)
        }
    }
}
