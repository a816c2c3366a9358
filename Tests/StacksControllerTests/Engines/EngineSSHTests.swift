import CommandLaunching
import Foundation
import StacksController
import Testing

#if os(Linux)
    @Suite(
        "Jobs for hosts by ssh, with a real sshd", .serialized, .timeLimit(.minutes(5)),
        .enabled(if: LoopbackSSHD.program != nil, "there is no sshd here"))
    struct EngineSSHTests {
        /// A bed with a daemon that plays the hosts mac-1 and mac-2. Nothing listens where mac-off is.
        private func withHosts(
            _ hosts: String, _ body: (MachineBed, _ arguments: [String]) async throws -> Void
        ) async throws {
            try await MachineBed.use(programs: [:]) { bed in
                try bed.write(hosts, to: "hosts")
                try await LoopbackSSHD.use(in: bed) { configuration in
                    try await body(bed, [bed.path("hosts"), bed.path("slots"), "-F", configuration])
                }
            }
        }

        @Test(
            "the agent gets its job by standard input, and its exit status is the recipe's",
            arguments: [0, 3, 27, 28, 75, 255], ["/bin/dash", "/bin/bash"])
        func runs(status: Int, shell: String) async throws {
            try await withHosts("# one Mac\n\nmac-1 1\n") { bed, arguments in
                try bed.write("\(status)", to: "status")
                let exit = try await bed.launcher("run-by-ssh", arguments, shell: shell).launch(MachineBed.job())
                #expect(exit.status == status, "\(bed.log(MachineBed.job()))")
                try bed.expectAgentHadAll(MachineBed.job(), and: ["MACHINE=mac-1"])
                #expect(bed.log(MachineBed.job()) == "the agent writes\n")
                #expect(try bed.files(in: "slots") == ["mac-1.1"])
            }
        }

        @Test("the endpoint of the agent's API travels too")
        func endpoint() async throws {
            try await withHosts("mac-1 1\n") { bed, arguments in
                try bed.write("0", to: "status")
                let launcher = try bed.launcher(
                    "run-by-ssh", arguments, environment: ["BUILDKITE_AGENT_ENDPOINT": "http://127.0.0.1/v3"])
                _ = try await launcher.launch(MachineBed.job())
                #expect(
                    bed.agent(MachineBed.job(), "env").contains("BUILDKITE_AGENT_ENDPOINT=http://127.0.0.1/v3\n"))
            }
        }

        @Test("cancelling stops the agent on its host")
        func cancels() async throws {
            try await withHosts("mac-1 1\n") { bed, arguments in
                let launcher = try bed.launcher("run-by-ssh", arguments)
                let launch = Task { try await launcher.launch(MachineBed.job()) }
                try await wait { bed.hasStarted(MachineBed.job()) }
                launch.cancel()
                #expect(try await launch.value.status == 143)
                try await wait { bed.agent(MachineBed.job(), "end") == "stopped\n" }
                #expect(try bed.files(in: "slots") == ["mac-1.1"])
            }
        }

        @Test("a job whose connection is lost is given back, its host is left out, and its agent gets SIGTERM")
        func lost() async throws {
            try await withHosts("mac-1 1\n") { bed, arguments in
                let launcher = try bed.launcher("run-by-ssh", arguments)
                let launch = Task { try await launcher.launch(MachineBed.job()) }
                try await wait { bed.hasStarted(MachineBed.job()) }
                // The shell that started the agent, and sshd's process for the connection.
                let shell = try #require(
                    bed.agent(MachineBed.job(), "process").split(separator: "\n").last.flatMap { pid_t($0) })
                kill(try #require(parent(of: shell)), SIGKILL)
                #expect(try await launch.value.status == 75)
                #expect(bed.log(MachineBed.job()).contains("run-by-ssh: the connection to mac-1 was lost\n"))
                try await wait { bed.agent(MachineBed.job(), "end") == "stopped\n" }
                #expect(try bed.files(in: "slots") == ["mac-1.1", "mac-1.out"])
                let none = MachineBed.job(2)
                try await bed.expectNoStart(launcher, saying: "run-by-ssh: no host answers\n", job: none)
                #expect(bed.log(none) == "run-by-ssh: no host answers\n")
            }
        }

        private func parent(of process: pid_t) -> pid_t? {
            let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
            return status?.split(separator: "\n").first { $0.hasPrefix("PPid:") }
                .flatMap { pid_t($0.dropFirst(5).trimmingCharacters(in: .whitespaces)) }
        }

        @Test("a host that does not answer is left out for a while, and then tried again")
        func leftOut() async throws {
            try await withHosts("mac-off 2\nmac-1 2\n") { bed, arguments in
                try bed.write("0", to: "status")
                let launcher = try bed.launcher("run-by-ssh", arguments)
                let words = "run-by-ssh: mac-off does not answer: it is left out for 60 s\n"
                for (number, isTried) in [(1, true), (2, false)] {
                    #expect(try await launcher.launch(MachineBed.job(number)).status == 0)
                    #expect(bed.log(MachineBed.job(number)).contains(words) == isTried)
                    #expect(bed.agent(MachineBed.job(number), "env").contains("MACHINE=mac-1"))
                }
                // It is over; then, no time that was ever written.
                for (number, time) in [(3, "1000000000"), (4, "99999999999999"), (5, "$(reboot)")] {
                    try bed.write(time + "\n", to: "slots/mac-off.out")
                    #expect(try await launcher.launch(MachineBed.job(number)).status == 0)
                    #expect(bed.log(MachineBed.job(number)).contains(words))
                }
            }
        }

        @Test("a host without an agent is left out too")
        func noAgent() async throws {
            try await withHosts("mac-1 1\n") { bed, arguments in
                try FileManager.default.removeItem(atPath: bed.path("bin/buildkite-agent"))
                let launcher = try bed.launcher("run-by-ssh", arguments)
                try await bed.expectNoStart(
                    launcher, saying: "run-by-ssh: mac-1 has no buildkite-agent: it is left out")
                #expect(bed.log(MachineBed.job()).hasSuffix("run-by-ssh: no host answers\n"))
            }
        }

        @Test("jobs are spread over hosts, up to the slots of each, and one more is given back")
        func slots() async throws {
            try await withHosts("mac-1 2\nmac-2 1\n") { bed, arguments in
                let launcher = try bed.launcher("run-by-ssh", arguments, environment: ["STACKS_SSH_PATIENCE": "1"])
                var launches: [Task<JobExit, any Error>] = []
                for number in 1...3 {
                    launches.append(Task { try await launcher.launch(MachineBed.job(number)) })
                    try await wait { bed.hasStarted(MachineBed.job(number)) }
                }
                let machines = (1...3).map { bed.agent(MachineBed.job($0), "env").split(separator: "\n").last }
                #expect(machines == ["MACHINE=mac-1", "MACHINE=mac-2", "MACHINE=mac-1"])
                let sentence = "run-by-ssh: every slot of the hosts is taken\n"
                try await bed.expectNoStart(launcher, saying: sentence, job: MachineBed.job(4))
                // A queue that shares the hosts sees the same slots.
                let other = try bed.launcher("run-by-ssh", arguments, environment: ["STACKS_SSH_PATIENCE": "0"])
                try await bed.expectNoStart(other, saying: sentence, job: MachineBed.job(5))
                try bed.write("0", to: "status")
                for launch in launches { #expect(try await launch.value.status == 0) }
                #expect(try await launcher.launch(MachineBed.job(6)).status == 0)
            }
        }

        @Test("a job waits for a slot")
        func waits() async throws {
            try await withHosts("mac-1 1\n") { bed, arguments in
                let launcher = try bed.launcher("run-by-ssh", arguments)
                let first = Task { try await launcher.launch(MachineBed.job(1)) }
                try await wait { bed.hasStarted(MachineBed.job(1)) }
                let second = Task { try await launcher.launch(MachineBed.job(2)) }
                try await wait { bed.has("\(MachineBed.job(2).id).log") }
                try bed.write("3", to: "status")
                #expect(try await first.value.status == 3)
                #expect(try await second.value.status == 3)
            }
        }

        @Test("the job's rule chooses among the hosts that are as good as its image")
        func images() async throws {
            try await withHosts("mac-1 1 base\nmac-2 1 xcode-16 base\n") { bed, arguments in
                try bed.write("0", to: "status")
                let job = MachineBed.job(rules: ["image=xcode-16"])
                #expect(try await bed.launcher("run-by-ssh", arguments).launch(job).status == 0)
                #expect(bed.agent(job, "env").contains("MACHINE=mac-2"))
            }
        }

        @Test("a rule that no host is offered for fails its job alone, whatever it is")
        func hostile() async throws {
            try await withHosts("mac-1 1 base\n") { bed, arguments in
                let launcher = try bed.launcher("run-by-ssh", arguments)
                for (number, image) in hostileImages.enumerated() {
                    let job = MachineBed.job(number + 1, rules: ["image=\(image)"])
                    try await bed.expectNoStart(
                        launcher, status: 1, saying: "run-by-ssh: no host is as good as the image '", job: job)
                    #expect(!bed.log(job).contains("\u{1b}"))
                }
                #expect(!bed.has("pwned"))
            }
        }

        @Test(
            "a file of hosts that cannot be right gives jobs back",
            arguments: [
                ("", "there is no host in"), ("# none\n", "there is no host in"),
                ("-oProxyCommand=id 1\n", "which is none of ssh's names"), ("mac-1;id 1\n", "none of ssh's names"),
                ("../mac 1\n", "none of ssh's names"), ("mac-1\n", "slots, and not 1 to 99"),
                ("mac-1 0\n", "slots, and not 1 to 99"), ("mac-1 many\n", "gives the host mac-1 'many' slots"),
            ])
        func badHosts(hosts: String, words: String) async throws {
            try await withHosts(hosts) { bed, arguments in
                try await bed.expectNoStart(try bed.launcher("run-by-ssh", arguments), saying: words)
            }
        }

        @Test("what is missing gives jobs back, in a sentence")
        func missing() async throws {
            try await withHosts("mac-1 1\n") { bed, arguments in
                try await bed.expectNoStart(try bed.launcher("run-by-ssh", []), saying: "usage: run-by-ssh HOSTS")
                try await bed.expectNoStart(
                    try bed.launcher("run-by-ssh", ["none", bed.path("slots")]), saying: "none cannot be read")
                try await bed.expectNoStart(
                    try bed.launcher("run-by-ssh", [bed.path("hosts"), bed.path("none/slots")]),
                    saying: "does not exist and cannot be created")
                try await bed.expectNoStart(
                    try bed.launcher("run-by-ssh", [bed.path("hosts"), "--help"]), saying: "is no absolute path")
                try await bed.expectNoStart(
                    try bed.launcher("run-by-ssh", arguments, environment: ["PATH": bed.path("bin")]),
                    saying: "there is no ")
            }
        }
    }
#endif
