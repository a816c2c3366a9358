/// Something that the package sets out to reach, beside what a run found.
struct Goal: Codable, Sendable {
    var title: String
    var goal: String
    var measured: String
    var isReached: Bool
}

extension [Goal] {
    /// A table for people.
    var text: String {
        guard !isEmpty else { return "" }
        var table = TextTable(["goal", "is", "measured", "reached"])
        for goal in self { table.add([goal.title, goal.goal, goal.measured, goal.isReached ? "yes" : "no"]) }
        return "\n" + table.text
    }

    /// The same table for a document.
    var markdown: String {
        var table = TextTable(["goal", "is", "measured", "reached"])
        for goal in self { table.add([goal.title, goal.goal, goal.measured, goal.isReached ? "yes" : "**no**"]) }
        return table.markdown
    }
}
