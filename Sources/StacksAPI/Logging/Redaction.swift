/// Takes credentials out of text that came from elsewhere: the client's own token, and whatever looks like one of
/// Buildkite's.
struct Redaction: Sendable {
    private let token: [UInt8]

    init(token: Secret) { self.token = Array(token.value.utf8) }

    func scrub(_ text: String) -> String { String(decoding: scrub(Array(text.utf8)), as: UTF8.self) }

    /// The same bytes with `[redacted]` in the place of each credential.
    func scrub(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let length = lengthOfCredential(at: index, in: bytes)
            if length > 0 {
                result.append(contentsOf: Secret.placeholder.utf8)
                index += length
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return result
    }

    private func lengthOfCredential(at index: Int, in bytes: [UInt8]) -> Int {
        if bytes[index] == token[0], bytes[index...].starts(with: token) { return token.count }
        // Buildkite's tokens: "bk", a few letters that tell the kind, an underscore, and the secret part.
        guard bytes[index] == UInt8(ascii: "b"), bytes[index...].starts(with: "bk".utf8) else { return 0 }
        if index > 0, PercentEncoding.isKeyByte(bytes[index - 1]) { return 0 }
        let word = bytes[index...].prefix { PercentEncoding.isKeyByte($0) || $0 == UInt8(ascii: ".") }
        guard let underscore = word.firstIndex(of: UInt8(ascii: "_")), underscore - index <= 8,
            word.endIndex - underscore > 8
        else { return 0 }
        return word.count
    }
}
