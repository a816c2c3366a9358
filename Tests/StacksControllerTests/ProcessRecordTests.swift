import Foundation
import StacksAPI
import Testing

@testable import CommandLaunching

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@Suite("What is written down of a job's process")
struct ProcessRecordTests {
    @Test("every fact is a line, and counts once its line is complete")
    func lines() {
        let whole = "job 01989c5e-0000-7000-8000-00000000000a\nboot b-1\nprocess 4711\nexit 137\n"
        let record = ProcessRecord(parsing: whole)
        #expect(record.boot == "b-1")
        #expect(record.job == "01989c5e-0000-7000-8000-00000000000a")
        #expect(record.process == 4711)
        #expect(record.exitStatus == 137)
        // Cut off anywhere, it says less, and never something else.
        for length in 0..<whole.count {
            let cut = ProcessRecord(parsing: String(whole.prefix(length)))
            #expect(cut.job == nil || cut.job == record.job)
            #expect(cut.boot == nil || cut.boot == "b-1")
            #expect(cut.process == nil || cut.process == 4711)
            #expect(cut.exitStatus == nil)
        }
    }

    @Test(
        "a number that kill(2) would take for another group is no process",
        arguments: ["0", "1", "-1", "-4711", "", "x"])
    func groups(number: String) {
        #expect(ProcessRecord(parsing: "process \(number)\n").process == nil)
    }

    @Test("without a line on its end, a command whose shell could not begin it is told apart from one that has run")
    func outcomes() {
        let begun = "job a\nprocess 4711 1\n"
        func outcome(_ text: String?, _ status: Int32) -> ProcessRecord.Outcome {
            ProcessRecord.outcome(
                ofWrapper: .exited(status), record: text.map { ProcessRecord(parsing: $0) })
        }
        #expect(outcome(begun + "exit 7\n", 7) == .ended(7))
        #expect(outcome(begun + "exit 75\n", 75) == .ended(75))
        #expect(outcome(begun + "unstarted 127\n", 127) == .notExecuted)
        #expect(outcome("job a\n", 75) == .notStarted)
        #expect(outcome(begun, 75) == .notStarted)
        // The disk was full when its end was to be written.
        #expect(outcome(begun, 7) == .ended(7))
    }

    @Test(
        "a record that is gone, or was emptied, does not tell whether the command has run",
        arguments: [nil, "", "process 4711 1\n"] as [String?],
        [.exited(0), .exited(75), .exited(127), .signalled(9)] as [ChildProcess.Ending])
    func gone(text: String?, ending: ChildProcess.Ending) {
        let record = text.map { ProcessRecord(parsing: $0) }
        #expect(ProcessRecord.outcome(ofWrapper: ending, record: record) == .unknown)
    }

    #if os(Linux)
        @Test(
            "the shell around a command whose end cannot be written down tells it by its own status",
            arguments: [(7, 7), (0, 0), (75, 76), (127, 127)] as [(Int32, Int32)])
        func fullRecord(status: Int32, told: Int32) throws {
            try withRecord { path, record in
                // Room for the number, and then for nothing: the command fills what is left.
                let fill = "dd if=/dev/zero of=\(path) bs=1 oflag=nonblock 2>/dev/null; exit \(status)"
                let seen = try end(of: fill, record: record)
                #expect(seen == told)
            }
        }

        @Test("a signal that a command sends to its group does not make it one that was not executed")
        func ownSignal() throws {
            try withRecord { _, record in
                let seen = try end(of: "trap '' USR1; kill -USR1 0; exit 3", record: record)
                #expect(seen == 3)
                let written = ProcessRecord(parsing: try #require(text(in: record)))
                #expect(!written.isUnstarted && written.exitStatus == 3 && written.process != nil)
            }
        }

        /// A pipe with a name and room for a page, instead of a file on a disk that is nearly full.
        private func withRecord(_ body: (String, OpenFile) throws -> Void) throws {
            let path = FileManager.default.temporaryDirectory.appending(path: "record-\(UUID())").path
            #expect(mkfifo(path, 0o600) == 0)
            defer { unlink(path) }
            let record = try OpenFile(path, O_RDWR | O_NONBLOCK)
            defer { record.close() }
            // F_SETPIPE_SZ
            _ = fcntl(record.descriptor, 1031, 4096)
            try body(path, record)
        }

        private func end(of script: String, record: OpenFile) throws -> Int32 {
            let process = try Spawn.process(
                "/bin/sh", ["sh", "-c", ProcessRecord.wrapper, "name", "/bin/sh", "-c", script],
                ["PATH": "/usr/bin:/bin"], directory: nil,
                streams: (record.descriptor, STDERR_FILENO, STDERR_FILENO))
            var status: Int32 = 0
            #expect(waitpid(process, &status, 0) == process)
            #expect(status & 0x7f == 0)
            return status >> 8 & 0xff
        }

        private func text(in record: OpenFile) -> String? {
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = read(record.descriptor, &bytes, bytes.count)
            return count < 0 ? nil : String(decoding: bytes[..<count], as: UTF8.self)
        }
    #endif

    @Test("a job whose name holds a line break is not written down: it could say what it wants")
    func lineBreak() {
        #expect(ProcessRecord.beginning(for: "a\nexit 0") == nil)
        #expect(ProcessRecord.beginning(for: "a b")?.hasPrefix("job a b\n") == true)
        #expect(ProcessRecord(parsing: "job a b\n").job == "a b")
    }
}
