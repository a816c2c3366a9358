import HTTPTypes
import StacksTesting
import StacksTransport

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A member of a body, or a parameter of a query: what it may be, and what it is for.
///
/// Every body and query is checked against its members before it is used, so that a typo is an error and never ignored.
struct ControlMember: Sendable {
    indirect enum Kind: Sendable {
        case truth
        case integer(ClosedRange<Int>)
        case number(ClosedRange<Double>)
        /// A text of that many bytes at most.
        case text(upTo: Int)
        /// ISO 8601.
        case date
        case choice([String])
        /// The name of something that the simulator has.
        case known(@Sendable (StacksSimulator) -> [String])
        case list(of: Kind, upTo: Int)
        /// Texts by names.
        case texts
        /// Texts by names of header fields.
        case headers
        case object([ControlMember])
    }

    var name: String
    var kind: Kind
    var isRequired = false
    /// Whether null is a value, and not a mistake.
    var takesNull = false
    var about = ""
}

extension [ControlMember] {
    /// Checks the members of a document.
    ///
    /// - Parameters:
    ///   - path: What leads to the document: `build.` for example, and empty for a body or query.
    ///   - place: What the document belongs to, for a message.
    func check(
        _ values: [String: ControlValue], at path: String = "", of place: String, in simulator: StacksSimulator
    ) throws(ControlFailure) {
        let known = Set(map(\.name))
        // In their order, so that a document with two mistakes always gets the same message.
        for name in values.keys.sorted() where !known.contains(name) {
            let names = isEmpty ? "none" : map(\.name).joined(separator: ", ")
            throw .badRequest(
                "\(path)\(VisibleText.escaped(name, limit: 100)) is \(values[name]?.shown ?? ""), but \(place) has no "
                    + "such member; it has: \(names).")
        }
        for member in self {
            let name = path + member.name
            guard let value = values[member.name] else {
                if member.isRequired { throw .badRequest("\(name) is missing; it must be \(member.kind.expected).") }
                continue
            }
            if value == .null, member.takesNull { continue }
            try member.kind.check(value, at: name, of: place, in: simulator)
        }
    }
}

extension ControlMember.Kind {
    /// What a value must be, in words.
    var expected: String {
        switch self {
        case .truth: "true or false"
        case .integer(let range):
            range == Int.min...Int.max
                ? "a whole number" : "a whole number between \(range.lowerBound) and \(range.upperBound)"
        case .number(let range): "a number between \(Self.text(range.lowerBound)) and \(Self.text(range.upperBound))"
        case .text(let limit): "a text of at most \(limit) bytes"
        case .date: "a date as 2026-01-31T08:30:00Z"
        case .choice(let names): "one of \(names.joined(separator: ", "))"
        case .known: "a name"
        case .list(let kind, let limit): "a list of at most \(limit), each \(kind.expected)"
        case .texts: "an object of texts"
        case .headers: "an object of texts by names of header fields"
        case .object(let members): "an object with \(members.map(\.name).joined(separator: ", "))"
        }
    }

    /// The number without a fraction that is zero.
    private static func text(_ number: Double) -> String {
        Int(exactly: number).map { String($0) } ?? String(number)
    }

    func check(
        _ value: ControlValue, at name: String, of place: String, in simulator: StacksSimulator
    ) throws(ControlFailure) {
        func requires(_ isGood: Bool) throws(ControlFailure) {
            if !isGood { throw .badRequest("\(name) is \(value.shown); it must be \(expected).") }
        }
        switch (self, value) {
        case (.truth, .truth): break
        case (.integer(let range), .integer(let number)): try requires(range.contains(number))
        case (.number(let range), .integer(let number)): try requires(range.contains(Double(number)))
        case (.number(let range), .number(let number)): try requires(range.contains(number))
        case (.text(let limit), .text(let text)): try requires(text.utf8.count <= limit)
        case (.date, .text(let text)): try requires(Date(iso8601: text) != nil)
        case (.choice(let names), .text(let text)): try requires(names.contains(text))
        case (.known(let list), .text(let text)):
            let names = list(simulator)
            guard !names.contains(text) else { break }
            let more = names.count > 50 ? " and \(names.count - 50) more" : ""
            let shown = names.prefix(50).map { VisibleText.escaped($0, limit: 100) }.joined(separator: ", ")
            throw .badRequest("\(name) is \(value.shown), which there is not; there is: \(shown)\(more).")
        case (.list(let kind, let limit), .list(let values)):
            guard values.count <= limit else {
                throw .badRequest("\(name) is a list of \(values.count); it must be \(expected).")
            }
            for (index, value) in values.enumerated() {
                try kind.check(value, at: "\(name).\(index)", of: place, in: simulator)
            }
        case (.texts, .object(let members)), (.headers, .object(let members)):
            for (key, value) in members.sorted(by: { $0.key < $1.key }) {
                let member = "\(name).\(VisibleText.escaped(key, limit: 100))"
                guard case .text = value else {
                    throw .badRequest("\(member) is \(value.shown); it must be a text.")
                }
                if case .headers = self, HTTPField.Name(key) == nil {
                    throw .badRequest("\(member) is \(value.shown), but that is no name of a header field.")
                }
            }
        case (.object(let members), .object(let values)):
            try members.check(values, at: name + ".", of: place, in: simulator)
        default: try requires(false)
        }
    }

    /// The value of a text in a query. One that is no such value stays a text, and the check refuses it.
    func value(of text: String) -> ControlValue {
        switch self {
        case .truth where text == "true": .truth(true)
        case .truth where text == "false": .truth(false)
        case .integer: Int(text).map(ControlValue.integer) ?? .text(text)
        case .number: Double(text).map(ControlValue.number) ?? .text(text)
        default: .text(text)
        }
    }
}
