import HTTPTypes
import StacksTesting

extension ControlRoute {
    static let page: [ControlRoute] = [
        ControlRoute(
            .get, "overview", "counts, and the first of each list, but for the jobs",
            query: [
                ControlMember(name: "limit", kind: .integer(1...1000), about: "how many of each; 100 when left out")
            ]
        ) { control, call in
            try control.json(
                OverviewDocument(
                    control.simulator.overview(limit: call.integer("limit") ?? 100), isManual: control.clock != nil))
        },
    ]
}
