import HTTPTypes
import StacksTesting

extension ControlRoute {
    /// Every path. There is no other place that tells them apart.
    static let all: [ControlRoute] =
        [
            ControlRoute(.get, "", "this list", content: .text) { control, _ in control.text(control.index) },
            ControlRoute(.get, "openapi.json", "a description of this side for programs") { control, _ in
                try control.json(description(for: control.simulator))
            },
            ControlRoute(
                .get, "report", "counts of jobs, requests and connections, and the dispatch latency",
                query: [
                    ControlMember(
                        name: "organization", kind: .organization,
                        about: "only its jobs and requests; connections and http_versions are those of all")
                ], documents: [ReportDocument.self]
            ) { control, call in
                let ofOne = call.text("organization").flatMap { control.simulator.report(organization: $0) }
                let report = ofOne ?? control.simulator.report
                return try control.json(ReportDocument(report, connections: control.connections.snapshot))
            },
        ] + page + journal + clock + arrivals + jobLists + jobs + world + switches + faults
}
