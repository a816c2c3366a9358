import Foundation
import HTTPTypes
import StacksTesting
import StacksTransport
import Testing

@Suite("The log of a job")
struct LogTests {
    private static let parts = ["hello\n", "wörld\n", "\u{1B}[31mred\u{1B}[0m\n"].map { Array($0.utf8) }
    private static func offset(_ part: Int) -> Int { parts[..<part].reduce(0) { $0 + $1.count } }

    @Test(
        "its parts are put together in any order, and twice is once",
        arguments: [[0, 1, 2], [2, 1, 0], [1, 0, 1, 2, 2, 0]])
    func order(parts: [Int]) throws {
        let agent = try AgentScenario()
        let token = try agent.running()
        for part in parts {
            let response = try agent.chunk(
                Self.parts[part], sequence: part + 1, offset: Self.offset(part), token: token)
            #expect((200...201).contains(response.status))
        }
        let job = try agent.current()
        #expect(job.log == "hello\nwörld\n\u{1B}[31mred\u{1B}[0m\n")
        #expect(job.isLogComplete)
        for count in 0...job.logSize + 1 { #expect(job.logBytes(last: count) == Array(job.logBytes.suffix(count))) }
        #expect(job.logBytes(last: .max) == job.logBytes)
    }

    @Test("a part that is missing is seen")
    func gap() throws {
        let agent = try AgentScenario()
        let token = try agent.running()
        #expect(try agent.current().isLogComplete)
        try agent.chunk(Self.parts[0], sequence: 1, offset: 0, token: token)
        try agent.chunk(Self.parts[2], sequence: 3, offset: Self.offset(2), token: token)
        let job = try agent.current()
        #expect(!job.isLogComplete)
        #expect(job.log == "hello\n\u{1B}[31mred\u{1B}[0m\n")
    }

    /// Documents of zlib and of gzip's program.
    private static let compressed: [(String, [UInt8])] = [
        ("H4sIAAAAAAAEAwEUAOv/aGVsbG8NCn5+fiBSdW5uaW5nDQocTmoEFAAAAA==", Array("hello\r\n~~~ Running\r\n".utf8)),
        ("H4sIAAAAAAACA8tIzcnJV8hAJ7kAAIhZCxgAAAA=", Array("hello hello hello hello\n".utf8)),
        (
            """
            H4sIAAAAAAACA3XSuw3DMAyE4d5TcASR1DP7OE4AwW5cZPwgiBpbd+1/zQdR/b2vEuR4yvlapR/bQ5b+a3ppn3+0axzVb3XkeM+jp6mPIc/DWA\
            oAVgRsEKgBC1UJUY0Z1SlSI3rGhJiasbMQZ2XOxpwWqNMUOM3gvR06LWKnJeK0TJ2FOytyNuT0gD+mYqcbcbozp0fq9AScnqGzYGclzvm8yxe0\
            /D//sQMAAA==
            """, lines
        ),
        ("H4sIAAAAAAACA0tMHAWjYBQMd8AFAPNvRKvpAwAA", Array(repeating: UInt8(ascii: "a"), count: 1000) + [10]),
        ("H4sICAEHDGsCA25hbWUudHh0AMtLzE1N4QIA3PB6QQYAAAA=", Array("named\n".utf8)),
        (
            """
            H4sIAAAAAAACA+3dYUYDAABA4ZmZZGaSZGaSTDJJkmQmk2QyMzOTmSSTJJlMZmaSmZmZJJPMzCQzyUwyk0mSJJkkM0mSSWaSmZnpCkU/33\
            eDd4In6B53JGv6zGBa+xya7fq4v7x6/O6bTzRsd4byZn8pvmGZmTau7FxL7Ofqo9Gb9YH3012feyuarw57nnS5qQeX6u0k6Fxe9cZuO0wp\
            2bZ4b+xlf3FCIZUqJhb3X8b2xNuylKnjNuZdXXYGT95UroepnO7JM1zNR7fcvt3T94H1m9Ej9bldcr2zYpyesWzES/2bZcOdrZGY7/t+vL\
            q8/+iaDT1r04MZfS3pGO8WNIW9mrXjlvVismCuHy6NdH5VPtvKuUBxKCLy92QX5K9nB+HwwdmrfCHb4xdFhoqBOWX7s/LVObJ0WDcXJi+s\
            reM1Ta+wKfhDvwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/gtv2V/3/wCwykCyiHcAAA==
            """, far
        ),
    ]

    private static var lines: [UInt8] {
        (0..<40).flatMap { (number: Int) -> [UInt8] in
            let end = String(repeating: "x", count: number % 7)
            return Array("line \(number) of the log: \(end)\n".utf8)
        }
    }

    /// The same bytes twice, 30 000 zeros apart.
    private static var far: [UInt8] {
        let bytes = (0..<300).map { (number: Int) in UInt8(truncatingIfNeeded: number * (number * 7 + 13)) }
        return bytes + [UInt8](repeating: 0, count: 30_000) + bytes
    }

    @Test("parts come compressed: blocks stored, with the fixed codes and with their own", arguments: 0..<6)
    func gzip(document: Int) throws {
        let (text, content) = Self.compressed[document]
        let agent = try AgentScenario()
        let token = try agent.running()
        let bytes = Array(try #require(Data(base64Encoded: text)))
        let response = try agent.chunk(
            bytes, sequence: 1, offset: 0, size: content.count, encoding: "gzip", token: token)
        #expect(response.status == 201, "\(response.message)")
        #expect(try agent.current().logBytes == content)
    }

    @Test("a compressed part that was cut, changed, or continued is refused, and nothing traps", arguments: 0..<6)
    func damaged(document: Int) throws {
        let (text, content) = Self.compressed[document]
        let agent = try AgentScenario()
        let token = try agent.running()
        let bytes = Array(try #require(Data(base64Encoded: text)))
        func send(_ bytes: [UInt8]) throws -> Int {
            try agent.chunk(bytes, sequence: 1, offset: 0, size: content.count, encoding: "gzip", token: token).status
        }
        for count in 1..<bytes.count { #expect(try send(Array(bytes[..<count])) == 400) }
        #expect(try send(bytes + [0]) == 400)
        var refused = 0
        for place in bytes.indices {
            var changed = bytes
            changed[place] ^= 1 << UInt8(place % 8)
            if try send(changed) == 400 { refused += 1 }
            // Some bits mean nothing, and some codes the same as another: then the content is the same.
            #expect([[], content].contains(try agent.current().logBytes))
        }
        #expect(refused > bytes.count / 2)
    }

    @Test("a part that grows to many megabytes stops at the size that it says")
    func bomb() throws {
        let agent = try AgentScenario()
        let token = try agent.running()
        // The first block of zlib's document of zeros: eight megabytes.
        let bytes: [UInt8] =
            [
                0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 2, 3, 0xEC, 0xC1, 1, 1, 0, 0, 0, 0x80, 0x90, 0xFE, 0xAF, 0xEE, 8, 10,
            ] + [UInt8](repeating: 0, count: 8190)
        let response = try agent.chunk(bytes, sequence: 1, offset: 0, size: 102_400, encoding: "gzip", token: token)
        #expect(response.status == 400)
        #expect(response.message.contains("it has more than 102400 bytes decompressed"), "\(response.message)")
        #expect(try agent.current().log.isEmpty)
    }

    @Test("a small part cannot say that it is smaller than it is, and a large one not that it is larger")
    func sizes() throws {
        let agent = try AgentScenario()
        let token = try agent.running()
        for size in [4, 6] {
            let response = try agent.chunk(Array("hello".utf8), sequence: 1, offset: 0, size: size, token: token)
            #expect(response.status == 400)
            #expect(response.message == "size is \(size), but the body has 5 bytes.")
        }
        let gzip = Array(try #require(Data(base64Encoded: Self.compressed[3].0)))
        let bomb = try agent.chunk(gzip, sequence: 1, offset: 0, size: 1000, encoding: "gzip", token: token)
        #expect(bomb.message.contains("it has more than 1000 bytes decompressed"))
    }

    @Test("a sequence number that comes again with other bytes or at another place is refused")
    func repeatedWithOtherBytes() throws {
        let agent = try AgentScenario()
        let token = try agent.running()
        try agent.chunk(Self.parts[0], sequence: 1, offset: 0, token: token)
        for (bytes, offset) in [(Array("other\n".utf8), 0), (Self.parts[0], 6)] {
            let response = try agent.chunk(bytes, sequence: 1, offset: offset, token: token)
            #expect(response.status == 422)
            #expect(response.message.hasPrefix("sequence 1 has come before"))
        }
        #expect(try agent.chunk(Self.parts[1], sequence: 2, offset: 5, token: token).message.hasPrefix("offset is 5"))
        #expect(try agent.chunk(Self.parts[0], sequence: 0, offset: 0, token: token).status == 422)
        #expect(try agent.current().log == "hello\n")
    }

    @Test(
        "numbers that are missing, negative, huge or none are refused by name",
        arguments: [
            ("offset=0&size=1", "sequence"), ("sequence=1&size=1", "offset"), ("sequence=1&offset=0", "size"),
            ("sequence=-1&offset=0&size=1", "sequence"), ("sequence=1&offset=-1&size=1", "offset"),
            ("sequence=1&offset=0&size=0", "size"), ("sequence=1&offset=0&size=-5", "size"),
            ("sequence=9223372036854775807&offset=0&size=1", "sequence"),
            ("sequence=1&offset=9223372036854775807&size=1", "offset"),
            ("sequence=1&offset=0&size=9223372036854775807", "size"),
            ("sequence=1&offset=0&size=99999999999999999999999999", "size"), ("sequence=x&offset=0&size=1", "sequence"),
            ("sequence=1&offset=1.5&size=1", "offset"), ("sequence=1&offset=0&size=", "size"),
            ("sequence=1&offset=1000000&size=1", "offset"),
        ])
    func badNumbers(query: String, member: String) throws {
        let agent = try AgentScenario { $0.agents.logLimit = 1_000_000 }
        let response = try agent.scenario.send(
            .post, "jobs/\(agent.job)/chunks?\(query)", bytes: [65], token: try agent.running(),
            headerFields: [.contentType: "text/plain"])
        #expect([400, 422].contains(response.status))
        #expect(response.message.hasPrefix(member), "\(response.message)")
        #expect(try agent.current().log.isEmpty)
    }

    @Test("another encoding than gzip gets a 415")
    func encoding() throws {
        let agent = try AgentScenario()
        let token = try agent.running()
        #expect(try agent.chunk([1], sequence: 1, offset: 0, encoding: "br", token: token).status == 415)
        #expect(try agent.chunk([65], sequence: 1, offset: 0, encoding: "identity", token: token).status == 201)
    }
}
