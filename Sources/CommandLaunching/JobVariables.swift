import StacksAPI
import StacksController

/// What a command learns of its job from its environment: variables whose names begin with `STACKS_JOB_`.
///
/// The values come from pipelines, which other people write. They are set as the API has them or not at all: a value that
/// was changed to fit could be taken for another branch, or another rule.
struct JobVariables {
    /// What all the names begin with.
    static let prefix = "STACKS_JOB_"
    /// The longest value, in bytes. Linux takes no variable of more than 128 KiB.
    static let longestValue = 32 << 10
    /// The most that a job's variables take together, in bytes. Linux gives the arguments and the environment of a command
    /// 128 KiB at least.
    static let most = 64 << 10

    /// The variables, those first that a command needs most.
    private(set) var all: [(name: String, value: String)] = []

    /// The variables of a job.
    ///
    /// - Parameter file: The path of the job's file.
    init(_ job: LaunchedJob, file: String) {
        let scheduled = job.scheduled
        add("ID", job.id.description)
        add("FILE", file)
        add("STACK", job.stack)
        add("QUEUE", job.queue.rawValue)
        add("PRIORITY", String(scheduled.priority))
        add("SCHEDULED_AT", scheduled.scheduledAt.flatMap { ISO8601.text($0) })
        add("PIPELINE", scheduled.pipeline.slug)
        add("BUILD", scheduled.build.number.map { String($0) })
        add("BRANCH", scheduled.build.branch)
        add("STEP", scheduled.step.key)
        // The one variable of several lines. A rule that has a line end itself could be taken for two.
        let lines = scheduled.agentQueryRules.filter(Self.isOneLine).joined(separator: "\n")
        if lines.utf8.count <= Self.longestValue { all.append((Self.prefix + "RULES", lines)) }
        addRules(scheduled.agentQueryRules)
    }

    /// The variables that fit into so many bytes.
    func fitting(in space: Int) -> [String: String] {
        var space = min(space, Self.most)
        return all.reduce(into: [:]) { variables, variable in
            let size = Self.size(variable.name, variable.value)
            guard size <= space else { return }
            space -= size
            variables[variable.name] = variable.value
        }
    }

    /// How much a variable takes of what the system gives a command, in bytes: with `=`, its end, and a pointer to it.
    static func size(_ name: String, _ value: String) -> Int { name.utf8.count + value.utf8.count + 10 }

    private mutating func add(_ name: String, _ value: String?) {
        guard let value, value.utf8.count <= Self.longestValue, Self.isOneLine(value) else { return }
        all.append((Self.prefix + name, value))
    }

    /// A variable for each rule, named for its key. Rules that would set the same one to different values set none.
    private mutating func addRules(_ rules: [String]) {
        var names: [String] = []
        var values: [String: Set<Substring>] = [:]
        for rule in rules {
            guard let equals = rule.firstIndex(of: "="), equals > rule.startIndex else { continue }
            let name = "RULE_" + Self.capitals(rule[..<equals])
            if values[name] == nil { names.append(name) }
            values[name, default: []].insert(rule[rule.index(after: equals)...])
        }
        for name in names {
            guard let value = values[name], value.count == 1 else { continue }
            add(name, value.first.map { String($0) })
        }
    }

    /// A rule's key as a shell can have it in a name: `_` for whatever is neither a letter nor a digit of ASCII.
    private static func capitals(_ key: Substring) -> String {
        String(
            String.UnicodeScalarView(
                key.unicodeScalars.map { scalar in
                    switch scalar {
                    case "a"..."z": Unicode.Scalar(UInt8(scalar.value - 32))
                    case "A"..."Z", "0"..."9": scalar
                    default: "_"
                    }
                }))
    }

    /// Whether a text has no line end, as any program may see one, and no zero byte, at which C ends a text.
    private static func isOneLine(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { scalar in
            switch scalar {
            case "\0", "\n", "\u{B}", "\u{C}", "\r", "\u{85}", "\u{2028}", "\u{2029}": false
            default: true
            }
        }
    }
}
