import EmbeddedPages

extension EmbeddedPage {
    /// The page that shows the status to a person.
    static let status = EmbeddedPage(
        markup: PackageResources.page_html,
        parts: [
            ("page.css", PackageResources.page_css), ("panels.js", PackageResources.panels_js),
            ("jobs.js", PackageResources.jobs_js), ("live.js", PackageResources.live_js),
        ])
}
