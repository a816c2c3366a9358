import Foundation
import StacksAPI
import StacksController
import Testing

@testable import CommandLaunching

@Suite("The variables that tell a command about its job")
struct JobVariablesTests {
    private func variables(_ scheduled: ScheduledJob, in space: Int = .max) -> [String: String] {
        let job = LaunchedJob(scheduled: scheduled, acquisitionToken: Secret("t"), stack: "fleet", queue: "mac")
        return JobVariables(job, file: "/f.json").fitting(in: space)
    }

    private func rules(_ rules: [String]) -> [String: String] {
        variables(ScheduledJob(id: "a", agentQueryRules: rules)).filter { $0.key.hasPrefix("STACKS_JOB_RULE") }
    }

    @Test("each has the value that the API has")
    func values() {
        let job = ScheduledJob(
            id: "01989c5e-0000-7000-8000-00000000000a", priority: -3, agentQueryRules: ["queue=mac", "os=macos"],
            scheduledAt: Date(timeIntervalSince1970: 1_800_000_000.25), pipeline: .init(slug: "deploy"),
            build: .init(number: 42, branch: "feature/ä $(reboot) \u{1B}[2J"), step: .init(key: "test"))
        #expect(
            variables(job) == [
                "STACKS_JOB_ID": "01989c5e-0000-7000-8000-00000000000a", "STACKS_JOB_STACK": "fleet",
                "STACKS_JOB_QUEUE": "mac", "STACKS_JOB_PRIORITY": "-3",
                "STACKS_JOB_SCHEDULED_AT": "2027-01-15T08:00:00.250Z", "STACKS_JOB_PIPELINE": "deploy",
                "STACKS_JOB_BUILD": "42", "STACKS_JOB_BRANCH": "feature/ä $(reboot) \u{1B}[2J",
                "STACKS_JOB_STEP": "test", "STACKS_JOB_RULES": "queue=mac\nos=macos",
                "STACKS_JOB_RULE_QUEUE": "mac", "STACKS_JOB_RULE_OS": "macos", "STACKS_JOB_FILE": "/f.json",
            ])
    }

    @Test("what is null is not set")
    func null() {
        #expect(
            variables(ScheduledJob(id: "a")).keys.sorted() == [
                "STACKS_JOB_FILE", "STACKS_JOB_ID", "STACKS_JOB_PRIORITY", "STACKS_JOB_QUEUE", "STACKS_JOB_RULES",
                "STACKS_JOB_STACK",
            ])
    }

    @Test(
        "a value with a line end or a zero byte sets no variable of one line",
        arguments: ["\n", "\r", "\r\n", "\0", "\u{B}", "\u{C}", "\u{85}", "\u{2028}", "\u{2029}"])
    func lineEnds(end: String) {
        let job = ScheduledJob(
            id: JobID("a\(end)"), agentQueryRules: ["os=li\(end)nux", "a\(end)b=c", "arch=arm64"],
            pipeline: .init(slug: "\(end)deploy"), build: .init(branch: "main\(end)"), step: .init(key: "a\(end)b"))
        let variables = variables(job)
        for name in ["ID", "PIPELINE", "BRANCH", "STEP", "RULE_OS"] { #expect(variables["STACKS_JOB_\(name)"] == nil) }
        #expect(variables["STACKS_JOB_RULES"] == "arch=arm64")
        // Its key is a name all the same.
        #expect(variables["STACKS_JOB_RULE_ARCH"] == "arm64")
        #expect(variables.keys.allSatisfy { name in name.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" } })
    }

    @Test("a rule's variable is named for its key, whatever characters that has")
    func ruleNames() {
        let rules = rules(["os-version=15", "größe=x", "a.b/c d=1", "=x", "x", "UP1=a=b", "e\u{301}=2", "$(reboot)=3"])
        #expect(
            rules.filter { $0.key != "STACKS_JOB_RULES" } == [
                "STACKS_JOB_RULE_OS_VERSION": "15", "STACKS_JOB_RULE_GR__E": "x", "STACKS_JOB_RULE_A_B_C_D": "1",
                "STACKS_JOB_RULE_UP1": "a=b", "STACKS_JOB_RULE_E_": "2", "STACKS_JOB_RULE___REBOOT_": "3",
            ])
    }

    @Test("no rule sets another variable than its own")
    func otherNames() {
        let job = ScheduledJob(
            id: "a", agentQueryRules: ["S=x", "id=x", "../id=x", "=STACKS_JOB_ID=x", "RULES=x"])
        let variables = variables(job)
        #expect(variables["STACKS_JOB_ID"] == "a" && variables["STACKS_JOB_FILE"] == "/f.json")
        #expect(variables["STACKS_JOB_RULES"] == "S=x\nid=x\n../id=x\n=STACKS_JOB_ID=x\nRULES=x")
        #expect(variables["STACKS_JOB_RULE_S"] == "x" && variables["STACKS_JOB_RULE_RULES"] == "x")
    }

    @Test("rules that would set the same variable to different values set none, and to the same value set it")
    func sameName() {
        let rules = rules(["os=linux", "OS=macos", "a-b=1", "a_b=1", "arch=arm64", "arch=x86_64"])
        #expect(rules.keys.sorted() == ["STACKS_JOB_RULES", "STACKS_JOB_RULE_A_B"])
    }

    @Test("a value that is too long is not set, and all together stay below a limit, those first that matter most")
    func sizes() {
        let longest = String(repeating: "b", count: JobVariables.longestValue)
        #expect(variables(ScheduledJob(id: "a", build: .init(branch: longest)))["STACKS_JOB_BRANCH"] == longest)
        #expect(variables(ScheduledJob(id: "a", build: .init(branch: longest + "b")))["STACKS_JOB_BRANCH"] == nil)

        let many = (0..<10_000).map { "key\($0)=\(String(repeating: "v", count: 100))" } + [String(longest + "=1")]
        let variables = variables(ScheduledJob(id: "a", agentQueryRules: many, build: .init(branch: "main")))
        #expect(variables["STACKS_JOB_BRANCH"] == "main" && variables["STACKS_JOB_RULES"] == nil)
        #expect(variables["STACKS_JOB_RULE_KEY0"] != nil && variables["STACKS_JOB_RULE_KEY9999"] == nil)
        #expect(variables.reduce(0) { $0 + JobVariables.size($1.key, $1.value) } <= JobVariables.most)
        // With next to no space the first ones are there; with none, none is.
        #expect(self.variables(ScheduledJob(id: "a"), in: 60).keys.sorted() == ["STACKS_JOB_FILE", "STACKS_JOB_ID"])
        #expect(self.variables(ScheduledJob(id: "a"), in: -1) == [:])
    }
}
