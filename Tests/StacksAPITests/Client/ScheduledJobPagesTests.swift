import HTTPTypes
import StacksTesting
import StacksTransport
import Testing

@testable import StacksAPI

@Suite struct ScheduledJobPagesTests {
    private func page(_ id: String, next: String?, hasNext: Bool? = nil) -> InMemoryTransport.Step {
        let cursor = next.map { "\"\($0)\"" } ?? "null"
        return .response(
            .ok,
            #"{"jobs":[{"id":"\#(id)"}],"page_info":{"has_next_page":\#(hasNext ?? (next != nil)),"end_cursor":\#(cursor)}}"#
        )
    }

    private func read(_ bed: Testbed, pageLimit: Int? = nil) async throws -> [String] {
        var ids: [String] = []
        for try await page in bed.client.allScheduledJobs(stack: "s", queue: "q", pageSize: 2, pageLimit: pageLimit) {
            ids += page.jobs.map(\.id.description)
        }
        return ids
    }

    @Test("pages follow one another until there is no next one")
    func followsCursors() async throws {
        let bed = try Testbed([page("a", next: "c1"), page("b", next: "c 2"), page("c", next: nil)])
        #expect(try await read(bed) == ["a", "b", "c"])
        #expect(
            bed.transport.requests.map(\.path) == [
                "/v3/stacks/s/scheduled-jobs?queue_key=q&limit=2",
                "/v3/stacks/s/scheduled-jobs?queue_key=q&limit=2&after=c1",
                "/v3/stacks/s/scheduled-jobs?queue_key=q&limit=2&after=c%202",
            ])
    }

    @Test("the sequence ends when the server says so, whatever the cursor")
    func endsWithoutANextPage() async throws {
        #expect(try await read(try Testbed([page("a", next: "c1", hasNext: false)])) == ["a"])
        #expect(try await read(try Testbed([page("a", next: nil)])) == ["a"])
    }

    @Test("a next page without a cursor is an error, after the current page", arguments: [nil, ""])
    func missesTheCursor(_ cursor: String?) async throws {
        let bed = try Testbed([page("a", next: cursor, hasNext: true)])
        var pages = bed.client.allScheduledJobs(stack: "s", queue: "q").makeAsyncIterator()
        #expect(try await pages.next()?.jobs.map(\.id) == ["a"])
        let error = try await failure { _ = try await pages.next() }
        #expect(error.code == .decoding)
        #expect(error.description.contains("no cursor"), "\(error)")
        #expect(bed.transport.requests.count == 1)
    }

    @Test("pages without new jobs and with new cursors end with an error")
    func endsBarrenPages() async throws {
        let bed = try Testbed((0..<100).map { page($0 < 3 ? "\($0)" : "2", next: "c\($0)") })
        var ids: [JobID] = []
        let error = try await failure {
            for try await page in bed.client.allScheduledJobs(stack: "s", queue: "q") { ids += page.jobs.map(\.id) }
        }
        #expect(Set(ids) == ["0", "1", "2"])
        #expect(error.code == .decoding)
        #expect(error.description.contains("no job that was not shown before"), "\(error)")
        #expect(bed.transport.requests.count == 3 + ScheduledJobPages.maximumBarrenPages)
    }

    @Test("a few pages without a new job do not end the sequence")
    func bearsSomeBarrenPages() async throws {
        let steps = (0..<30).map { page($0 % 9 == 0 ? "\($0)" : "0", next: $0 < 29 ? "c\($0)" : nil) }
        let ids = try await read(try Testbed(steps))
        #expect(Set(ids) == ["0", "9", "18", "27"])
    }

    @Test("the sequence ends at the page limit")
    func endsAtTheLimit() async throws {
        let bed = try Testbed([page("a", next: "c1"), page("b", next: "c2"), page("c", next: nil)])
        #expect(try await read(bed, pageLimit: 2) == ["a", "b"])
        #expect(bed.transport.requests.count == 2)
        let error = try await failure { _ = try await read(try Testbed(), pageLimit: 0) }
        #expect(error.code == .invalidArgument)
    }

    @Test("a repeated cursor is an error that names it, after its page")
    func detectsCircles() async throws {
        let bed = try Testbed([page("a", next: "c1"), page("b", next: "c2"), page("c", next: "c1")])
        var pages = bed.client.allScheduledJobs(stack: "s", queue: "q").makeAsyncIterator()
        for id in ["a", "b", "c"] { #expect(try await pages.next()?.jobs.first?.id.description == id) }
        let error = try await failure { _ = try await pages.next() }
        #expect(error.description.contains("the cursor \"c1\" a second time"), "\(error)")
        #expect(bed.transport.requests.count == 3)
    }

    @Test("after a failed page, the next call requests the same page")
    func resumes() async throws {
        let bed = try Testbed([page("a", next: "c1"), .response(.notFound), page("b", next: nil)])
        var pages = bed.client.allScheduledJobs(stack: "s", queue: "q").makeAsyncIterator()
        #expect(try await pages.next()?.jobs.first?.id == "a")
        #expect(try await failure { _ = try await pages.next() }.code == .notFound)
        #expect(try await pages.next()?.jobs.first?.id == "b")
        let end = try await pages.next()
        #expect(end?.jobs == nil)
    }
}
