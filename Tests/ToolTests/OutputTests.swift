import ArgumentParser
import Foundation
import HTTPTypes
import StacksAPI
import StacksController
import Testing

@testable import stacksctl

@Suite("Output")
struct OutputTests {
    @Test("a table's columns are as wide as their widest cell, numbers to the right, nothing trailing")
    func tableIsAligned() {
        var table = Table(.left("JOB"), .right("PRIORITY"), .left("BRANCH"))
        table.add("a", "10", "main")
        table.add("longer", "-3", nil)
        table.add("b", "1", "")
        #expect(
            table.lines == [
                "JOB     PRIORITY  BRANCH",
                "a             10  main",
                "longer        -3  -",
                "b              1  -",
            ]
        )
    }

    @Test(
        "a run of every job is no success when launches failed, or Buildkite could not be told of failed ones",
        arguments: [
            (0, 0, []), (2, 0, ["2 of the jobs failed"]), (0, 3, ["told of 3 jobs"]), (1, 1, ["1 of", "of 1"]),
        ]
            as [(Int, Int, [String])])
    func summaryFailure(failed: Int, unreported: Int, messages: [String]) {
        var totals = ControllerStatus().totals
        (totals.failed, totals.unreported) = (failed, unreported)
        let summary = RunSummary(
            stacks: [StackReport(stack: "s", queue: "q", totals: totals, dispatchLatencies: LatencyHistogram())],
            requests: 1, httpVersions: [])
        let message = summary.failure?.message ?? ""
        #expect(message.isEmpty == messages.isEmpty)
        for part in messages { #expect(message.contains(part)) }
        let code = summary.failure?.exitCode ?? ExitCode.failure
        #expect(code == ExitCode.failure)
        guard case .object(let jobs)? = summary.result.members["jobs"] else { return }
        let shown = jobs["unreported"]
        let expected = unreported > 0 ? JSONValue.integer(unreported) : nil
        #expect(shown == expected)
    }

    @Test("a property list aligns its values")
    func propertyListIsAligned() {
        var list = PropertyList()
        list.add("key", "mac-fleet")
        list.add("organization", nil)
        #expect(list.lines == ["key           mac-fleet", "organization  -"])
    }

    @Test(
        "control characters and marks that turn a line around are shown, not obeyed",
        arguments: [
            ("plain – text, ümläut 🚀", "plain – text, ümläut 🚀"),
            ("a\nb\r\tc", "a\\nb\\r\\tc"),
            ("\u{1B}[2Jgone", "\\u{1b}[2Jgone"),
            ("\u{9B}31m", "\\u{9b}31m"),
            ("abc\u{202E}txt", "abc\\u{202e}txt"),
        ]
    )
    func terminalsAreProtected(text: String, expected: String) {
        #expect(printable(text) == expected)
        var table = Table(.left("X"))
        table.add(text)
        #expect(table.lines[1] == expected)
    }

    @Test("a JSON document has sorted keys, plain slashes and null for what is missing")
    func documentIsStable() throws {
        let value: JSONValue = ["b": .init(nil as String?), "a": ["x/y", .integer(-1), .bool(true)]]
        let expected = """
            {
              "a" : [
                "x/y",
                -1,
                true
              ],
              "b" : null
            }
            """
        #expect(try value.text() == expected)
    }

    @Test("a date is written as the API writes it")
    func dateIsISO8601() {
        #expect(iso8601(Date(timeIntervalSince1970: 1_767_225_600.25)) == "2026-01-01T00:00:00.250Z")
        #expect(iso8601(Date(timeIntervalSince1970: 1_767_225_600.001)) == "2026-01-01T00:00:00.001Z")
    }

    @Test("header fields join the document under lowercase names, repeated ones as one, and only when asked for")
    func headersJoinTheDocument() throws {
        var fields = HTTPFields()
        fields.append(HTTPField(name: .init("RateLimit-Limit")!, value: "10"))
        fields.append(HTTPField(name: .init("Via")!, value: "a"))
        fields.append(HTTPField(name: .init("Via")!, value: "b"))
        var answer = CommandResult(members: ["reserved": []], lines: ["JOB"])
        answer.headerFields = fields
        let with = try JSONSerialization.jsonObject(with: Data(answer.text(as: .json, withHeaders: true).utf8))
        let headers = (with as? [String: Any])?["headers"] as? [String: String]
        #expect(headers == ["ratelimit-limit": "10", "via": "a, b"])
        #expect(try !answer.text(as: .json, withHeaders: false).contains("headers"))
        #expect(
            try answer.text(as: .table, withHeaders: true) == """
                JOB

                HEADER           VALUE
                ratelimit-limit  10
                via              a
                via              b
                """
        )
    }
}
