import HTTPTypes
import HummingbirdCore
import NIOCore

/// The page that shows the status to a person: one document, with its style and its script in it.
struct StatusPage: Sendable {
    /// What is put into the markup where a comment has its name.
    private static let parts = [
        ("/* page.css */", PackageResources.page_css), ("/* dom.js */", PackageResources.dom_js),
        ("/* panels.js */", PackageResources.panels_js), ("/* jobs.js */", PackageResources.jobs_js),
        ("/* live.js */", PackageResources.live_js),
    ]

    /// The document, cut where the nonce stands.
    private let pieces: [String]

    init() {
        let markup = Self.parts.reduce(String(decoding: PackageResources.page_html, as: UTF8.self)) {
            $0.replacing($1.0, with: String(decoding: $1.1, as: UTF8.self), maxReplacements: 1)
        }
        pieces = markup.split(separator: "{{nonce}}", omittingEmptySubsequences: false).map(String.init)
    }

    /// The document, with a nonce that allows its own style and script and nothing else: whatever a job's fields are, no
    /// text of theirs can run.
    var response: Response {
        let nonce = (0..<2).map { _ in String(UInt64.random(in: 0 ... .max), radix: 36) }.joined()
        let policy = """
            default-src 'none'; script-src 'nonce-\(nonce)'; style-src 'nonce-\(nonce)'; connect-src 'self'; \
            img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'
            """
        return Response(
            status: .ok,
            headers: [.contentType: "text/html; charset=utf-8", .contentSecurityPolicy: policy],
            body: ResponseBody(byteBuffer: ByteBuffer(string: pieces.joined(separator: nonce))))
    }
}
