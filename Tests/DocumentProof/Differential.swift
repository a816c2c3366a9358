/// Compares the client's readers with Foundation's over generated documents and their mutations.
package struct Differential: Sendable {
    /// A document that the two do not agree on, without a reason that is intended.
    package struct Disagreement: Sendable, CustomStringConvertible {
        package var kind: DocumentKind
        package var verdict: Verdict
        package var document: [UInt8]
        package var description: String {
            "\(kind.rawValue), \(verdict): \(String(reflecting: String(decoding: document, as: UTF8.self)))"
        }
    }

    /// How many documents were compared.
    package private(set) var documents = 0
    /// How many of them both accepted.
    package private(set) var accepted = 0
    package private(set) var intended: [IntendedDifference: Int] = [:]
    /// The first of them; ``disagreementCount`` counts all.
    package private(set) var disagreements: [Disagreement] = []
    package private(set) var disagreementCount = 0

    package init() {}

    /// Compares one document.
    package mutating func compare(_ document: [UInt8], as kind: DocumentKind) {
        documents += 1
        let verdict = kind.verdict(on: document)
        if verdict == .bothAccept { accepted += 1 }
        if verdict.isAgreement { return }
        if let difference = IntendedDifference.explanation(of: verdict, on: document, as: kind) {
            intended[difference, default: 0] += 1
            return
        }
        disagreementCount += 1
        if disagreements.count < 20 {
            disagreements.append(Disagreement(kind: kind, verdict: verdict, document: document))
        }
    }

    /// Compares `mutations` broken documents of one kind, and the good ones that they are made from.
    package mutating func run(_ kind: DocumentKind, mutations: Int, seed: UInt64) {
        var generator = DocumentGenerator(seed: seed)
        var other = generator.document(kind)
        var remaining = mutations
        while remaining > 0 {
            let original = generator.document(kind)
            compare(original, as: kind)
            for _ in 0..<min(remaining, 20) { compare(generator.mutated(original, with: other), as: kind) }
            remaining -= 20
            other = original
        }
    }

    /// Adds what another comparison found.
    package mutating func add(_ other: Differential) {
        documents += other.documents
        accepted += other.accepted
        intended.merge(other.intended, uniquingKeysWith: +)
        disagreements = Array((disagreements + other.disagreements).prefix(20))
        disagreementCount += other.disagreementCount
    }

    package var summary: String {
        var lines = ["\(documents) documents, \(accepted) of them accepted by both"]
        for difference in IntendedDifference.allCases {
            lines.append("intended difference, \(difference.rawValue): \(intended[difference, default: 0])")
        }
        lines.append("disagreements: \(disagreementCount)")
        return (lines + disagreements.map(\.description)).joined(separator: "\n")
    }
}
