import Foundation
import Logging
import StacksTransport
import Testing

@testable import StandardStreams

/// A line of the log as JSON, whatever is in it.
@Suite("A line of JSON")
struct JSONLineTests {
    private static let hostile =
        "x\n{\"level\":\"critical\"}\r\t\u{0}\u{1B}[2J\u{9B}\u{202E}\u{E0041}\u{200B}\u{2028}\"\\ä𝄞"

    private func text(
        _ message: String, _ metadata: Logger.Metadata = [:], source: String? = "Test", milliseconds: Int = 7
    ) -> String {
        LogLine(
            level: .warning, message: message, metadata: metadata, label: "stacksctl", source: source,
            time: WallTime(secondsSince1970: 1_775_060_047, milliseconds: milliseconds)
        ).text(in: .json)
    }

    private func object(_ text: String) throws -> [String: Any] {
        #expect(!text.unicodeScalars.contains { VisibleText.isHidden($0) }, "\(text)")
        return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(text)")
    }

    @Test("it says when, how severe, who and what, and then everything else, sorted")
    func members() {
        #expect(
            text("a", ["stack": "s", "job": "j"])
                == #"{"time":"2026-04-01T16:14:07.007Z","level":"warning","logger":"stacksctl","source":"Test","#
                + #""message":"a","job":"j","stack":"s"}"#)
        #expect(
            text("a", source: nil, milliseconds: 999).contains(#"07.999Z","level":"warning","logger":"stacksctl","m"#))
    }

    @Test("numbers, truth values and durations are no strings, and lists and groups stay what they are")
    func types() throws {
        let line = text(
            "a",
            [
                "status": .stringConvertible(404), "big": .stringConvertible(UInt64.max),
                "flag": .stringConvertible(true),
                "wait": .stringConvertible(Duration.milliseconds(1500)),
                "back": .stringConvertible(Duration.seconds(-0.25)),
                "none": .stringConvertible(Duration.zero), "tiny": .stringConvertible(Duration.nanoseconds(1)),
                "text": .stringConvertible("404"), "list": ["a", .stringConvertible(1), []],
                "group": ["x": ["y": "z"], "e": [:]],
            ])
        _ = try object(line)
        for member in [
            #""status":404"#, #""big":18446744073709551615"#, #""flag":true"#, #""wait":1.5"#, #""back":-0.25"#,
            #""none":0"#, #""tiny":0"#, #""text":"404""#, #""list":["a",1,[]]"#, #""group":{"e":{},"x":{"y":"z"}}"#,
        ] { #expect(line.contains(member), "\(member): \(line)") }
    }

    @Test("whatever bytes there are in it, it is one object on one line, and says what it was given")
    func hostileTexts() throws {
        let line = text(
            Self.hostile,
            [
                "v": "\(Self.hostile)", "list": ["\(Self.hostile)"], "\(Self.hostile)": "n",
                "g": ["\(Self.hostile)": "m"],
            ])
        let object = try object(line)
        #expect(object["message"] as? String == Self.hostile && object["v"] as? String == Self.hostile)
        #expect(object["list"] as? [String] == [Self.hostile] && object[Self.hostile] as? String == "n")
        #expect(object["g"] as? [String: String] == [Self.hostile: "m"])
        #expect(object["level"] as? String == "warning")
    }

    @Test("no metadata replaces what a line says itself: it has a name of its own")
    func reservedNames() throws {
        let reserved = ["time", "level", "logger", "source", "message", "truncated"]
        var metadata = Logger.Metadata(uniqueKeysWithValues: reserved.map { ($0, "forged") })
        metadata["metadata.level"] = "another"
        let line = text("a", metadata)
        let object = try object(line)
        #expect(object["message"] as? String == "a" && object["level"] as? String == "warning")
        #expect(object["time"] as? String == "2026-04-01T16:14:07.007Z" && object["truncated"] == nil)
        for name in reserved { #expect((object["metadata.\(name)"] as? String) != nil, "\(name)") }
        #expect(
            Set(["metadata.level", "metadata.metadata.level"].compactMap { object[$0] as? String }) == [
                "forged", "another",
            ])
        // A reader that takes the last of two members of one name sees the same.
        #expect(line.components(separatedBy: #""level":"#).count == 2)
    }

    @Test("its length is bounded, and it says when something is left out")
    func bounded() throws {
        let long = String(repeating: "\u{1}", count: 1_000_000)
        let most = JSONLine.sizeLimit + 100_000
        let message = text(long)
        let shown = try object(message)["message"] as? String
        #expect(message.utf8.count < most && shown?.last == "…")
        let many = Logger.Metadata(uniqueKeysWithValues: (0..<100_000).map { ("name\($0)", "\(long.prefix(10))") })
        var deep: Logger.MetadataValue = "end"
        for _ in 0..<1000 { deep = ["in": deep] }
        let wide = Logger.MetadataValue.array(Array(repeating: ["\(long.prefix(100))"], count: 100_000))
        for metadata in [many, ["deep": deep], ["wide": wide], [String(long.prefix(101)): "x"]] {
            let line = text("a", metadata)
            #expect(line.utf8.count < most)
            #expect(try object(line)["truncated"] as? Bool == true)
        }
    }

    @Test("a program's last words, and how many lines were dropped, are objects too")
    func lastWords() throws {
        let line = StandardError.line(Self.hostile, by: "stacksctl", in: .json)
        let object = try object(line)
        #expect(object["message"] as? String == Self.hostile && object["level"] as? String == "error")
        #expect(object["logger"] as? String == "stacksctl")
        let dropped = try self.object(StandardError.noteOfDropped(3, in: .json))
        #expect((dropped["message"] as? String)?.hasPrefix("3 lines of the log were dropped") == true)
        #expect(StandardError.noteOfDropped(1, in: .journal).hasPrefix("<4>1 line of the log was dropped"))
    }
}

/// Lines for systemd's journal.
@Suite("Lines for the journal")
struct JournalTests {
    @Test(
        "a line has its level as systemd reads it, and neither date, time nor program", arguments: Logger.Level.allCases
    )
    func levels(_ level: Logger.Level) {
        let line = LogLine(
            level: level, message: "a\nb", metadata: ["job": "j", "stack": "s"], label: "stacksctl", source: "Test"
        ).text(in: .journal)
        let number: [Logger.Level: Int] = [
            .trace: 7, .debug: 7, .info: 6, .notice: 5, .warning: 4, .error: 3, .critical: 2,
        ]
        #expect(line == "<\(number[level] ?? -1)>a\\nb job=j stack=s")
    }

    @Test("standard error is the journal's when device and inode are those that are named, and nothing else is")
    func stream() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "stream-\(UUID())").path
        let descriptor = open(file, O_RDWR | O_CREAT, 0o600)
        defer {
            close(descriptor)
            unlink(file)
        }
        var status = stat()
        try #require(fstat(descriptor, &status) == 0)
        let (device, inode) = (status.st_dev, status.st_ino)
        #expect(JournalStream.isConnected(descriptor, named: "\(device):\(inode)"))
        let others = [
            nil, "", ":", "\(device)", "\(device):", ":\(inode)", "\(device):\(inode + 1)", "\(device + 1):\(inode)",
            "\(device):\(inode):", "\(device):\(inode) ", "-1:-1", "x:y", String(repeating: "9", count: 100_000),
        ]
        for name in others { #expect(!JournalStream.isConnected(descriptor, named: name), "\(name ?? "nil")") }
        #expect(!JournalStream.isConnected(-1, named: "\(device):\(inode)"))
    }
}
