import StacksTesting

/// Makes JSON documents with secrets in every place where the API, a server or a proxy can put one, from a seed.
struct SecretDocuments {
    static let token = "bkct_s3cr3tAgentToken"
    /// What is nowhere to be seen.
    static let secrets = [token, "s3cr3tAgent", "Acqu1sit10n", "hunter2", "40490", "pa55word", "cGE1NXdvcmQ"]

    private var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func number(below limit: Int) -> Int { Int(generator.next() % UInt64(limit)) }

    private mutating func pick<Element>(_ elements: [Element]) -> Element { elements[number(below: elements.count)] }

    /// An object with a job's environment and command among its fields.
    mutating func document() -> String {
        var fields = [field("env", isSecret: true), field("command", isSecret: true)]
        for _ in 0...number(below: 5) { fields.append(anyField(depth: 3)) }
        fields.append(string("message") + ":" + string(sentence()))
        return "{\(fields.joined(separator: ","))}"
    }

    /// What a proxy or a failed connection can say.
    mutating func sentence() -> String {
        let long = String(repeating: "x", count: 980 + number(below: 20)) + " "
        let around = ["", "failed: ", "\n", "<pre>", "π ", long]
        let secret = [
            Self.token, "bkjat_Acqu1sit10n.sig-nature", "Authorization: Token \(Self.token)",
            "proxy-authorization: Basic cGE1NXdvcmQ=", "HTTP_AUTHORIZATION=Bearer hunter2",
            "could not connect to http://user:pa55word@proxy:3128/", "https://hunter2@proxy", "nothing",
        ]
        return pick(around) + pick(secret) + pick(["", " again", "\r\nHost: x", "</pre>", "\"quoted\""])
    }

    private mutating func anyField(depth: Int) -> String {
        switch number(below: 4) {
        case 0: field(pick(["env", "command", "ENV", "Command"]), isSecret: true)
        case 1:
            string(pick(["job_acquisition_token", "client_secret", "Password", "Authorization", "api_tokens"])) + ":"
                + pick([string("hunter2"), "[\(string("hunter2")),{\"env\":\(string("hunter2"))}]"])
        case 2: string(pick(["a", "list", Self.token])) + ":" + nested(depth: depth - 1)
        default: string(pick(["id", "message", "url"])) + ":" + string(sentence())
        }
    }

    private mutating func nested(depth: Int) -> String {
        if depth == 0 { return string(sentence()) }
        return pick([true, false]) ? "{\(anyField(depth: depth))}" : "[1,\(nested(depth: depth - 1)),null]"
    }

    private mutating func field(_ name: String, isSecret: Bool) -> String {
        string(name) + ":"
            + pick([
                string("hunter2"), "40490", "[40490,\(string("hunter2"))]",
                "{\"K\":\(string("hunter2")),\"message\":{\"deep\":[\(string("hunter2")),40490]}}",
            ])
    }

    /// A string as JSON, some of its characters written as escapes though they need none.
    private mutating func string(_ text: String) -> String {
        let escapes = pick([0, 0, 3])
        var result = "\""
        for unit in text.utf16 {
            let isPlain = unit >= 0x20 && unit < 0x7F && unit != 0x22 && unit != 0x5C
            if isPlain, escapes == 0 || number(below: escapes) > 0 {
                result.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
            } else {
                let digits = String(unit, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            }
        }
        return result + "\""
    }
}
