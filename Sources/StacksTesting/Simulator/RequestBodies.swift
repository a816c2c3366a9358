#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The request bodies of the simulator, decoded with Foundation, so that it shares no code with the client.
enum RequestBody {
    struct Register: Decodable {
        var key: String
        var type: String
        var queue_key: String
        var metadata: [String: String]
    }

    struct Reserve: Decodable {
        var job_uuids: [String]
        var reservation_expiry_seconds: Int?
    }

    struct States: Decodable {
        var job_uuids: [String]
    }

    struct Tokens: Decodable {
        var job_uuids: [String]
        var token_lifetime_seconds: Int?
    }

    struct Finish: Decodable {
        var exit_status: Int?
        var detail: String
    }

    struct Notifications: Decodable {
        struct Notification: Decodable {
            var job_uuid: String
            var detail: String
            var timestamp: String?
        }

        var notifications: [Notification]
    }

    static func decode<Body: Decodable>(_ type: Body.Type, from bytes: [UInt8]) throws(Refusal) -> Body {
        guard !bytes.isEmpty else { throw .badRequest("The request has no body.") }
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch let error as DecodingError {
            throw .badRequest(explain(error))
        } catch {
            throw .badRequest("The body is not valid JSON.")
        }
    }

    private static func explain(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, let context): "\(path(context.codingPath + [key])) is missing."
        case .typeMismatch(_, let context) where !context.codingPath.isEmpty:
            "\(path(context.codingPath)) has the wrong type."
        case .valueNotFound(_, let context) where !context.codingPath.isEmpty:
            "\(path(context.codingPath)) must not be null."
        case .dataCorrupted(let context) where !context.codingPath.isEmpty:
            "\(path(context.codingPath)) is not valid."
        case .typeMismatch: "The body must be a JSON object."
        // Foundation reports a fraction instead of an integer as corrupted data.
        default: "The body is not valid JSON, or a number is not an integer."
        }
    }

    /// The place of a member, which the request may have named itself, and at any length.
    private static func path(_ keys: [any CodingKey]) -> String {
        String(keys.map { key in key.intValue.map(String.init) ?? key.stringValue }.joined(separator: ".").prefix(200))
    }

    // MARK: Values with limits

    /// Checks that a text has at most `limit` bytes.
    static func check(_ text: String?, named name: String, atMost limit: Int) throws(Refusal) {
        guard let text, text.utf8.count > limit else { return }
        throw .invalid("\(name) has \(text.utf8.count) bytes; it must have at most \(limit).")
    }

    /// Checks that a list has at most `limit` items.
    static func check(_ count: Int, named name: String, atMost limit: Int) throws(Refusal) {
        guard count > limit else { return }
        throw .invalid("\(name) has \(count) items; it must have at most \(limit).")
    }

    /// Checks that a number is in `range`.
    static func check(_ value: Int, named name: String, in range: ClosedRange<Int>) throws(Refusal) {
        guard !range.contains(value) else { return }
        throw .invalid("\(name) is \(value); it must be between \(range.lowerBound) and \(range.upperBound).")
    }

    /// - Parameter uuids: The value of `job_uuids`.
    /// - Returns: The UUIDs in lowercase, each once, in the order of the request.
    static func jobUUIDs(_ uuids: [String]) throws(Refusal) -> [String] {
        guard !uuids.isEmpty else { throw .badRequest("job_uuids must not be empty.") }
        try check(uuids.count, named: "job_uuids", atMost: 1000)
        var seen = Set<String>()
        var unique: [String] = []
        for (index, text) in uuids.enumerated() {
            guard let uuid = canonicalUUID(text) else { throw .badRequest("job_uuids.\(index) is not a UUID.") }
            if seen.insert(uuid).inserted { unique.append(uuid) }
        }
        return unique
    }

    /// The lowercase form of a UUID with four hyphens, or `nil` when `text` is not a UUID.
    static func canonicalUUID(_ text: String) -> String? {
        guard text.utf8.count == 36 else { return nil }
        var isLowercase = true
        for (index, byte) in text.utf8.enumerated() {
            switch (index, byte) {
            case (8, UInt8(ascii: "-")), (13, UInt8(ascii: "-")), (18, UInt8(ascii: "-")), (23, UInt8(ascii: "-")):
                break
            case (8, _), (13, _), (18, _), (23, _): return nil
            case (_, UInt8(ascii: "0")...UInt8(ascii: "9")), (_, UInt8(ascii: "a")...UInt8(ascii: "f")): break
            case (_, UInt8(ascii: "A")...UInt8(ascii: "F")): isLowercase = false
            default: return nil
            }
        }
        return isLowercase ? text : text.lowercased()
    }

    /// A number of seconds in 1…3600, or the default for `nil`.
    static func seconds(_ value: Int?, named name: String, default duration: Duration) throws(Refusal) -> Duration {
        guard let value else { return duration }
        try check(value, named: name, in: 1...3600)
        return .seconds(value)
    }
}
