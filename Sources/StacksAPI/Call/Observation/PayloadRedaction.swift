/// Shows a body in the log: the JSON as it is, without the values that are secret.
///
/// Secret are a job's command, the values of its environment, and every string whose key speaks of a token or a secret.
enum PayloadRedaction {
    /// How much of a body is shown, in bytes.
    private static let limit = 4096

    static func text(_ body: [UInt8], _ redaction: Redaction) -> String {
        if body.isEmpty { return "(empty)" }
        var output: [UInt8] = []
        do {
            try JSONReader.read(body) { (reader) throws(JSONError) in
                try copy(&reader, to: &output, hides: .nothing, redaction)
            }
        } catch {
            // What is not JSON cannot be told apart into what is secret and what is not.
            return "(\(body.count) bytes that are not JSON)"
        }
        let text = String(decoding: output.prefix(limit), as: UTF8.self)
        return output.count > limit ? "\(text)… (\(body.count) bytes)" : text
    }

    private enum Hidden {
        case nothing
        /// The strings in it, if it is one; what is inside of it is judged by its own keys.
        case strings
        /// Everything that is not a bracket or a key.
        case everything
    }

    private static func hidden(by key: String, inside outer: Hidden) -> Hidden {
        if outer == .everything { return .everything }
        switch key.lowercased() {
        case "env", "command": return .everything
        case "token_type": return .nothing
        default: return speaksOfSecret(key) ? .strings : .nothing
        }
    }

    /// Whether the name of a value, or of a header field, says that the value is secret.
    static func speaksOfSecret(_ name: String) -> Bool {
        let name = name.lowercased().filter { $0 != "-" && $0 != "_" }
        let words = ["token", "secret", "password", "authorization", "cookie", "apikey", "credential", "privatekey"]
        return words.contains { name.contains($0) }
    }

    /// A string as JSON. It is scrubbed before it is escaped: a credential may be written with escapes.
    private static func append(_ text: String, to output: inout [UInt8], _ redaction: Redaction) {
        let text = redaction.scrub(text)
        output.append(contentsOf: ByteWriter.bytes(capacity: ByteWriter.size(text)) { $0.string(text) })
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
