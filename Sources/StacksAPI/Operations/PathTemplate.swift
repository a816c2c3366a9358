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
    /// How many bytes the pieces of text have.
    private let textSize: Int

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
        var (size, description) = (0, "")
        for piece in pieces {
            switch piece {
            case .text(let text):
                size += text.utf8.count
                description += text
            case .parameter(let parameter): description += "{\(parameter.rawValue)}"
            }
        }
        textSize = size
        self.description = description
    }

    /// The path below `prefix`. The stack's key has been checked, so that it needs no encoding.
    func path(below prefix: String, stack: String, job: JobID?) -> String {
        let size = prefix.utf8.count + textSize + stack.utf8.count + (job.map(ByteWriter.segmentSize) ?? 0)
        return ByteWriter.text(capacity: size) { writer in
            writer.text(prefix)
            for piece in pieces {
                switch piece {
                case .text(let text): writer.text(text)
                case .parameter(.stackKey): writer.text(stack)
                case .parameter(.job): if let job { writer.segment(job) }
                }
            }
        }
    }
}
