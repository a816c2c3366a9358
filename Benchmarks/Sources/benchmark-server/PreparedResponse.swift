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

    func response(to request: ReceivedRequest) -> PreparedResponse
}

/// A response as it is sent: created once, so that responding is little more than copying.
struct PreparedResponse: Sendable {
    /// The header block, encoded (RFC 7541).
    let headerBlock: [UInt8]
    let body: ByteBuffer

    init(status: Int = 200, fields: [(name: String, value: String)] = WireResponse.fields(), body: [UInt8]) {
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

/// Every response the server has.
struct PreparedResponses: ResponseSource {
    static let shared = PreparedResponses()

    private let byCall = Dictionary(
        uniqueKeysWithValues: Call.allCases.map {
            ($0, PreparedResponse(fields: WireResponse.fields(of: $0), body: $0.response))
        })
    private let notFound = PreparedResponse(status: 404, body: Array(#"{"message":"No such endpoint"}"#.utf8))

    var readsBodies: Bool { false }

    func response(to request: ReceivedRequest) -> PreparedResponse {
        Routes.call(path: request.path, bodySize: request.bodySize).flatMap { byCall[$0] } ?? notFound
    }
}
