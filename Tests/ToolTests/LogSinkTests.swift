import Foundation
import Logging
import StacksTransport
import Testing

@testable import StandardStreams

/// Where the log goes when whoever reads it is slow, gone, or a terminal.
@Suite("The log's writer", .timeLimit(.minutes(5)))
struct LogSinkTests {
    /// A pipe whose ends do not block.
    private struct Ends {
        let reading: Int32
        let writing: Int32

        init() throws {
            var ends: [Int32] = [-1, -1]
            try #require(pipe(&ends) == 0)
            (reading, writing) = (ends[0], ends[1])
            _ = fcntl(reading, F_SETFL, O_NONBLOCK)
        }

        /// Everything that is there now.
        func read() -> String {
            var text: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = Foundation.read(reading, &buffer, buffer.count)
                guard count > 0 else { return String(decoding: text, as: UTF8.self) }
                text += buffer[..<count]
            }
        }

        func close() {
            Foundation.close(reading)
            Foundation.close(writing)
        }
    }

    /// 100 bytes with its end.
    private func line(_ number: Int) -> String {
        let text = "\(number)"
        return text + String(repeating: ".", count: 99 - text.count)
    }

    @Test("lines arrive whole and in order")
    func order() async throws {
        let ends = try Ends()
        defer { ends.close() }
        let sink = LogSink(descriptor: ends.writing) { "\($0) dropped" }
        for number in 0..<100 { sink.write(line(number)) }
        #expect(sink.flush(within: .seconds(30)))
        #expect(ends.read() == (0..<100).map { line($0) + "\n" }.joined())
    }

    @Test("a reader that stands still stops nobody; what there is no room for is counted, and said when it reads again")
    func stalled() async throws {
        let ends = try Ends()
        defer { ends.close() }
        let sink = LogSink(descriptor: ends.writing, capacity: 10_000) { "\($0) dropped" }
        // More than a pipe and the buffer hold.
        for number in 0..<20_000 { sink.write(line(number)) }
        sink.write("the end", isVital: true)
        #expect(!sink.flush(within: .milliseconds(1)))
        var text = ""
        var lines: [String] { text.split(separator: "\n").map(String.init) }
        var arrived: [String] { lines.filter { $0.hasSuffix("....") } }
        var dropped: Int {
            lines.reduce(0) { $0 + ($1.hasSuffix(" dropped") ? Int($1.dropLast(" dropped".count)) ?? 0 : 0) }
        }
        // Until each line has arrived or is said not to: before that there may be no room for another.
        while !text.hasSuffix("\n") || arrived.count + dropped < 20_000 {
            text += ends.read()
            await Task.yield()
        }
        sink.write("after")
        while !text.hasSuffix("after\n") {
            text += ends.read()
            await Task.yield()
        }
        #expect(arrived.count + dropped == 20_000)
        #expect(arrived == arrived.sorted { Int($0.prefix { $0 != "." })! < Int($1.prefix { $0 != "." })! })
        #expect(lines.contains("the end"))
    }

    @Test("lines that cannot be written are counted, and it is said when lines are written again")
    func unwritable() async throws {
        let ends = try Ends()
        defer { ends.close() }
        // Open for reading alone, so that writing fails.
        let descriptor = open("/dev/null", O_RDONLY)
        defer { close(descriptor) }
        let sink = LogSink(descriptor: descriptor) { "\($0) dropped" }
        for number in 0..<10 {
            sink.write("line \(number)")
            #expect(sink.flush(within: .seconds(30)))
        }
        try #require(dup2(ends.writing, descriptor) == descriptor)
        sink.write("again")
        #expect(sink.flush(within: .seconds(30)))
        #expect(ends.read() == "10 dropped\nagain\n")
    }

    @Test("whoever waits for room gets it when the reader reads on")
    func waiting() async throws {
        let ends = try Ends()
        defer { ends.close() }
        let sink = LogSink(descriptor: ends.writing, capacity: 1000) { "\($0) dropped" }
        Thread.detachNewThread { [line] in for number in 0..<5000 { sink.writeWaiting(line(number)) } }
        var text = ""
        while text.utf8.count < 500_000 {
            text += ends.read()
            await Task.yield()
        }
        #expect(text == (0..<5000).map { line($0) + "\n" }.joined())
    }

    // MARK: Lines

    @Test("an event is one line, whatever is in it")
    func oneLine() {
        let forged = "os=x\n2026-01-01T00:00:00+0000 critical stacksctl: all is lost\u{1B}[2J\u{202E}"
        for form in [LogForm.full, .short, .shortOfSeveral, .journal] {
            let line = LogLine(
                level: .info, message: forged, metadata: ["job": "\(forged)", "list": ["\(forged)"], "plain": "a"],
                label: "stacksctl", source: "Test", time: WallTime(secondsSince1970: 0)
            ).text(in: form)
            #expect(!line.unicodeScalars.contains { VisibleText.isHidden($0) }, "\(line)")
            #expect(line.contains(" plain=a") && line.contains(" job=\"os=x\\n2026"), "\(line)")
        }
    }

    @Test("a terminal is told the stack of a line where there are several, and never the queue")
    func stacks() {
        func shown(_ form: LogForm) -> String {
            LogLine(
                level: .info, message: "m", metadata: ["stack": "one", "queue": "q", "job": "j"], label: "l",
                time: WallTime(secondsSince1970: 0)
            ).text(in: form)
        }
        #expect(shown(.short).hasSuffix(" info m job=j"))
        #expect(shown(.shortOfSeveral).hasSuffix(" info m job=j stack=one"))
    }

    @Test("a value that could be taken for several is in quotation marks")
    func quotes() {
        func shown(_ value: String) -> String {
            LogLine(
                level: .info, message: "m", metadata: ["k": "\(value)"], label: "l",
                time: WallTime(secondsSince1970: 0)
            ).text(in: .short).split(separator: " k=").last.map(String.init) ?? ""
        }
        #expect(shown("a-b/c:1") == "a-b/c:1")
        #expect(shown("a job=b") == #""a job=b""#)
        #expect(shown(#"a" b="c"#) == #""a\" b=\"c""#)
        #expect(shown("") == #""""#)
    }

    @Test("a day has 24 hours", arguments: 0..<24)
    func clock(hour: Int) {
        // Noon of some day in this machine's zone, found by asking for it.
        var parts = tm()
        (parts.tm_year, parts.tm_mon, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec) = (
            126, 0, 15, Int32(hour), 54, 7
        )
        parts.tm_isdst = -1
        let time = WallTime(secondsSince1970: Int(mktime(&parts)))
        let expected = (hour < 10 ? "0" : "") + "\(hour):54:07"
        #expect(time.time == expected)
        #expect(time.dateAndTime.hasPrefix("2026-01-15T\(expected)"))
    }

    // MARK: The painted line

    private let clear = "\r\u{1B}[2K"

    private func update(_ line: inout PaintedLine, _ lines: String, _ text: String?, _ width: Int) -> String {
        String(decoding: line.update(writing: Array(lines.utf8), painting: text, width: width), as: UTF8.self)
    }

    @Test("lines are written above the painted one, which is cropped to what the terminal is wide at that moment")
    func painted() {
        var line = PaintedLine()
        #expect(update(&line, "one\n", nil, 20) == "one\n")
        #expect(update(&line, "", "0123456789", 20) == clear + "0123456789")
        #expect(update(&line, "", "0123456789", 20) == "")
        #expect(update(&line, "two\n", "0123456789", 20) == clear + "two\n0123456789")
        #expect(update(&line, "", "0123456789abc", 30) == clear + "0123456789abc")
        #expect(update(&line, "", nil, 30) == clear)
    }

    @Test("of a terminal that has become narrower nothing is left of what it had to wrap")
    func narrower() {
        var line = PaintedLine()
        let text = String(repeating: "x", count: 79)
        _ = update(&line, "", text, 80)
        // 79 characters are in two rows of 40, and in three of 30.
        #expect(update(&line, "log\n", text, 40) == "\r\u{1B}[1A\u{1B}[Jlog\n" + String(repeating: "x", count: 39))
        _ = update(&line, "", text, 80)
        #expect(update(&line, "", text, 30) == "\r\u{1B}[2A\u{1B}[J" + String(repeating: "x", count: 29))
        // And one that is wider again gets more of it.
        #expect(update(&line, "", text, 60) == clear + String(repeating: "x", count: 59))
    }
}
