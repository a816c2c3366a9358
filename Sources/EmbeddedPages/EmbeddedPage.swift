package import HTTPTypes

/// A page for a person: one document, with its style and its scripts in it.
package struct EmbeddedPage: Sendable {
    /// What every page begins with: the look, and the scripts that make elements, ask again and again, and take keys.
    private static let shared = [
        ("base.css", PackageResources.base_css), ("dom.js", PackageResources.dom_js),
        ("polling.js", PackageResources.polling_js), ("keys.js", PackageResources.keys_js),
    ]

    /// The document, cut where the nonce stands.
    private let pieces: [String]

    /// - Parameters:
    ///   - markup: The document. Each part takes the place of a comment with its name: `/* page.css */`.
    ///   - parts: The names of the parts, and what they hold.
    package init(markup: [UInt8], parts: [(String, [UInt8])]) {
        let document = (Self.shared + parts).reduce(String(decoding: markup, as: UTF8.self)) {
            $0.replacing("/* \($1.0) */", with: String(decoding: $1.1, as: UTF8.self), maxReplacements: 1)
        }
        pieces = document.split(separator: "{{nonce}}", omittingEmptySubsequences: false).map(String.init)
    }

    /// The document and its header fields, with a nonce that allows its own style and scripts and nothing else: whatever the
    /// texts are that it shows, none of them can run.
    package func fresh() -> (headerFields: HTTPFields, document: String) {
        let nonce = (0..<2).map { _ in String(UInt64.random(in: 0 ... .max), radix: 36) }.joined()
        let policy = """
            default-src 'none'; script-src 'nonce-\(nonce)'; style-src 'nonce-\(nonce)'; connect-src 'self'; \
            img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'
            """
        var fields = HTTPFields.privateToSite
        fields[.contentType] = "text/html; charset=utf-8"
        fields[.contentSecurityPolicy] = policy
        return (fields, pieces.joined(separator: nonce))
    }
}

extension HTTPFields {
    /// The fields that keep a response from being stored, taken for another type, told of to other sites, and read by them.
    package static let privateToSite: HTTPFields = {
        var fields: HTTPFields = [.cacheControl: "no-store", .xContentTypeOptions: "nosniff"]
        fields[HTTPField.Name("Referrer-Policy")!] = "no-referrer"
        fields[HTTPField.Name("Cross-Origin-Resource-Policy")!] = "same-origin"
        return fields
    }()
}
