/// The path of an operation below the base URL, written once: `"stacks/\(.stackKey)/jobs/\(.job)"`.
struct PathTemplate: Sendable, ExpressibleByStringInterpolation {
    enum Parameter: String {
        case stackKey = "stack_key"
        case job = "job_uuid"
    }

    fileprivate enum Piece {
        case text(String)
        case parameter(Parameter)
    }

    private let pieces: [Piece]

    /// The template as spans show it: `stacks/{stack_key}/jobs/{job_uuid}`.
    let description: String

    struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var pieces: [Piece] = []

        init(literalCapacity: Int, interpolationCount: Int) {}

        mutating func appendLiteral(_ literal: String) {
            if !literal.isEmpty { pieces.append(.text(literal)) }
        }

        mutating func appendInterpolation(_ parameter: Parameter) { pieces.append(.parameter(parameter)) }
    }

    init(stringLiteral text: String) { self.init([.text(text)]) }

    init(stringInterpolation: StringInterpolation) { self.init(stringInterpolation.pieces) }

    private init(_ pieces: [Piece]) {
        self.pieces = pieces
        description = pieces.reduce(into: "") { description, piece in
            switch piece {
            case .text(let text): description += text
            case .parameter(let parameter): description += "{\(parameter.rawValue)}"
            }
        }
    }

    /// The path below `prefix`. The stack's key has been checked, so that it needs no encoding.
    func path(below prefix: String, stack: String, job: JobID?) -> String {
        var path = prefix
        // One allocation: growing it takes one more for every doubling.
        path.reserveCapacity(prefix.utf8.count + description.utf8.count + stack.utf8.count + CanonicalUUID.length)
        for piece in pieces {
            switch piece {
            case .text(let text): path += text
            case .parameter(.stackKey): path += stack
            case .parameter(.job): if let job { PercentEncoding.append(job.description, to: &path) }
            }
        }
        return path
    }
}
