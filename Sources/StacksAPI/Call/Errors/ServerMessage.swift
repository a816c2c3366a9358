import StacksTransport

/// What an error's body says.
enum ServerMessage {
    /// How much of a message is kept, in characters.
    private static let limit = 1000

    /// The `message` of a JSON object, or `nil` when the body is something else: a proxy's page, or nothing.
    static func read(_ body: [UInt8], _ redaction: Redaction) -> String? {
        let message = try? JSONReader.read(body) { (reader) throws(JSONError) -> String? in
            var message: String?
            try reader.beginObject()
            while let name = try reader.nextKey() {
                switch name {
                case "message": message = try reader.optionalString()
                default: try reader.skip()
                }
            }
            return message
        }
        guard let text = message ?? nil, !text.isEmpty else { return nil }
        let scrubbed = String(
            decoding: redaction.scrub(Array(text.utf8), limit: 4 * (limit + 1)), as: UTF8.self)
        // On one line and of bounded length, whatever the server sent, and without what is not seen.
        let shown = scrubbed.unicodeScalars.prefix(limit).map { VisibleText.isHidden($0) ? " " : $0 }
        return String(String.UnicodeScalarView(shown)) + (scrubbed.unicodeScalars.count > limit ? "…" : "")
    }

    /// What kind of body it is, in words.
    static func describe(_ body: [UInt8]) -> String {
        if body.isEmpty { return "the body is empty" }
        let first = body.first { $0 > 0x20 }
        if first == UInt8(ascii: "<") { return "the body is \(body.count) bytes of HTML, from a proxy perhaps" }
        return "the body is \(body.count) bytes without a message"
    }
}
