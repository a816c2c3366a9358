import ArgumentParser
import StacksAPI
import StacksController
import StacksCurl
import Testing

@testable import CommandLaunching
@testable import stacksctl

/// The configuration file as a text: what it comes to, and what is said about mistakes.
@Suite("Configuration file")
struct SettingsTests {
    private func read(
        _ text: String, environment: [String: String] = [:], isFile: Bool = true
    ) throws -> (settings: RunSettings?, problems: [String]) {
        let (global, listening) = (try GlobalOptions.parse([]), try ListenOptions.parse([]))
        var reader = SettingsReader(RunSettings(global: global, listening: listening))
        reader.read(SettingsDocument(Array(text.utf8)))
        reader.read(environment: environment)
        let settings = reader.checked(needsCommands: true, isFile: isFile)
        return (settings, SettingProblem.lines(reader.problems, of: "f"))
    }

    private let stack = "stacks:\n- {key: a, queue: q, command: [\"true\"]}\n"

    @Test("every value is taken over, those at the top for all stacks, and a stack's own count more")
    func values() throws {
        let (settings, problems) = try read(
            """
            slots: 2
            log-level: debug
            base-url: https://a.example/v3
            timeout: 12.5
            max-in-flight: 2
            poll-interval: 0.5
            status-interval: 0
            environment: {A: "1", B: 2}
            stacks:
              - key: mac-16
                queue: ~
                tags: {os: macos, xcode: ["16.3", 16.10], image: "*"}
                command: [sh, -c, "exit 0"]
                min-slots: 1
              - key: mac-15
                queue: xcode-15
                command: ["true"]
                max-in-flight: 1
                reservation: 120
                job-notifications: false
                job-file: details
                environment: {B: "3"}
                grace-period: 0
            """)
        #expect(problems == [])
        let run = try #require(settings)
        #expect(run.slots == 2 && run.global.logLevel == .debug && run.global.baseURL == "https://a.example/v3")
        #expect(run.global.timeout?.duration == .milliseconds(12_500))
        let (first, second) = (run.stacks[0], run.stacks[1])
        #expect(first.controller.stackKey == "mac-16" && first.controller.queue == .default)
        #expect(first.controller.tags == ["os": "macos", "xcode": ["16.3", "16.10"], "image": .any])
        #expect(first.command == ["sh", "-c", "exit 0"])
        #expect(first.controller.minimumSlots == 1 && first.controller.maximumInFlight == 2)
        #expect(first.controller.pollInterval == .milliseconds(500) && first.controller.statusInterval == nil)
        #expect(first.launcher.environment == ["A": "1", "B": "2"])
        #expect(second.controller.queue == "xcode-15" && second.controller.maximumInFlight == 1)
        #expect(second.controller.reservationExpiry == .seconds(120) && !second.controller.notifiesJobs)
        #expect(second.launcher.jobFileContent == .details && second.launcher.gracePeriod == .zero)
        #expect(second.launcher.environment == ["A": "1", "B": "3"])
        #expect(second.controller.metadata["version"] == StacksAPIVersion.current)
    }

    @Test("the environment counts more than the file, for every stack")
    func environment() throws {
        let (settings, problems) = try read(
            "slots: 2\nmax-in-flight: 2\n" + stack,
            environment: [
                "STACKSCTL_SLOTS": "3", "STACKSCTL_MAX_IN_FLIGHT": "7", "STACKSCTL_POLL_INTERVAL": "", "OTHER": "x",
            ])
        #expect(problems == [])
        #expect(settings?.slots == 3 && settings?.stacks[0].controller.maximumInFlight == 7)
    }

    @Test("everything that is wrong is said at once, each with its place, its value and what would be right")
    func mistakes() throws {
        let (settings, problems) = try read(
            """
            slots: many
            listn: 1
            token: bkct_secret
            log-level: loud
            stacks:
              - key: a b
                queue: q
                max-inflight: 3
                command: run
                poll-timeout: 3601
              - queue: q
                slots: 1
                command: ["true"]
                tags: [a]
                launch-failure-exit-status: 0
              - text
            """, environment: ["STACKSCTL_MAX_IN_FLIGHT": "0", "STACKSCTL_COMMAND": "x", "STACKSCTL_POLL": "1"])
        #expect(settings == nil)
        let expected = [
            "f:1:8: slots is 'many': it must be a whole number from 0 to 1000000",
            "f:2:1: there is no key 'listn'",
            "f:3:1: a token does not belong in this file: name a file for it with 'token-file', or set",
            "f:4:12: log-level is 'loud': it must be one of trace, debug, info, notice, warning, error, critical",
            "f:8:5: there is no key 'max-inflight': is 'max-in-flight' meant?",
            "f:9:14: command is 'run': it must be a list: the program, and its arguments",
            "f:10:19: poll-timeout is '3601': it must be a number of seconds above 0 to 3600",
            "f:11:5: the stack has no 'key'",
            "f:12:5: 'slots' is for all stacks: it belongs at the top of the file",
            "f:14:11: tags is a list: it must be a mapping of keys to a value, or to a list of values",
            "f:15:33: launch-failure-exit-status is '0': it must be a whole number from -1 to 255, and not 0",
            "f:16:5: a stack is 'text': it must be a mapping with 'key', 'queue' and 'command'",
            "STACKSCTL_MAX_IN_FLIGHT: max-in-flight is '0': it must be a whole number from 1 to 1000000",
            "STACKSCTL_COMMAND: there is no setting of this name", "STACKSCTL_POLL: there is no setting of this name",
        ]
        for line in expected { #expect(problems.contains { $0.hasPrefix(line) }, "\(line)\n\(problems)") }
        #expect(!problems.joined().contains("bkct_secret"))
    }

    @Test("keys that stand twice are each said, with the others that are wrong")
    func duplicates() throws {
        let (settings, problems) = try read(
            """
            slots: 2
            "slots": 3
            slots: 4
            lots: 1
            stacks:
              - key: a
                queue: q
                queue: r
                command: ["true"]
              - {key: a, queue: q, command: ["true"], key: b}
            """)
        #expect(settings == nil)
        #expect(problems.filter { $0.contains("stands again in the same mapping") }.count == 4)
        for place in ["f:2:1: the key slots", "f:3:1: the key slots", "f:8:5: the key queue", "f:10:43: the key key"] {
            #expect(problems.contains { $0.hasPrefix(place) }, "\(place)\n\(problems)")
        }
        #expect(problems.contains { $0.hasPrefix("f:4:1: there is no key 'lots': is 'slots' meant?") })
    }

    @Test(
        "what does not go together is said in the words of the file",
        arguments: [
            ("slots: 1\nmin-slots: 1\n", "min-slots add up to 2, and slots is 1"),
            ("min-slots: 11\n", "min-slots must be from 0 to max-in-flight (10), not 11"),
            ("watch-interval: 200\n", "reservation must be from three times the watch-interval"),
            ("reservation: 30.5\n", "reservation"),
            ("state-directory: /nowhere\n", "directory /nowhere does not exist"),
            ("token-file: /nowhere\n", "the token file /nowhere cannot be read: No such file"),
            ("metadata: {a: [b]}\n", "metadata is a mapping"),
            ("command: [no-such-program]\n", "no-such-program"),
        ])
    func combinations(text: String, message: String) throws {
        let command = text.hasPrefix("command") ? "" : ", command: [\"true\"]"
        let (settings, problems) = try read(
            text + "stacks:\n- {key: a, queue: q\(command)}\n- {key: b, queue: q\(command)}\n")
        #expect(settings == nil)
        #expect(problems.contains { $0.contains(message) }, "\(problems)")
    }

    @Test(
        "what is no configuration is refused in a line with its place",
        arguments: [
            ("", "the file is empty"), ("- a\n", "a list"), ("a: [\n", "this is not YAML"),
            ("a: *b\n", "this is not YAML"),
            ("stacks: []\n", "it must be a list with a stack or more"), ("a: 1\n---\nb: 2\n", "a second document"),
            ("slots: 1\n", "there is no key 'stacks'"), ("\u{1B}[2J: 1\n", "this is not YAML"),
            (String(repeating: "[", count: 100_000), "nested too deep"),
            (String(repeating: "- ", count: 100_000), "nested too deep"),
            ("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b, *b, *b]\n" + laughs, "more than 100000 values"),
        ])
    func noConfiguration(text: String, message: String) throws {
        let (settings, problems) = try read(text)
        #expect(settings == nil)
        #expect(problems.contains { $0.hasPrefix("f:") && $0.contains(message) }, "\(problems.prefix(3))")
        for line in problems { #expect(!line.unicodeScalars.contains { $0.value < 0x20 }) }
    }

    /// Aliases of aliases: few bytes, and more values than there is memory for.
    private static let laughs = (0..<30).map {
        "k\($0 + 1): &k\($0 + 1) [*\($0 == 0 ? "c" : "k\($0)"), *\($0 == 0 ? "c" : "k\($0)")]\n"
    }
    .joined()

    @Test("whatever the library can do has a key in the file, or a reason why not")
    func completeness() throws {
        let keys = Set(SettingKey.namesByProperty.map(\.property))
        func properties(_ value: Any) -> Set<String> { Set(Mirror(reflecting: value).children.compactMap(\.label)) }
        let controller = properties(StackController.Configuration(stackKey: "k"))
        let reasons = [
            "matcher": "a closure", "stackType": "the tool's stacks are custom ones",
            "mode": "--once", "isDryRun": "--dry-run", "usesTransportExecutor": "the tool's handlers do not block",
        ]
        #expect(controller.subtracting(keys) == Set(reasons.keys))
        let launcher = properties(CommandLauncher.Configuration())
        let process = Set(SettingKey<RunSettings>.all.compactMap(\.property))
        #expect(launcher.subtracting(keys).subtracting(process) == ["secrets", "descriptorLimit"])
        // No key names a property that is not there.
        #expect(keys.subtracting(controller).subtracting(launcher).isEmpty)
    }
}
