import Foundation
import StacksAPI
import StacksController
import StacksTransport
import Testing

@testable import CommandLaunching

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("The logs of jobs stay within their limits", .serialized, .timeLimit(.minutes(5)))
struct JobLogTests {
    private func withDirectory<Result>(_ body: (String) async throws -> Result) async throws -> Result {
        let directory = FileManager.default.temporaryDirectory.appending(path: "job-logs-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        return try await body(directory.path)
    }

    private func contents(of path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    }

    private func append(_ text: String, to path: String) throws {
        let file = try OpenFile(path, O_WRONLY | O_CREAT | O_APPEND)
        defer { file.close() }
        try file.write(text)
    }

    private static func id(_ number: Int) -> JobID {
        JobID("01989c5e-0000-7000-8000-0000000000\(number < 10 ? "0" : "")\(number)")
    }

    private func launcher(
        _ script: String, logs directory: String, size: Int? = nil, count: Int? = nil
    ) throws -> CommandLauncher {
        var configuration = CommandLauncher.Configuration()
        configuration.output = .files(directory: directory)
        configuration.logLimits.maximumSize = size
        configuration.logLimits.maximumCount = count
        return try CommandLauncher(command: ["sh", "-c", script, "sh", directory], configuration: configuration)
    }

    private func launch(_ job: JobID, with launcher: CommandLauncher) async throws {
        _ = try await launcher.launch(
            LaunchedJob(scheduled: ScheduledJob(id: job), acquisitionToken: Secret("bkjat_secret")))
    }

    @Test(
        "limits that are too low are refused, with the number",
        arguments: [(4095, nil), (nil, 0), (-1, nil), (nil, -1)] as [(Int?, Int?)])
    func tooLow(size: Int?, count: Int?) async throws {
        try await withDirectory { directory in
            let error = #expect(throws: ConfigurationError.self) {
                try launcher("true", logs: directory, size: size, count: count)
            }
            #expect(error?.message.contains("\((size ?? count)!)") == true)
        }
    }

    // MARK: Size

    /// `count` lines with their numbers.
    private func lines(_ numbers: Range<Int>) -> String { numbers.map { "line \($0)\n" }.joined() }

    @Test("a log that is too large keeps its beginning and its end, whole lines, and says how much is missing")
    func cut() async throws {
        try await withDirectory { directory in
            let path = "\(directory)/log"
            var written = 0
            for round in 1...5 {
                let text = lines(round * 100_000..<round * 100_000 + 5000)
                written += text.utf8.count
                try append(text, to: path)
                try LogFile.cut(path, to: 16_384)
                let left = try contents(of: path)
                #expect(left.utf8.count <= 16_384)
                #expect(left.hasPrefix("line 100000\n") && left.hasSuffix("line \(round * 100_000 + 4999)\n"))
                // One sentence for all that is missing, however often it was cut.
                let others = left.split(separator: "\n").filter { $0.wholeMatch(of: /line \d{6}/) == nil }
                try #require(others.count == 1, "\(others)")
                let sentence = try #require(
                    others[0].wholeMatch(
                        of: /\[(\d+) bytes of output are missing here: the limit of a job's log is 16384 bytes\]/))
                // With the line feed before it and the one that ends it, which take the place of one.
                let kept = left.utf8.count - sentence.0.utf8.count - 2
                #expect(Int(sentence.1) == written - kept, "\(sentence.0)")
            }
        }
    }

    @Test("one without lines is cut too, and one that is not too large stays as it is")
    func withoutLines() async throws {
        try await withDirectory { directory in
            let path = "\(directory)/log"
            try append(String(repeating: "x", count: 4096), to: path)
            try LogFile.cut(path, to: 4096)
            #expect(try contents(of: path) == String(repeating: "x", count: 4096))
            try append(String(repeating: "y", count: 100_000), to: path)
            try LogFile.cut(path, to: 4096)
            let left = try contents(of: path)
            let x = String(repeating: "x", count: 1024)
            let y = String(repeating: "y", count: 1024)
            let missing = 104_096 - 2048
            #expect(
                left
                    == "\(x)\n[\(missing) bytes of output are missing here: the limit of a job's log is 4096 bytes]\n\(y)"
            )
        }
    }

    @Test("what a command writes of such sentences makes the number wrong and nothing else")
    func forgedSentence() async throws {
        try await withDirectory { directory in
            let path = "\(directory)/log"
            let forged = "\n[\(Int.max) bytes of output are missing here: the limit of a job's log is 4096 bytes]\n"
            try append(String(repeating: forged, count: 1000), to: path)
            for _ in 0..<3 {
                try LogFile.cut(path, to: 4096)
                #expect(try contents(of: path).utf8.count <= 4096)
                try append(String(repeating: forged, count: 1000), to: path)
            }
        }
    }

    @Test("a link, or whatever else has the name of a log, is left alone, and so is what it leads to")
    func notALog() async throws {
        try await withDirectory { directory in
            let (path, other) = ("\(directory)/log", "\(directory)/other")
            let text = lines(0..<5000)
            try append(text, to: other)
            symlink(other, path)
            // A link is smaller than what it leads to, and its own size counts.
            try LogFile.cut(path, to: 4096)
            #expect(try contents(of: other) == text)
            unlink(path)
            link(other, path)
            #expect(throws: OwnedFile.Refusal.otherName) { try LogFile.cut(path, to: 4096) }
            #expect(try contents(of: other) == text)
            unlink(path)
            try LogFile.cut(path, to: 4096)
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test("a command that writes all the while is not held up, and its last line is in the log")
    func writesAllTheWhile() async throws {
        try await withDirectory { directory in
            let job = Self.id(1)
            let path = CommandLauncher.logFile(of: job, in: directory)
            let launcher = try launcher(
                #"seq 1 300000; touch "$1/done"; until [ -e "$1/go" ]; do sleep 0.01; done; echo the end"#,
                logs: directory)
            let launch = Task { try await self.launch(job, with: launcher) }
            while !FileManager.default.fileExists(atPath: "\(directory)/done") {
                try LogFile.cut(path, to: 65_536)
                await Task.yield()
            }
            try append("", to: "\(directory)/go")
            try await launch.value
            try LogFile.cut(path, to: 65_536)
            let left = try contents(of: path)
            #expect(left.hasPrefix("1\n2\n3\n") && left.hasSuffix("the end\n"))
            #expect(left.utf8.count <= 65_536)
        }
    }

    @Test("a launcher cuts a log while its command runs, and at its end, and the command notices nothing")
    func launcherCuts() async throws {
        try await withDirectory { directory in
            let job = Self.id(1)
            let path = CommandLauncher.logFile(of: job, in: directory)
            let launcher = try launcher(
                #"seq 1 20000; until [ -e "$1/go" ]; do sleep 0.01; done; seq 20001 40000; echo the end"#,
                logs: directory, size: 8192)
            let launch = Task { try await self.launch(job, with: launcher) }
            var seen = ""
            while !seen.contains("missing here") || !seen.hasSuffix("\n20000\n") {
                try await Task.sleep(for: .milliseconds(5))
                seen = (try? contents(of: path)) ?? ""
            }
            try append("", to: "\(directory)/go")
            try await launch.value
            let left = try contents(of: path)
            #expect(left.utf8.count <= 8192 && left.hasPrefix("1\n2\n") && left.hasSuffix("\n40000\nthe end\n"))
            #expect(left.components(separatedBy: "missing here").count == 2)
        }
    }

    // MARK: Number

    /// Makes the log of a job that ended so many seconds ago.
    private func makeLog(_ number: Int, in directory: String, age: TimeInterval) throws {
        let path = CommandLauncher.logFile(of: Self.id(number), in: directory)
        try append("log \(number)\n", to: path)
        try FileManager.default.setAttributes(
            [.modificationDate: Date.now.addingTimeInterval(-age)], ofItemAtPath: path)
    }

    private func names(_ numbers: [Int]) -> Set<String> { Set(numbers.map { "\(Self.id($0)).log" }) }

    private func files(in directory: String) throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: directory))
    }

    @Test("the oldest logs of ended jobs are removed when one ends, and only so many are kept")
    func oldest() async throws {
        try await withDirectory { directory in
            for number in 1...5 { try makeLog(number, in: directory, age: 1000 - Double(number)) }
            let launcher = try launcher("echo hello", logs: directory, count: 3)
            #expect(try files(in: directory) == names([1, 2, 3, 4, 5]), "nothing is removed before a job ends")
            try await launch(Self.id(6), with: launcher)
            #expect(try files(in: directory) == names([4, 5, 6]))
            for number in 7...20 { try await launch(Self.id(number), with: launcher) }
            #expect(try files(in: directory) == names([18, 19, 20]))
        }
    }

    @Test("what is no log of a job of this user is never removed, and takes no place of one")
    func foreign() async throws {
        try await withDirectory { directory in
            for number in 1...4 { try makeLog(number, in: directory, age: 1000 - Double(number)) }
            let uuid = "01989c5e-0000-7000-8000-0000000000aa"
            let kept = "\(directory)/notes.txt"
            try append("notes", to: kept)
            try append("", to: "\(directory)/other.log")
            try append("", to: "\(directory)/\(uuid).txt")
            try append("", to: "\(directory)/\(uuid).log.gz")
            try append("", to: "\(directory)/\(uuid.uppercased()).log")
            symlink(kept, "\(directory)/\(uuid.dropLast())b.log")
            mkdir("\(directory)/\(uuid.dropLast())c.log", 0o700)
            mkfifo("\(directory)/\(uuid.dropLast())d.log", 0o600)
            link(kept, "\(directory)/\(uuid.dropLast())e.log")
            let others = try files(in: directory).subtracting(names([1, 2, 3, 4]))
            #expect(others.count == 9)
            try await launch(Self.id(5), with: try launcher("true", logs: directory, count: 1))
            #expect(try files(in: directory) == others.union(names([5])))
            #expect(try contents(of: kept) == "notes")
        }
    }

    @Test("a log that a process has open is not removed, whoever started it")
    func held() async throws {
        try await withDirectory { directory in
            // As the command of another controller has it.
            let held = try LogFile.open(for: Self.id(1), in: directory)
            try makeLog(1, in: directory, age: 1000)
            try makeLog(2, in: directory, age: 900)
            let launcher = try launcher("true", logs: directory, count: 1)
            try await launch(Self.id(3), with: launcher)
            #expect(try files(in: directory) == names([1, 3]))
            held.close()
            try await launch(Self.id(4), with: launcher)
            #expect(try files(in: directory) == names([4]))
        }
    }

    @Test("nor is that of a running job whose command has redirected its output")
    func redirected() async throws {
        try await withDirectory { directory in
            let running = try launcher(
                #"exec >/dev/null 2>&1; touch "$1/started"; until [ -e "$1/go" ]; do sleep 0.01; done"#,
                logs: directory, count: 1)
            let launch = Task { try await self.launch(Self.id(1), with: running) }
            while !FileManager.default.fileExists(atPath: "\(directory)/started") { await Task.yield() }
            try makeLog(1, in: directory, age: 1000)
            let other = try launcher("true", logs: directory, count: 1)
            for number in 2...4 { try await self.launch(Self.id(number), with: other) }
            #expect(try files(in: directory) == names([1, 4]).union(["started"]))
            try append("", to: "\(directory)/go")
            try await launch.value
        }
    }

    @Test("a log that is removed while its job is started once more is not written to without a name")
    func startedAgain() async throws {
        try await withDirectory { directory in
            // The removing side holds the lock for as long as it takes.
            let old = try LogFile.open(for: Self.id(1), in: directory)
            try #require(flock(old.descriptor, LOCK_EX | LOCK_NB) == 0)
            let opening = Task.detached { try LogFile.open(for: Self.id(1), in: directory) }
            unlink(CommandLauncher.logFile(of: Self.id(1), in: directory))
            old.close()
            let new = try await opening.value
            defer { new.close() }
            #expect(new.isNamed(CommandLauncher.logFile(of: Self.id(1), in: directory)))
        }
    }
}
