import Foundation
import HTTPTypes
import StacksAPI
import StacksTransport

/// The body of a 429, read twice by the client: for its message and for the rate limit.
struct PeerRefusal: Peer {
    var message: String?
    var limit: Limit

    struct Limit {
        var scope: String?
        var limit: Int?
        var reset: Int?
    }

    private enum Key: String, CodingKey {
        case message, scope, limit, reset
    }

    /// Each value stands for itself: one that is something else does not fail the others.
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        message = try? container.decodeIfPresent(String.self, forKey: .message)
        limit = Limit(
            scope: try? container.decodeIfPresent(String.self, forKey: .scope),
            limit: try? container.decodeIfPresent(Int.self, forKey: .limit),
            reset: try? container.decodeIfPresent(Int.self, forKey: .reset))
    }

    var value: Refusal {
        var shown: String?
        if let message, !message.isEmpty {
            let scalars = message.unicodeScalars.prefix(1000)
                .map { VisibleText.isHidden($0) ? " " : $0 }
            shown = String(String.UnicodeScalarView(scalars)) + (message.unicodeScalars.count > 1000 ? "…" : "")
        }
        // The windows are of one second: more than half a minute is not meant.
        let reset = limit.reset.flatMap { $0 < 0 ? nil : min($0, 30) }
        let isTold = limit.scope != nil || limit.limit != nil || reset != nil
        let told = RateLimit(
            scope: limit.scope, limit: limit.limit, remaining: 0, reset: reset.map { .seconds($0) })
        return Refusal(message: shown, rateLimit: isTold ? told : nil)
    }
}

extension Refusal {
    struct NoObject: Error {}

    /// As the client reads it. Of what is no object it reads neither message nor limit, and says so here.
    static func read(_ document: [UInt8]) throws -> Refusal {
        try DecoderEntryPoints.anything(document)
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        guard
            document.dropFirst(document.starts(with: mark) ? 3 : 0).first(where: { !" \n\r\t".utf8.contains($0) })
                == UInt8(ascii: "{")
        else { throw NoObject() }
        let answer = TransportResponse(status: .tooManyRequests, body: document)
        return Refusal(message: DecoderEntryPoints.message(document), rateLimit: DecoderEntryPoints.rateLimit(answer))
    }
}
