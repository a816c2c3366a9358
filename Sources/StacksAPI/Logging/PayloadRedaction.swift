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
                try copy(&reader, to: &output, hides: .nothing)
            }
        } catch {
            // What is not JSON cannot be told apart into what is secret and what is not.
            return "(\(body.count) bytes that are not JSON)"
        }
        let text = String(decoding: redaction.scrub(output).prefix(limit), as: UTF8.self)
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
        switch key {
        case "env", "command": return .everything
        case "token_type": return .nothing
        default:
            let key = key.lowercased()
            let isSecret = ["token", "secret", "password", "authorization"].contains { key.contains($0) }
            return isSecret ? .strings : .nothing
        }
    }

    private static func copy(
        _ reader: inout JSONReader, to output: inout [UInt8], hides hidden: Hidden
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
                output.append(contentsOf: JSONWriter.bytes(capacity: JSONWriter.size(name)) { $0.string(name) })
                output.append(UInt8(ascii: ":"))
                try copy(&reader, to: &output, hides: self.hidden(by: name, inside: hidden))
            }
            output.append(UInt8(ascii: "}"))
        case UInt8(ascii: "["):
            try reader.beginArray()
            output.append(first)
            var isFirst = true
            while try reader.nextElement() {
                if !isFirst { output.append(UInt8(ascii: ",")) }
                isFirst = false
                try copy(&reader, to: &output, hides: hidden)
            }
            output.append(UInt8(ascii: "]"))
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
