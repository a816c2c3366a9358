import StacksController

/// The summary that `run` prints at the end.
struct RunSummary {
    /// One, or with a configuration file perhaps several.
    var stacks: [StackReport]
    /// Whether the stacks are from a configuration file, so that there is a list of them even if it has one entry.
    var isList = false
    var requests: Int
    var httpVersions: [String]
    /// `nil` when the transport does not count them.
    var connectionsOpened: Int?

    /// Why a run that was to run every job once is no success, or `nil` when it is.
    var failure: Failure? {
        let failed = stacks.reduce(0) { $0 + $1.totals.failed }
        let unreported = stacks.reduce(0) { $0 + $1.totals.unreported }
        var problems: [String] = []
        if failed > 0 {
            problems.append("\(failed) of the jobs failed: their command ended before an agent acquired them.")
        }
        if unreported > 0 {
            problems.append(
                "Buildkite could not be told of \(unreported) jobs whose command ended before an agent acquired them.")
        }
        return problems.isEmpty ? nil : .refused(problems.joined(separator: " "))
    }

    /// The same facts in both output formats.
    var result: CommandResult {
        var members: [String: JSONValue] = [
            "requests": .integer(requests),
            "http_versions": .array(httpVersions.map { .string($0) }),
            "connections_opened": JSONValue(connectionsOpened),
        ]
        var lines: [String] = []
        if isList {
            members["stacks"] = .array(stacks.map { .object($0.members) })
            lines = table + [""]
        } else if let stack = stacks.first {
            members.merge(stack.members) { _, own in own }
        }
        var properties = PropertyList()
        if !isList, let stack = stacks.first {
            properties.add("stack", stack.stack)
            properties.add("queue", stack.queue)
            for figure in stack.counts + stack.latencies { properties.add(figure.label, figure.shown) }
        }
        properties.add("requests", String(requests))
        properties.add("HTTP version", httpVersions.joined(separator: ", "))
        properties.add("connections opened", connectionsOpened.map { String($0) })
        return CommandResult(members: members, lines: lines + properties.lines)
    }

    /// A column for each stack.
    private var table: [String] {
        var table = Table([.left("STACK")] + stacks.map { .right($0.stack) })
        table.add(["queue"] + stacks.map(\.queue))
        let columns = stacks.map { stack in
            Dictionary((stack.counts + stack.latencies).map { ($0.label, $0.shown ?? "-") }) { _, last in last }
        }
        var labels: [String] = []
        for figure in stacks.flatMap({ $0.counts + $0.latencies }) where !labels.contains(figure.label) {
            labels.append(figure.label)
        }
        for label in labels { table.add([label] + columns.map { $0[label] ?? "0" }) }
        return table.lines
    }
}
