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
            _ hosts: String, _ body: (EngineBed, _ arguments: [String]) async throws -> Void
        ) async throws {
            try await EngineBed.use(programs: [:], environment: LoopbackSSHD.environment) { bed in
                try bed.add(tool: "ssh")
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
                let exit = try await bed.launcher("run-by-ssh", arguments, shell: shell).launch(EngineBed.job())
                #expect(exit.status == status, "\(bed.log(EngineBed.job()))")
                try bed.expectAgentHadAll(EngineBed.job(), and: ["MACHINE=mac-1"])
                #expect(bed.log(EngineBed.job()) == "the agent writes\n")
                #expect(try bed.files(in: "slots") == ["mac-1.1"])
            }
        }

        @Test("the endpoint of the agent's API travels too")
        func endpoint() async throws {
            try await withHosts("mac-1 1\n") { bed, arguments in
                try bed.write("0", to: "status")
                let launcher = try bed.launcher(
                    "run-by-ssh", arguments, environment: ["BUILDKITE_AGENT_ENDPOINT": "http://127.0.0.1/v3"])
                _ = try await launcher.launch(EngineBed.job())
                #expect(
                    bed.agent(EngineBed.job(), "env").contains("BUILDKITE_AGENT_ENDPOINT=http://127.0.0.1/v3\n"))
            }
        }

        @Test("cancelling stops the agent on its host")
        func cancels() async throws {
            try await withHosts("mac-1 1\n") { bed, arguments in
                let launcher = try bed.launcher("run-by-ssh", arguments)
                #expect(try await launcher.launch { bed.hasStarted() }.status == 143)
                try await wait { bed.agent(EngineBed.job(), "end") == "stopped\n" }
                #expect(try bed.files(in: "slots") == ["mac-1.1"])
            }
        }

        @Test("a job whose connection is lost is given back, its host is left out, and its agent gets SIGTERM")
        func lost() async throws {
            try await withHosts("mac-1 1\n") { bed, arguments in
                let launcher = try bed.launcher("run-by-ssh", arguments)
                let launch = Task { try await launcher.launch(EngineBed.job()) }
                try await wait { bed.hasStarted(EngineBed.job()) }
                try cutConnection(of: EngineBed.job(), in: bed)
                #expect(try await launch.value.status == 75)
                #expect(bed.log(EngineBed.job()).contains("run-by-ssh: the connection to mac-1 was lost\n"))
                try await wait { bed.agent(EngineBed.job(), "end") == "stopped\n" }
                #expect(try bed.files(in: "slots") == ["mac-1.1", "mac-1.out"])
                let none = EngineBed.job(2)
                try await bed.expectNoStart(launcher, saying: "run-by-ssh: no host answers\n", job: none)
                #expect(bed.log(none) == "run-by-ssh: no host answers\n")
            }
        }

        @Test("an agent whose connection was cut can write for as long as it has a job, and ends as it wants")
        func writesOn() async throws {
            try await withHosts("mac-1 1\n") { bed, arguments in
                // At SIGTERM it goes on with its job, says so at length, on both of its outputs, and ends with 0.
                try bed.add(
                    program: "buildkite-agent",
                    #"""
                    me=$BED/agent-$BUILDKITE_AGENT_ACQUIRE_JOB
                    printf '%s\n' start "$$" "$PPID" >"$me.process"
                    trap 'told=true' TERM
                    echo >"$me.started"
                    until [ -n "${told:-}" ]; do [ -d "$BED" ] || exit; sleep 0.02; done
                    for ((line = 0; line < 3000; line++)); do
                        echo "the agent writes line $line, and a test of its job has passed" || exit 1
                        echo "the agent writes line $line, and a test of its job has failed" >&2 || exit 1
                    done
                    echo 'ended with 0' >"$me.end"
                    """#)
                let launcher = try bed.launcher("run-by-ssh", arguments)
                let launch = Task { try await launcher.launch(EngineBed.job()) }
                try await wait { bed.hasStarted() }
                try cutConnection(of: EngineBed.job(), in: bed)
                #expect(try await launch.value.status == 75)
                let agent = try #require(pid_t(bed.agent(EngineBed.job(), "process").split(separator: "\n")[1]))
                try await wait { kill(agent, 0) != 0 }
                #expect(bed.agent(EngineBed.job(), "end") == "ended with 0\n")
            }
        }

        /// Kills the sshd whose connection an agent is started over.
        private func cutConnection(of job: LaunchedJob, in bed: EngineBed) throws {
            var process = try #require(bed.agent(job, "process").split(separator: "\n").last.flatMap { pid_t($0) })
            while try name(of: process) != "sshd" { process = try parent(of: process) }
            kill(process, SIGKILL)
        }

        private func name(of process: pid_t) throws -> String { try status("Name", of: process) }

        private func parent(of process: pid_t) throws -> pid_t {
            try #require(pid_t(status("PPid", of: process)), "the agent's shells have no sshd above them")
        }

        private func status(_ field: String, of process: pid_t) throws -> String {
            let lines = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8).split(separator: "\n")
            let line = try #require(lines.first { $0.hasPrefix("\(field):") })
            return line.dropFirst(field.count + 1).trimmingCharacters(in: .whitespaces)
        }

        @Test("a host that takes the connection and says nothing more is left out too")
        func hangs() async throws {
            try await withHosts("mac-hangs 1\n") { bed, arguments in
                let launcher = try bed.launcher("run-by-ssh", arguments, environment: ["STACKS_SSH_TIMEOUT": "1"])
                try await bed.expectNoStart(
                    launcher, saying: "run-by-ssh: mac-hangs does not answer: it is left out for 60 s\n")
                #expect(bed.log().hasSuffix("run-by-ssh: no host answers\n"))
            }
        }

        @Test("a host that does not answer is left out for a while, and then tried again")
        func leftOut() async throws {
            try await withHosts("mac-off 2\nmac-1 2\n") { bed, arguments in
                try bed.write("0", to: "status")
                let launcher = try bed.launcher("run-by-ssh", arguments)
                let words = "run-by-ssh: mac-off does not answer: it is left out for 60 s\n"
                for (number, isTried) in [(1, true), (2, false)] {
                    #expect(try await launcher.launch(EngineBed.job(number)).status == 0)
                    #expect(bed.log(EngineBed.job(number)).contains(words) == isTried)
                    #expect(bed.agent(EngineBed.job(number), "env").contains("MACHINE=mac-1"))
                }
                // It is over; then, no time that was ever written.
                for (number, time) in [(3, "1000000000"), (4, "99999999999999"), (5, "$(reboot)")] {
                    try bed.write(time + "\n", to: "slots/mac-off.out")
                    #expect(try await launcher.launch(EngineBed.job(number)).status == 0)
                    #expect(bed.log(EngineBed.job(number)).contains(words))
                }
            }
        }

        @Test("a host without an agent is left out too")
        func noAgent() async throws {
            try await withHosts("mac-1 1\n") { bed, arguments in
                try bed.remove(program: "buildkite-agent")
                let launcher = try bed.launcher("run-by-ssh", arguments)
                try await bed.expectNoStart(
                    launcher, saying: "run-by-ssh: mac-1 has no buildkite-agent: it is left out")
                #expect(bed.log(EngineBed.job()).hasSuffix("run-by-ssh: no host answers\n"))
            }
        }

        @Test("jobs are spread over hosts, up to the slots of each, and one more is given back")
        func slots() async throws {
            try await withHosts("mac-1 2\nmac-2 1\n") { bed, arguments in
                let launcher = try bed.launcher("run-by-ssh", arguments, environment: ["STACKS_SSH_PATIENCE": "1"])
                var launches: [Task<JobExit, any Error>] = []
                for number in 1...3 {
                    launches.append(Task { try await launcher.launch(EngineBed.job(number)) })
                    try await wait { bed.hasStarted(EngineBed.job(number)) }
                }
                let machines = (1...3).map { bed.agent(EngineBed.job($0), "env").split(separator: "\n").last }
                #expect(machines == ["MACHINE=mac-1", "MACHINE=mac-2", "MACHINE=mac-1"])
                let sentence = "run-by-ssh: every slot of the hosts is taken\n"
                try await bed.expectNoStart(launcher, saying: sentence, job: EngineBed.job(4))
                // A queue that shares the hosts sees the same slots.
                let other = try bed.launcher("run-by-ssh", arguments, environment: ["STACKS_SSH_PATIENCE": "0"])
                try await bed.expectNoStart(other, saying: sentence, job: EngineBed.job(5))
                try bed.write("0", to: "status")
                for launch in launches { #expect(try await launch.value.status == 0) }
                #expect(try await launcher.launch(EngineBed.job(6)).status == 0)
            }
        }

        @Test("a job waits for a slot")
        func waits() async throws {
            try await withHosts("mac-1 1\n") { bed, arguments in
                try bed.notesLocking()
                let launcher = try bed.launcher("run-by-ssh", arguments)
                let first = Task { try await launcher.launch(EngineBed.job(1)) }
                try await wait { bed.hasStarted(EngineBed.job(1)) }
                let second = Task { try await launcher.launch(EngineBed.job(2)) }
                // It has found the slot taken, and looks again.
                try await wait { bed.triesToLock(EngineBed.job(2)) > 1 }
                #expect(!bed.hasStarted(EngineBed.job(2)))
                try bed.write("3", to: "status")
                #expect(try await first.value.status == 3)
                #expect(try await second.value.status == 3)
            }
        }

        @Test("a slot whose file cannot be written to is said and left out, and the next is taken")
        func unwritable() async throws {
            try await withHosts("mac-1 1\nmac-2 1\n") { bed, arguments in
                try bed.write("0", to: "status")
                try FileManager.default.createDirectory(
                    atPath: bed.path("slots/mac-1.1"), withIntermediateDirectories: true)
                let launcher = try bed.launcher("run-by-ssh", arguments)
                #expect(try await launcher.launch(EngineBed.job()).status == 0, "\(bed.log())")
                #expect(
                    bed.log().hasPrefix("run-by-ssh: \(bed.path("slots/mac-1.1")) is no file that can be written to"))
                #expect(bed.agent(EngineBed.job(), "env").contains("MACHINE=mac-2"))
            }
        }

        @Test("the job's rule chooses among the hosts that are as good as its image")
        func images() async throws {
            try await withHosts("mac-1 1 base\nmac-2 1 xcode-16 base\n") { bed, arguments in
                try bed.write("0", to: "status")
                let job = EngineBed.job(rules: ["image=xcode-16"])
                #expect(try await bed.launcher("run-by-ssh", arguments).launch(job).status == 0)
                #expect(bed.agent(job, "env").contains("MACHINE=mac-2"))
            }
        }

        @Test("a rule that no host is offered for fails its job alone, whatever it is")
        func hostile() async throws {
            try await withHosts("mac-1 1 base\n") { bed, arguments in
                let launcher = try bed.launcher("run-by-ssh", arguments)
                for (number, image) in hostileImages.enumerated() {
                    let job = EngineBed.job(number + 1, rules: ["image=\(image)"])
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
                try bed.remove(program: "ssh")
                try await bed.expectNoStart(
                    try bed.launcher("run-by-ssh", arguments), saying: "there is no ssh on the PATH")
            }
        }
    }
#endif
