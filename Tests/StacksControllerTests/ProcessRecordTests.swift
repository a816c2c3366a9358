import StacksAPI
import Testing

@testable import CommandLaunching

@Suite("What is written down of a job's process")
struct ProcessRecordTests {
    @Test("every fact is a line, and counts once its line is complete")
    func lines() {
        let whole = "job 01989c5e-0000-7000-8000-00000000000a\nprocess 4711\nexit 137\n"
        let record = ProcessRecord(parsing: whole)
        #expect(record.job == "01989c5e-0000-7000-8000-00000000000a")
        #expect(record.process == 4711)
        #expect(record.exitStatus == 137)
        // Cut off anywhere, it says less, and never something else.
        for length in 0..<whole.count {
            let cut = ProcessRecord(parsing: String(whole.prefix(length)))
            #expect(cut.job == nil || cut.job == record.job)
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

    @Test("a job whose name holds a line break is not written down: it could say what it wants")
    func lineBreak() {
        #expect(ProcessRecord.beginning(for: "a\nexit 0") == nil)
        #expect(ProcessRecord.beginning(for: "a b") == "job a b\n")
        #expect(ProcessRecord(parsing: "job a b\n").job == "a b")
    }
}
