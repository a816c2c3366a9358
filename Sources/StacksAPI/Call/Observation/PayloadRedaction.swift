/// Prepares a body for the log: its JSON without secret values.
///
/// Secret are a job's command, the values of its environment, and every string whose key names a token or a secret.
enum PayloadRedaction {
    /// The most bytes of a body that are shown.
    private static let limit = 4096

    static func text(_ body: [UInt8], _ redaction: Redaction) -> String {
        if body.isEmpty { return "(empty)" }
        var output: [UInt8] = []
        do {
            try JSONReader.read(body) { (reader) throws(JSONError) in
                try copy(&reader, to: &output, hides: .nothing, redaction)
            }
        } catch {
            // Without JSON it is unknown which parts are secret.
            return "(\(body.count) bytes that are not JSON)"
        }
        let text = String(decoding: output.prefix(limit), as: UTF8.self)
        return output.count > limit ? "\(text)… (\(body.count) bytes)" : text
    }

    private enum Hidden {
        case nothing
        /// The value if it is a string; the values inside it depend on their own keys.
        case strings
        /// Everything except brackets and keys.
        case everything
    }

    private static func hidden(by key: String, inside outer: Hidden) -> Hidden {
        if outer == .everything { return .everything }
        switch key.lowercased() {
        case "env", "command": return .everything
        case "token_type": return .nothing
        default: return namesSecret(key) ? .strings : .nothing
        }
    }

    /// Whether the name of a value, or of a header field, indicates that the value is secret.
    static func namesSecret(_ name: String) -> Bool {
        let name = name.lowercased().filter { $0 != "-" && $0 != "_" }
        let words = ["token", "secret", "password", "authorization", "cookie", "apikey", "credential", "privatekey"]
        return words.contains { name.contains($0) }
    }

    /// Appends a string as JSON. It is scrubbed before it is escaped, because escapes could hide a credential.
    private static func append(_ text: String, to output: inout [UInt8], _ redaction: Redaction) {
        let text = redaction.scrub(text)
        output.append(contentsOf: JSONWriter.bytes(capacity: JSONWriter.size(text)) { $0.string(text) })
    }

    private static func copy(
        _ reader: inout JSONReader, to output: inout [UInt8], hides hidden: Hidden, _ redaction: Redaction
    ) throws(JSONError) {
        let first = try reader.peek()
        switch first {
        case UInt8(ascii: "{"):
            try reader.beginObject()
            output.append(first)
            var isFirst = true
            while let key = try reader.nextKey() {
                if !isFirst { output.append(UInt8(ascii: ",")) }
                isFirst = false
                let name = key.string
                append(name, to: &output, redaction)
                output.append(UInt8(ascii: ":"))
                try copy(&reader, to: &output, hides: self.hidden(by: name, inside: hidden), redaction)
            }
            output.append(UInt8(ascii: "}"))
        case UInt8(ascii: "["):
            try reader.beginArray()
            output.append(first)
            var isFirst = true
            while try reader.nextElement() {
                if !isFirst { output.append(UInt8(ascii: ",")) }
                isFirst = false
                try copy(&reader, to: &output, hides: hidden, redaction)
            }
            output.append(UInt8(ascii: "]"))
        case UInt8(ascii: "\"") where hidden == .nothing: append(try reader.string(), to: &output, redaction)
        default:
            let start = reader.cursor
            try reader.skip()
            if hidden == .everything || hidden == .strings && first == UInt8(ascii: "\"") {
                output.append(contentsOf: "\"\(Secret.placeholder)\"".utf8)
            } else {
                output.append(contentsOf: UnsafeBufferPointer(start: start, count: reader.cursor - start))
            }
        }
    }
}
