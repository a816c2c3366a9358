import ArgumentParser
import HTTPTypes
import StacksAPI
import StacksTesting
import StacksTransport
import Testing

@testable import stacksctl

@Suite("A list that is not what it should be")
struct ListTests {
    private func answer(_ pages: [String], _ arguments: String...) async throws -> (CommandResult, requests: Int) {
        let steps = pages.map { page in
            InMemoryTransport.Step.respond(TransportResponse(status: .ok, body: Array(page.utf8)))
        }
        let transport = InMemoryTransport(script: steps)
        let client = try StacksClient(token: "bkct_none", transport: transport)
        let list = try List.parse(["--stack", "k", "--queue", "q"] + arguments)
        return (try await list.result(from: client), transport.requests.count)
    }

    private func page(_ jobs: String, _ info: String) -> String { #"{"jobs":[\#(jobs)],"page_info":{\#(info)}}"# }

    @Test("what was read of a list without an end is printed, and then it is said that it is not the whole")
    func withoutEnd() async throws {
        let endless = (0..<3000).map {
            page($0 < 2 ? #"{"id":"job-\#($0)"}"# : "", #""has_next_page":true,"end_cursor":"c\#($0)""#)
        }
        let (answer, requests) = try await answer(endless, "--all")
        #expect(answer.lines.contains { $0.hasPrefix("job-0") } && answer.lines.contains { $0.hasPrefix("job-1") })
        #expect(answer.interruption?.message.contains("not the whole list") == true)
        #expect(requests < 20)
    }

    @Test("a list that announces more and gives no cursor is no whole one, page by page or all at once")
    func withoutCursor() async throws {
        let pages = [page(#"{"id":"job-0"}"#, #""has_next_page":true,"end_cursor":null"#)]
        let whole = try await answer(pages, "--all").0
        #expect(whole.lines.contains { $0.hasPrefix("job-0") })
        #expect(whole.interruption?.message.contains("no cursor") == true)
        let single = try await answer(pages).0
        #expect(single.lines.contains { $0.contains("sent no cursor") })
        #expect(single.interruption == nil)
    }

    @Test("a call that fails half-way does not take the pages before with it")
    func halfWay() async throws {
        let pages = [page(#"{"id":"job-0"}"#, #""has_next_page":true,"end_cursor":"c""#), "<html>"]
        let (answer, _) = try await answer(pages, "--all")
        #expect(answer.lines.contains { $0.hasPrefix("job-0") })
        #expect(answer.interruption?.message.contains("cannot be decoded") == true)
        await #expect(throws: StacksAPIError.self) { try await self.answer(["<html>"], "--all") }
    }

    @Test("jobs that cannot be read are named with their place in the whole list, in both forms")
    func unreadable() async throws {
        let pages = [
            page(#"{"id":"job-0"},{"id":"odd","priority":1.5}"#, #""has_next_page":true,"end_cursor":"c""#),
            page(#"null,{"id":"job-1"}"#, #""has_next_page":false"#),
        ]
        let (answer, _) = try await answer(pages, "--all")
        #expect(answer.interruption == nil)
        #expect(answer.lines.contains { $0.contains("jobs[1].priority") && $0.hasSuffix("(odd)") })
        #expect(answer.lines.contains { $0.contains("jobs[2]: expected an object") })
        guard case .array(let told)? = answer.members["unreadable_jobs"] else { throw Failure.refused("not told") }
        #expect(told.count == 2)
        let fine = try await self.answer([page("", "")]).0
        #expect(fine.members["unreadable_jobs"] == nil)
    }
}
