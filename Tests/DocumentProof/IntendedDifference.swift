import Foundation

/// Where the client is meant to judge a document otherwise than Foundation does. Everything else is a mistake of one of
/// them.
package enum IntendedDifference: String, CaseIterable, Sendable {
    /// Of a name that stands twice the client takes the last value and checks every one, Foundation takes the first.
    case duplicateName = "duplicate name"
    /// Foundation takes UTF-16 and UTF-32; for the client JSON is UTF-8 (RFC 8259, 8.1).
    case encoding
    /// The client refuses what is nested more than 128 levels deep, Foundation more than 512.
    case depth
    /// Foundation refuses a number that no double holds even where nobody asks for its value; the client passes it over.
    case hugeNumber = "huge number"
    /// An integer with a fraction or an exponent: the client takes it as long as a double holds every integer of that
    /// size, Foundation rounds.
    case roundedInteger = "rounded integer"
    /// A comma after the last member or element, which RFC 8259 does not know: the client refuses it.
    case trailingComma = "trailing comma"
    /// An optional string, or one of a list, that is not valid JSON, half a surrogate pair for example: Foundation refuses
    /// the document, the client leaves out the value or the element.
    case brokenText = "broken text in an optional value"
}

extension IntendedDifference {
    /// What explains that the two do not agree on the document, or `nil` when nothing does.
    package static func explanation(
        of verdict: Verdict, on document: [UInt8], as kind: DocumentKind
    ) -> IntendedDifference? {
        let traits = DocumentTraits(document)
        switch verdict {
        case .bothAccept, .bothRefuse:
            return nil
        case .onlyFoundationAccepts:
            if traits.isOtherEncoding { return .encoding }
            if traits.depth > 128 { return .depth }
            if traits.hasDuplicateNames { return .duplicateName }
            if traits.hasTrailingCommas { return .trailingComma }
            return traits.hasRoundedIntegers ? .roundedInteger : nil
        case .onlyClientAccepts:
            if traits.hasHugeNumbers { return .hugeNumber }
            if kind != .job, traits.hasBrokenText { return .brokenText }
            return traits.hasDuplicateNames ? .duplicateName : nil
        case .valuesDiffer:
            // A limit that is refused is no limit: the rest of the answer counts all the same.
            if traits.hasRoundedIntegers { return .roundedInteger }
            return traits.hasDuplicateNames ? .duplicateName : nil
        }
    }
}
