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
        /// A text with so many Unicode scalars, which JSON Schema calls characters.
        case text(ClosedRange<Int>)
        /// ISO 8601.
        case date
        /// A UUID with its hyphens, in any case.
        case uuid
        case choice([String])
        /// The name of something that the simulator has.
        case known(@Sendable (StacksSimulator) -> [String])
        /// That many values.
        case list(of: Kind, ClosedRange<Int>)
        /// Texts by names.
        case texts
        /// Texts by names of header fields.
        case headers
        case object([ControlMember])

        /// A time of up to 366 days.
        static let seconds = Kind.number(0...31_622_400)

        static func text(upTo limit: Int) -> Kind { .text(0...limit) }
        static func list(of kind: Kind, upTo limit: Int) -> Kind { .list(of: kind, 0...limit) }
    }

    var name: String
    var kind: Kind
    var isRequired = false
    /// Whether null is a value, and not a mistake.
    var takesNull = false
    var about = ""
    /// With which values of another member it may be given. `nil` when it always may.
    var onlyWith: (member: String, values: [String])?
    /// Another member that must be given if this one is not, and must not if it is.
    var insteadOf: String?
    /// A member that, when it is true, lets this one be any text.
    var openedBy: String?
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
            if let other = member.insteadOf, (values[member.name] == nil) == (values[other] == nil) {
                let (either, and) = values[other] == nil ? ("Neither", "nor") : ("Both", "and")
                throw .badRequest("\(either) \(path)\(other) \(and) \(name) is given; one of them must be.")
            }
            guard let value = values[member.name] else {
                if member.isRequired { throw .badRequest("\(name) is missing; it must be \(member.kind.expected).") }
                continue
            }
            if let (other, wanted) = member.onlyWith, case .text(let text) = values[other], !wanted.contains(text) {
                throw .badRequest(
                    "\(name) is \(value.shown), but \(path)\(other) is \(ControlValue.text(text).shown); it is for: "
                        + "\(wanted.joined(separator: ", ")).")
            }
            if value == .null, member.takesNull { continue }
            let isOpen = member.openedBy.map { values[$0] == .truth(true) } ?? false
            let kind = isOpen ? .text(ControlMember.openLength) : member.kind
            let opener = isOpen ? nil : member.openedBy.map { path + $0 }
            try kind.check(value, at: name, of: place, in: simulator, opener: opener)
        }
    }
}

extension ControlMember {
    /// The length of a text that may be any.
    static let openLength = 1...100
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
        case .text(let range):
            "a text of \(Self.text(range)) characters"
        case .date: "a date as 2026-01-31T08:30:00Z"
        case .uuid: "a UUID as 01234567-89ab-4cde-8f01-23456789abcd"
        case .choice(let names): "one of \(names.joined(separator: ", "))"
        case .known: "a name"
        case .list(let kind, let range):
            "a list of \(Self.text(range)), each \(kind.expected)"
        case .texts: "an object of texts"
        case .headers: "an object of texts by names of header fields"
        case .object(let members): "an object with \(members.map(\.name).joined(separator: ", "))"
        }
    }

    private static func text(_ lengths: ClosedRange<Int>) -> String {
        "\(lengths.lowerBound == 0 ? "at most" : "\(lengths.lowerBound) to") \(lengths.upperBound)"
    }

    /// The number without a fraction that is zero.
    private static func text(_ number: Double) -> String {
        Int(exactly: number).map { String($0) } ?? String(number)
    }

    /// - Parameter opener: The member that would let the value be any text.
    func check(
        _ value: ControlValue, at name: String, of place: String, in simulator: StacksSimulator, opener: String? = nil
    ) throws(ControlFailure) {
        func requires(_ isGood: Bool) throws(ControlFailure) {
            guard !isGood else { return }
            let open: Self = .text(ControlMember.openLength)
            let other = opener.map { ", or, if \($0) is true, \(open.expected)" } ?? ""
            throw .badRequest("\(name) is \(value.shown); it must be \(expected)\(other).")
        }
        switch (self, value) {
        case (.truth, .truth): break
        case (.integer(let range), .integer(let number)): try requires(range.contains(number))
        case (.number(let range), .integer(let number)): try requires(range.contains(Double(number)))
        case (.number(let range), .number(let number)): try requires(range.contains(number))
        case (.text(let range), .text(let text)): try requires(range.contains(text.unicodeScalars.count))
        case (.date, .text(let text)): try requires(Date(iso8601: text) != nil)
        case (.uuid, .text(let text)): try requires(SimulatedJob.isUUID(text))
        case (.choice(let names), .text(let text)): try requires(names.contains(text))
        case (.known, .text(let text)):
            let names = names(in: simulator)
            guard !names.contains(text) else { break }
            throw .badRequest("\(name) is \(value.shown), which there is not; there is: \(names.shown).")
        case (.list(let kind, let range), .list(let values)):
            guard range.contains(values.count) else {
                throw .badRequest("\(name) is a list of \(values.count); it must be \(expected).")
            }
            for (index, value) in values.enumerated() {
                try kind.check(value, at: "\(name).\(index)", of: place, in: simulator)
            }
        case (.texts, .object(let members)), (.headers, .object(let members)):
            for (key, value) in members.sorted(by: { $0.key < $1.key }) {
                let member = "\(name).\(VisibleText.escaped(key, limit: 100))"
                guard case .text(let text) = value else {
                    throw .badRequest("\(member) is \(value.shown); it must be a text.")
                }
                guard case .headers = self else { continue }
                guard HTTPField.Name(key) != nil else {
                    throw .badRequest("\(member) is \(value.shown), but that is no name of a header field.")
                }
                guard HTTPField.isValidValue(text) else {
                    throw .badRequest("\(member) is \(value.shown), which no header field can be.")
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
