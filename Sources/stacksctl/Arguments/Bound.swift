import ArgumentParser

/// A bound on something that grows, or a word that stands for none.
enum Bound: Equatable {
    case unlimited
    case at(Int)

    /// What the library takes: `nil` for none.
    var value: Int? {
        switch self {
        case .unlimited: nil
        case .at(let value): value
        }
    }

    /// What a size and what a count must be, to follow "it must be".
    static let sizes = "a size from 4k to 1024G, such as 64M, or 'none'"
    static let counts = "a number from 1 on, or 'all'"

    /// A size in bytes, `64M` for example, or `none`. The units k, M and G are those of 1024.
    ///
    /// - Throws: An error that states the form and the range; the parser adds the option and its value.
    static func size(parsing argument: String) throws -> Bound {
        if argument == "none" { return .unlimited }
        let unit: Int? =
            switch argument.last {
            case "k", "K": 1 << 10
            case "m", "M": 1 << 20
            case "g", "G": 1 << 30
            default: nil
            }
        let digits = unit == nil ? argument[...] : argument.dropLast()
        let (size, isTooLarge) = (number(digits) ?? 0).multipliedReportingOverflow(by: unit ?? 1)
        guard !isTooLarge, (4096...(1 << 40)).contains(size) else {
            throw ValidationError("It must be \(sizes).")
        }
        return .at(size)
    }

    /// A number, or `all`.
    ///
    /// - Throws: An error that states the range; the parser adds the option and its value.
    static func count(parsing argument: String) throws -> Bound {
        if argument == "all" { return .unlimited }
        guard let count = number(argument[...]), count > 0 else {
            throw ValidationError("It must be \(counts).")
        }
        return .at(count)
    }

    private static func number(_ digits: Substring) -> Int? {
        digits.allSatisfy { ("0"..."9").contains($0) } ? Int(digits) : nil
    }
}
