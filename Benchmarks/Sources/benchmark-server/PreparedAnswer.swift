import NIOCore
import NIOHPACK
import Workload

/// A request, as far as a response depends on it.
struct ReceivedRequest {
    var path: String
    var fields: HPACKHeaders
    var bodySize = 0
    /// Empty unless the source of the responses reads it.
    var body = ByteBuffer()
}

/// Where responses come from.
protocol ResponseSource: Sendable {
    /// Whether the requests' bodies are kept for it.
    var readsBodies: Bool { get }

    func response(to request: ReceivedRequest) -> PreparedAnswer
}

/// An answer in the form in which it goes out: made once, so that answering is little more than copying.
struct PreparedAnswer: Sendable {
    /// The header block, encoded (RFC 7541).
    let headerBlock: [UInt8]
    let body: ByteBuffer

    init(status: Int = 200, fields: [(name: String, value: String)] = WireAnswer.fields, body: [UInt8]) {
        self.body = ByteBuffer(bytes: body)
        var block: [UInt8] = []
        if status == 200 {
            // The static table's entry for it.
            block.append(0x88)
        } else {
            Self.append(":status", "\(status)", to: &block)
        }
        for field in fields { Self.append(field.name, field.value, to: &block) }
        Self.append("content-length", "\(body.count)", to: &block)
        headerBlock = block
    }

    /// A literal that enters no table, so that the bytes are right whenever they are sent.
    private static func append(_ name: String, _ value: String, to block: inout [UInt8]) {
        precondition(name.utf8.count < 127 && value.utf8.count < 127, "one byte holds the length")
        block.append(0x00)
        for text in [name, value] {
            block.append(UInt8(text.utf8.count))
            block.append(contentsOf: text.utf8)
        }
    }
}

/// Every answer the server has.
struct PreparedAnswers: ResponseSource {
    static let shared = PreparedAnswers()

    private let byCall = Dictionary(
        uniqueKeysWithValues: Call.allCases.map { ($0, PreparedAnswer(body: $0.answer)) })
    private let notFound = PreparedAnswer(status: 404, body: Array(#"{"message":"No such endpoint"}"#.utf8))

    var readsBodies: Bool { false }

    func response(to request: ReceivedRequest) -> PreparedAnswer {
        Routes.call(path: request.path, bodySize: request.bodySize).flatMap { byCall[$0] } ?? notFound
    }
}
