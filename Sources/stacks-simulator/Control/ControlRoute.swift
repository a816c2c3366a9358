import HTTPTypes
import Hummingbird
import StacksTesting

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// All that there is to know of a path of the control side: what it takes, what it is for, and what it does. The help, the
/// index and the description are made of these rows too.
struct ControlRoute: Sendable {
    var method: HTTPRequest.Method
    /// Below `/_simulator/`. A segment with a colon stands for a value.
    var path: String
    var about: String
    var query: [ControlMember]
    /// The members of its body, which is a JSON object or missing.
    var body: [ControlMember]
    /// The status of its success.
    var status: HTTPResponse.Status
    /// The statuses of its failures, besides those that any path or any with a value can have.
    var failures: [HTTPResponse.Status]
    /// What a response with a body is.
    var content: Content
    /// The schemas of the documents that a response of success can be, if it is JSON.
    var documents: [ControlValue]
    var perform: @Sendable (ControlEndpoints, ControlCall) throws -> Response

    init(
        _ method: HTTPRequest.Method, _ path: String, _ about: String, query: [ControlMember] = [],
        body: [ControlMember] = [], status: HTTPResponse.Status = .ok, failures: [HTTPResponse.Status] = [],
        content: Content = .json, documents: [any Decodable.Type] = [],
        _ perform: @escaping @Sendable (ControlEndpoints, ControlCall) throws -> Response
    ) {
        self.method = method
        self.path = path
        self.about = about
        self.query = query
        self.body = body
        self.status = status
        self.failures = failures
        self.content = content
        self.documents = documents.map { DocumentSchema.schema(of: $0) }
        self.perform = perform
    }

    enum Content: String { case json = "application/json", text = "text/plain", html = "text/html" }

    /// `/_simulator/jobs/:job`
    var fullPath: String { path.isEmpty ? ControlEndpoints.root : "\(ControlEndpoints.root)/\(path)" }

    /// The values in a path, or `nil` when it is another one.
    func values(in segments: [String]) -> [String: String]? {
        let pattern = path.split(separator: "/")
        guard pattern.count == segments.count else { return nil }
        var values: [String: String] = [:]
        for (name, segment) in zip(pattern, segments) {
            if name.first == ":" {
                values[String(name.dropFirst())] = segment
            } else if name != segment {
                return nil
            }
        }
        return values
    }

    /// The paths with their members, for the help: in two columns, as it has the options. It breaks lines of 80
    /// characters and more, and does not indent what follows.
    static var help: String {
        let column = 5 + (all.map(\.name.count).max() ?? 0)
        return all.dropFirst().map { route in
            var text = "  " + route.name
            text += String(repeating: " ", count: column - text.count)
            var width = column
            for (index, word) in route.summary.split(separator: " ").enumerated() {
                if width + 1 + word.count >= 80 {
                    text += "\n" + String(repeating: " ", count: column)
                    width = column
                } else if index > 0 {
                    text += " "
                    width += 1
                }
                text += word
                width += word.count
            }
            return text
        }.joined(separator: "\n")
    }

    /// What it is for, and its members.
    var summary: String {
        let members = [("query", query), ("body", body)].filter { !$0.1.isEmpty }
        return about + members.map { "; \($0): \($1.map(\.name).joined(separator: ", "))" }.joined()
    }

    /// `POST jobs/:job/cancel`
    var name: String { "\(method.rawValue) \(path)" }
}

/// A request to the control side that has been checked.
struct ControlCall {
    /// The values in its path.
    var values: [String: String]
    var query: [String: ControlValue]
    var body: [UInt8]

    func text(_ name: String) -> String? { if case .text(let text) = query[name] { text } else { nil } }
    func integer(_ name: String) -> Int? { if case .integer(let number) = query[name] { number } else { nil } }
    func truth(_ name: String) -> Bool? { if case .truth(let value) = query[name] { value } else { nil } }
    func date(_ name: String) -> Date? { text(name).flatMap { Date(iso8601: $0) } }

    func read<Document: Decodable>(_ type: Document.Type) throws(ControlFailure) -> Document {
        do {
            return try JSONDecoder().decode(type, from: Data(body.isEmpty ? Array("{}".utf8) : body))
        } catch {
            throw .badRequest("The body does not match this endpoint.")
        }
    }
}

extension ControlRoute {
    /// Checks a request.
    func call(
        values: [String: String], query text: Substring?, body: [UInt8], in simulator: StacksSimulator
    ) throws(ControlFailure) -> ControlCall {
        let query = try parse(query: text ?? "")
        try self.query.check(query, of: "the query of \(name)", in: simulator)
        let value = body.isEmpty ? .object([:]) : try ControlValue(body: body)
        guard case .object(let members) = value else {
            throw .badRequest("The body is \(value.shown); it must be a JSON object.")
        }
        try self.body.check(members, of: name, in: simulator)
        return ControlCall(values: values, query: query, body: body)
    }

    private func parse(query text: Substring) throws(ControlFailure) -> [String: ControlValue] {
        var values: [String: ControlValue] = [:]
        for pair in text.split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentEncoding.text(sides[0], plusIsSpace: true),
                let text = sides.count == 2 ? PercentEncoding.text(sides[1], plusIsSpace: true) : ""
            else {
                throw .badRequest("The percent-encoding of the query is invalid.")
            }
            guard values[name] == nil else {
                throw .badRequest("\(ControlValue.text(name).shown) stands twice in the query.")
            }
            values[name] = query.first { $0.name == name }?.kind.value(of: text) ?? .text(text)
        }
        return values
    }
}
