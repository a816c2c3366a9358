import Foundation
import StacksAPI

/// What the client makes of a document beside what Foundation makes of it.
package enum Verdict: Sendable, Equatable {
    /// Both read it, and the values are the same.
    case bothAccept
    /// Neither reads it.
    case bothRefuse
    /// Both read it, and the values differ.
    case valuesDiffer
    /// Only the client reads it.
    case onlyClientAccepts
    /// Only Foundation reads it.
    case onlyFoundationAccepts

    /// Whether the two agree.
    package var isAgreement: Bool { self == .bothAccept || self == .bothRefuse }

    /// - Parameters:
    ///   - peer: The same document as a Codable type.
    ///   - read: The client's reader.
    init<P: Peer>(
        _ document: [UInt8], _ peer: P.Type, _ read: ([UInt8]) throws -> P.Value
    ) {
        let ours = try? read(document)
        let data = Data(document)
        // The decoder looks at nothing that it is not asked for; JSONSerialization looks at all of it.
        let theirs =
            (try? JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed)) == nil
            ? nil : try? JSONDecoder().decode(P.self, from: data).value
        switch (ours, theirs) {
        case (let ours?, let theirs?): self = ours == theirs ? .bothAccept : .valuesDiffer
        case (nil, nil): self = .bothRefuse
        case (_?, nil): self = .onlyClientAccepts
        case (nil, _?): self = .onlyFoundationAccepts
        }
    }
}

/// A document as Foundation decodes it, with the value that the client should have made of it.
protocol Peer: Decodable {
    associatedtype Value: Equatable
    var value: Value { get }
}
