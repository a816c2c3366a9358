/// Something that the package sets out to reach, beside what a run found.
struct Goal: Codable, Sendable {
    var title: String
    var goal: String
    var measured: String
    /// The ratios to what the baseline showed, if it took part.
    var ratioToBaseline: String?
    var isReached: Bool
}

extension [Goal] {
    /// A table for people, with the ratios to the baseline of this name, if there is one.
    func text(over baseline: String?) -> String {
        isEmpty ? "" : "\n" + table(over: baseline, yes: "yes", no: "no").text
    }

    /// The same table for a document.
    func markdown(over baseline: String?) -> String { table(over: baseline, yes: "yes", no: "**no**").markdown }

    private func table(over baseline: String?, yes: String, no: String) -> TextTable {
        var table = TextTable(["goal", "is", "measured"] + (baseline.map { ["over \($0)"] } ?? []) + ["reached"])
        for goal in self {
            let ratio = baseline.map { _ in [goal.ratioToBaseline ?? "–"] } ?? []
            table.add([goal.title, goal.goal, goal.measured] + ratio + [goal.isReached ? yes : no])
        }
        return table
    }
}
