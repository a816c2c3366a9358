/// Where something stands in a text. Lines and columns begin with 1; a column is a character (Unicode scalar).
package struct YAMLPlace: Sendable, Hashable {
    package var line: Int
    package var column: Int
}

/// A part of a YAML text.
package struct YAMLEvent: Sendable {
    package enum Kind: Sendable {
        case documentStart
        /// A value, or the beginning of a collection. An alias can refer to it by its anchor.
        case value(Value, anchor: String?)
        /// What has this anchor stands here again.
        case alias(String)
        /// The end of the innermost sequence or mapping.
        case collectionEnd
    }

    package enum Value: Sendable {
        case scalar(String)
        case sequence
        case mapping
    }

    package var kind: Kind
    package var place: YAMLPlace
}

/// Why a text is not YAML.
package struct YAMLError: Error {
    package var place: YAMLPlace
    /// What libyaml says, such as "did not find expected ',' or ']' while parsing a flow sequence".
    package var message: String
}
