import CommandLaunching
import StacksController
import StacksTransport

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Takes settings over from a configuration file and from the environment, and collects everything that is wrong with them.
struct SettingsReader {
    var settings: RunSettings
    private(set) var problems: [SettingProblem] = []
    /// What the environment says about every stack.
    private var variables: [(key: SettingKey<StackRunSettings>, value: SettingNode)] = []

    private let processKeys = SettingKey<RunSettings>.all
    private let sharedKeys = SettingKey<StackRunSettings>.shared
    private let stackKeys = SettingKey<StackRunSettings>.identity + SettingKey<StackRunSettings>.shared

    /// - Parameter settings: What counts where neither file nor environment say anything.
    init(_ settings: RunSettings) { self.settings = settings }

    // MARK: The file

    /// Takes over what the file says.
    mutating func read(_ document: SettingsDocument) {
        problems += document.problems
        guard let root = document.root else { return }
        guard case .map(let pairs) = root.content else {
            return fail(root, "the file is \(root.shown): it must be a mapping with a key 'stacks'")
        }
        var common: [(key: SettingNode, value: SettingNode)] = []
        var stacks: SettingNode?
        for pair in pairs {
            let name = pair.key.text ?? ""
            if name == "stacks" {
                stacks = pair.value
            } else if name == "token" {
                fail(
                    pair.key,
                    "a token does not belong in this file: name a file for it with 'token-file', or set "
                        + "BUILDKITE_AGENT_TOKEN")
            } else if let key = processKeys.first(where: { $0.name == name }) {
                set(key, pair.value)
            } else if sharedKeys.contains(where: { $0.name == name }) {
                common.append(pair)
            } else {
                let known = processKeys.map(\.name) + sharedKeys.map(\.name) + ["stacks"]
                fail(pair.key, Self.unknown(pair.key, among: known))
            }
        }
        // Once, and not again for each stack.
        var scratch = StackRunSettings()
        for pair in common { take(pair, of: &scratch, among: sharedKeys) }
        guard let stacks else { return fail(root, "there is no key 'stacks'") }
        read(stacks, common: scratch)
    }

    private mutating func read(_ stacks: SettingNode, common: StackRunSettings) {
        guard case .list(let nodes) = stacks.content, !nodes.isEmpty else {
            return fail(stacks, "stacks is \(stacks.shown): it must be a list with a stack or more")
        }
        var keys: Set<String> = []
        for node in nodes {
            guard case .map(let pairs) = node.content else {
                fail(node, "a stack is \(node.shown): it must be a mapping with 'key', 'queue' and 'command'")
                continue
            }
            var stack = common
            stack.place = node.place
            for pair in pairs { take(pair, of: &stack, among: stackKeys) }
            for name in ["key", "queue"] where stack.written[name] == nil { fail(node, "the stack has no '\(name)'") }
            let key = stack.controller.stackKey
            if !key.isEmpty, !keys.insert(key).inserted {
                let place = pairs.first { $0.key.text == "key" }?.value ?? node
                fail(place, "another stack has the key '\(VisibleText.escaped(key, limit: 100))': each needs its own")
            }
            settings.stacks.append(stack)
        }
    }

    /// Takes one pair of a stack over.
    private mutating func take(
        _ pair: (key: SettingNode, value: SettingNode), of stack: inout StackRunSettings,
        among keys: [SettingKey<StackRunSettings>]
    ) {
        guard let name = pair.key.text, let key = keys.first(where: { $0.name == name }) else {
            let isForProcess = processKeys.contains { $0.name == pair.key.text }
            let message =
                isForProcess ? "'\(pair.key.text ?? "")' is for all stacks: it belongs at the top of the file" : nil
            return fail(pair.key, message ?? Self.unknown(pair.key, among: stackKeys.map(\.name)))
        }
        apply(key, pair.value, to: &stack)
        stack.written[name] = pair.value
    }

    // MARK: The environment

    /// Takes over what variables such as `STACKSCTL_SLOTS` say, over the file.
    mutating func read(environment: [String: String]) {
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) where !value.isEmpty {
            guard name.hasPrefix(SettingKey<RunSettings>.variablePrefix) else { continue }
            let node = SettingNode(content: .text(value), place: .outside(name))
            if let key = processKeys.first(where: { $0.variable == name }) {
                set(key, node)
            } else if let key = sharedKeys.first(where: { $0.variable == name && $0.isScalar }) {
                var scratch = StackRunSettings()
                apply(key, node, to: &scratch)
                variables.append((key, node))
            } else {
                fail(node, "there is no setting of this name")
            }
        }
        for index in settings.stacks.indices { overrideByEnvironment(&settings.stacks[index]) }
    }

    private func overrideByEnvironment(_ stack: inout StackRunSettings) {
        for (key, node) in variables where (try? key.apply(node, to: &stack)) != nil { stack.written[key.name] = node }
    }

    // MARK: The whole

    /// Looks at what the settings come to, once everything is taken over.
    ///
    /// - Parameters:
    ///   - needsCommands: Whether each stack needs a command that can be executed.
    ///   - isFile: Whether the settings are from a file, so that mistakes have their places in it.
    /// - Returns: The settings, if nothing is wrong with them.
    mutating func checked(needsCommands: Bool, isFile: Bool) -> RunSettings? {
        for stack in settings.stacks {
            if needsCommands { check(commandOf: stack, isFile: isFile) }
            // What is out of its range by itself is known already.
            if problems.isEmpty { check({ try stack.controller.validate() }, at: stack.place) }
        }
        let kept = settings.stacks.reduce(0) { $0 + $1.controller.minimumSlots }
        if let slots = settings.slots, kept > slots {
            let place = settings.written["slots"]?.place
            fail(place, "the stacks' min-slots add up to \(kept), and slots is \(slots): it must be at least as many")
        }
        for (name, path) in [("job-logs", settings.jobLogs), ("state-directory", settings.stateDirectory)] {
            guard let path, !Self.isDirectory(path) else { continue }
            fail(
                settings.written[name]?.place, "the directory \(VisibleText.escaped(path, limit: 300)) does not exist.")
        }
        if let path = settings.tokenFile {
            check({ _ = try TokenFile(path: path).token() }, at: settings.written["token-file"]?.place)
        }
        return problems.isEmpty ? settings : nil
    }

    /// A mistake is found before a job fails because of it.
    private mutating func check(commandOf stack: StackRunSettings, isFile: Bool) {
        guard isFile else { return }
        guard !stack.command.isEmpty else { return fail(stack.place, "the stack has no 'command'") }
        var configuration = stack.launcher
        if let jobLogs = settings.jobLogs { configuration.output = .files(directory: jobLogs) }
        check(
            { _ = try CommandLauncher(command: stack.command, configuration: configuration) },
            at: stack.written["command"]?.place ?? stack.place)
    }

    /// Adds what the library says, with the names of this tool.
    private mutating func check(_ body: () throws -> Void, at place: SettingNode.Place?) {
        do {
            try body()
        } catch {
            var message = "\(error)"
            for (property, name) in SettingKey.namesByProperty where message.contains(property) {
                message.replace(property, with: name)
            }
            fail(place, message)
        }
    }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private mutating func apply<Root>(_ key: SettingKey<Root>, _ node: SettingNode, to root: inout Root) {
        do { try key.apply(node, to: &root) } catch { problems.append(error) }
    }

    /// Takes over what is for the whole process.
    private mutating func set(_ key: SettingKey<RunSettings>, _ node: SettingNode) {
        do { try key.apply(node, to: &settings) } catch { problems.append(error) }
        settings.written[key.name] = node
    }

    private mutating func fail(_ node: SettingNode, _ message: String) { fail(node.place, message) }

    private mutating func fail(_ place: SettingNode.Place?, _ message: String) {
        problems.append(SettingProblem(place: place ?? .file(line: 1, column: 1), message: message))
    }

    private static func unknown(_ key: SettingNode, among known: [String]) -> String {
        guard let name = key.text else { return "a key is \(key.shown): it must be a text" }
        let shown = VisibleText.escaped(name, limit: 100)
        let nearest = known.map { ($0, distance(name, $0)) }.min { $0.1 < $1.1 }
        if let nearest, nearest.1 <= 3 { return "there is no key '\(shown)': is '\(nearest.0)' meant?" }
        return "there is no key '\(shown)'; there are \(known.sorted().joined(separator: ", "))"
    }

    /// How many letters have to be added, removed or replaced to get from one name to the other.
    private static func distance(_ one: String, _ other: String) -> Int {
        let one = Array(one.prefix(60)), other = Array(other)
        var row = Array(0...other.count)
        for (i, letter) in one.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, candidate) in other.enumerated() {
                let replaced = diagonal + (letter == candidate ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[other.count]
    }
}
