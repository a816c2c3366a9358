import StacksTesting

extension ControlRoute {
    /// What a list takes of which there can be many.
    static let paging = [
        ControlMember(
            name: "skip", kind: .integer(0...Int.max), about: "how many are left out first; 0 when left out"),
        ControlMember(name: "limit", kind: .integer(1...10_000), about: "how many; 1000 when left out"),
    ]
}

extension ControlCall {
    /// The page of a list that the query asks for.
    var page: StacksSimulator.Page {
        var page = StacksSimulator.Page()
        page.organization = text("organization")
        page.skip = integer("skip") ?? 0
        page.limit = integer("limit") ?? 1000
        return page
    }
}
