import EmbeddedPages
import HTTPTypes
import Hummingbird
import NIOCore
import StacksTesting

extension ControlRoute {
    static let page: [ControlRoute] = [
        ControlRoute(.get, "page", "a page that shows and controls all this", content: .html) { _, _ in
            EmbeddedPage.control.response
        },
        ControlRoute(
            .get, "overview", "counts, and the first of each list, but for the jobs",
            query: [
                ControlMember(name: "limit", kind: .integer(1...1000), about: "how many of each; 100 when left out")
            ], documents: [OverviewDocument.self]
        ) { control, call in
            try control.json(
                OverviewDocument(
                    control.simulator.overview(limit: call.integer("limit") ?? 100), isManual: control.clock != nil))
        },
    ]
}

extension EmbeddedPage {
    /// The page of the control side.
    static let control = EmbeddedPage(
        markup: PackageResources.page_html,
        parts: [
            ("page.css", PackageResources.page_css), ("log.js", PackageResources.log_js),
            ("panels.js", PackageResources.panels_js), ("jobs.js", PackageResources.jobs_js),
            ("job.js", PackageResources.job_js), ("actions.js", PackageResources.actions_js),
            ("main.js", PackageResources.main_js),
        ])

    fileprivate var response: Response {
        let (head, body) = fresh()
        return Response(status: .ok, headers: head, body: ResponseBody(byteBuffer: ByteBuffer(string: body)))
    }
}
