import ArgumentParser
import Foundation
import StacksAPI
import Testing

@testable import stacksctl

@Suite("Arguments")
struct ArgumentTests {
    @Test(
        "the default queue has the names that people and Buildkite give it",
        arguments: ["~", "-", "_default", "__default__"]
    )
    func defaultQueue(name: String) {
        #expect(QueueArgument(argument: name)?.key == .default)
    }

    @Test("any other queue is taken as it is, and an empty one refused")
    func namedQueue() {
        #expect(QueueArgument(argument: "linux-large")?.key == QueueKey(rawValue: "linux-large"))
        #expect(QueueArgument(argument: "") == nil)
    }

    @Test("a pair is cut at its first equals sign, and needs a key")
    func pairs() throws {
        let pair = try #require(KeyValue(argument: "a=b=c"))
        #expect(pair.key == "a" && pair.value == "b=c")
        #expect(KeyValue(argument: "a=")?.value == "")
        #expect(KeyValue(argument: "=b") == nil)
        #expect(KeyValue(argument: "ab") == nil)
    }

    @Test("a key given twice is refused, naming it")
    func doubleKey() throws {
        let pairs = try [#require(KeyValue(argument: "a=1")), #require(KeyValue(argument: "a=2"))]
        let failure = #expect(throws: Failure.self) { try pairs.dictionary(option: "--metadata") }
        #expect(failure?.message == "--metadata gives the key 'a' more than once.")
        #expect(failure?.exitCode == .validationFailure)
    }

    @Test(
        "seconds are positive, may have a fraction, and end at a day", arguments: ["0", "-1", "x", "nan", "inf", "1e9"])
    func badSeconds(text: String) throws {
        #expect(throws: ValidationError.self) { try Seconds(parsing: text) }
        #expect(try Seconds(parsing: "1.5").duration == .milliseconds(1500))
        #expect(try Seconds(parsing: "0.0001").duration == .milliseconds(1))
    }

    @Test("a dash stands for the lines of stdin, without blanks and blank lines")
    func jobsFromStdin() throws {
        var lines = ["  b ", "", "\t", "c\r"][...]
        let jobs = try JobArguments.expand(["a", "-", "d"]) { lines.popFirst() }
        #expect(jobs == ["a", "b", "c", "d"])
    }

    @Test(
        "a timestamp is ISO 8601, with or without a fraction, in UTC or with an offset",
        arguments: [
            ("2026-01-01T00:00:00Z", 1_767_225_600.0), ("2026-01-01T00:00:00.250Z", 1_767_225_600.25),
            ("2026-01-01T02:00:00+02:00", 1_767_225_600.0),
        ]
    )
    func timestamp(text: String, seconds: Double) {
        #expect(Timestamp(argument: text)?.date == Date(timeIntervalSince1970: seconds))
    }

    @Test("anything else is no timestamp", arguments: ["", "yesterday", "2026-01-01", "1767225600"])
    func noTimestamp(text: String) {
        #expect(Timestamp(argument: text) == nil)
    }

    @Test("the token comes from the option, then from the agent's variable, then from the cluster's")
    func tokenPrecedence() throws {
        let both = ["BUILDKITE_AGENT_TOKEN": "bkct_agent", "BUILDKITE_CLUSTER_TOKEN": "bkct_cluster"]
        let given = try GlobalOptions.parse(["--token", "bkct_given"])
        let plain = try GlobalOptions.parse([])
        #expect(try Endpoint(options: given, environment: both).token.value == "bkct_given")
        #expect(try Endpoint(options: plain, environment: both).token.value == "bkct_agent")
        let emptied = ["BUILDKITE_AGENT_TOKEN": "", "BUILDKITE_CLUSTER_TOKEN": "bkct_cluster"]
        #expect(try Endpoint(options: plain, environment: emptied).token.value == "bkct_cluster")
        #expect(throws: Failure.self) { try Endpoint(options: plain, environment: [:]) }
        let empty = try GlobalOptions.parse(["--token", ""])
        #expect(throws: Failure.self) { try Endpoint(options: empty, environment: both) }
    }

    @Test("the base URL comes from the option, then from the agent's variable")
    func baseURLPrecedence() throws {
        let environment = ["BUILDKITE_AGENT_TOKEN": "bkct_a", "BUILDKITE_AGENT_ENDPOINT": "https://a.example/v3"]
        let given = try GlobalOptions.parse(["--base-url", "https://b.example/v3"])
        #expect(try Endpoint(options: given, environment: environment).baseURL == "https://b.example/v3")
        let plain = try GlobalOptions.parse([])
        #expect(try Endpoint(options: plain, environment: environment).baseURL == "https://a.example/v3")
    }
}
