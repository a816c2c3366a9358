package import Logging
import StacksTransport

extension Logger.MetadataValue {
    /// The value as a line of a log may show it: its strings escaped by ``VisibleText``, and cropped. A body has room.
    ///
    /// What the library logs is escaped before a handler sees it, because a handler writes it as it is.
    package var visible: Logger.MetadataValue {
        func shown(_ text: String) -> String { VisibleText.escaped(text, limit: 5 * VisibleText.lineLimit) }
        switch self {
        case .string(let text): return .string(shown(text))
        case .stringConvertible(let value): return .string(shown(value.description))
        case .array(let values): return .array(values.map(\.visible))
        case .dictionary(let members): return .dictionary(members.visible)
        }
    }
}

extension Logger.Metadata {
    /// The same names with values that a line of a log may show.
    package var visible: Logger.Metadata {
        // Names are the package's own, but for those of header fields, which are HTTP's tokens: ASCII without spaces.
        mapValues(\.visible)
    }
}
