import HTTPTypes
import StacksTransport
import Testing

@Suite("Header fields are read from their raw lines")
struct ResponseHeaderFieldsTests {
    private let fields = ResponseHeaderFields(
        lines: Array(
            """
            HTTP/1.1 200 OK\r
            RateLimit-Limit: 10\r
            content-type:application/json\r
            X-Padded: \t two words \t\r
            X-Empty:\r
            Set-Cookie: a=1\r
            Set-Cookie: b=2\r
            not a field\r
            \r

            """.utf8))

    @Test(
        "names are compared case-insensitively, and values are trimmed",
        arguments: [
            ("ratelimit-limit", "10"), ("RATELIMIT-LIMIT", "10"), ("Content-Type", "application/json"),
            ("x-padded", "two words"), ("X-Empty", ""),
        ])
    func lookUp(name: String, value: String) {
        #expect(fields[HTTPField.Name(name)!] == value)
    }

    @Test(
        "a missing name, or the prefix of one, has no value", arguments: ["x", "ratelimit", "x-e"])
    func missing(name: String) {
        #expect(fields[HTTPField.Name(name)!] == nil)
    }

    @Test("all fields are in order; lines without a valid field are left out")
    func all() {
        #expect(
            fields.fields.map { "\($0.name.canonicalName)=\($0.value)" } == [
                "ratelimit-limit=10", "content-type=application/json", "x-padded=two words", "x-empty=",
                "set-cookie=a=1", "set-cookie=b=2",
            ])
    }

    @Test("of several fields with one name, a lookup returns the first, from lines and from `HTTPFields`")
    func several() {
        let made: ResponseHeaderFields = [.setCookie: "a=1", .server: "s"]
        #expect(fields[.setCookie] == "a=1")
        #expect(made[.setCookie] == "a=1")
        #expect(made[.server] == "s")
        #expect(made[.age] == nil)
    }

    @Test(
        "invalid text is read safely", arguments: [[], [0xFF], [0x3A, 0x0A], Array("a:\u{0}".utf8)])
    func oddBytes(bytes: [UInt8]) {
        let fields = ResponseHeaderFields(lines: bytes)
        #expect(fields[.age] == nil)
        #expect(fields.fields.count <= 1)
    }

    @Test(
        "fields with a prefix and one of several rests are read alike from lines and from `HTTPFields`, in their order",
        arguments: [
            ("x-", ["a", "b", "last"], ["0=1", "1=2", "0=7"]), ("x-", ["padded", "padded-more"], ["1=4"]),
            ("x-", [""], ["0=3"]), ("ratelimit-", ["reset", "limit"], ["1=6"]), ("set-cookie", ["1"], []),
        ] as [(StaticString, [StaticString], [String])])
    func prefix(prefix: StaticString, rests: [StaticString], expected: [String]) {
        let lines = [
            "x-a: 1\r", "X-B:2", "x-: 3", "x-padded-more:  4 ", "Set-Cookie2: 5", "RATELIMIT-Limit: 6", "x-a: 7",
            "x-last",
        ]
        let raw = ResponseHeaderFields(lines: Array(lines.joined(separator: "\n").utf8))
        for fields in [raw, ResponseHeaderFields(raw.fields)] {
            var found: [String] = []
            fields.forEachField(withPrefix: prefix, rest: rests) { found.append("\($0)=\($1.text())") }
            #expect(found == expected)
        }
    }

    @Test("of more fields than the limit, the first ones are listed, and a lookup finds the last one")
    func tooManyFields() {
        let lines = Array(repeatElement("a:\n", count: 70_000).joined().utf8) + Array("age: 1\n".utf8)
        let fields = ResponseHeaderFields(lines: lines)
        #expect(fields.fields.count == 32_768)
        #expect(fields[.age] == "1")
    }
}
