import HTTPTypes

/// A token with its header fields. An object, because every call keeps it for its own length.
final class Authorization: Sendable {
    let token: Secret
    let fields: RequestFields

    init(token: Secret, userAgentPrefixes: [String]) {
        self.token = token
        fields = RequestFields(token: token, userAgentPrefixes: userAgentPrefixes)
    }
}

/// The header fields of a client's requests, created once, so that a transport can recognize and reuse them.
struct RequestFields: Sendable {
    private let withoutBody: HTTPFields
    private let withBody: HTTPFields

    /// - Parameters:
    ///   - token: One that ``AgentTokenText`` finds nothing wrong with.
    ///   - userAgentPrefixes: Checked with ``problem(of:)``.
    init(token: Secret, userAgentPrefixes: [String]) {
        let userAgent = (userAgentPrefixes + ["stacksapi-swift/\(StacksAPIVersion.current)"]).joined(separator: " ")
        var fields = HTTPFields()
        fields[.authorization] = "Token \(token.value)"
        fields[.accept] = "application/json"
        fields[.userAgent] = userAgent
        withoutBody = fields
        fields[.contentType] = "application/json"
        withBody = fields
    }

    /// What is wrong with the prefixes, or `nil`.
    static func problem(of userAgentPrefixes: [String]) -> String? {
        for prefix in userAgentPrefixes {
            guard !prefix.isEmpty, prefix.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }),
                prefix.first != " ", prefix.last != " "
            else {
                return
                    "The user agent's prefix \(Argument.quoted(prefix)) is empty, begins or ends with a space, or "
                    + "contains a control character or one outside ASCII."
            }
        }
        return nil
    }

    /// The fields of one request.
    func fields(
        hasBody: Bool, adding extra: HTTPFields, for operation: StacksOperation
    ) throws(StacksAPIError) -> HTTPFields {
        var fields = hasBody ? withBody : withoutBody
        if extra.isEmpty { return fields }
        try Self.check(extra, for: operation)
        // The client's own fields are removed first, so that a name that the caller gives twice is sent twice.
        for field in extra { fields[field.name] = nil }
        for field in extra { fields.append(field) }
        return fields
    }

    /// Checks the caller's own fields.
    static func check(_ extra: HTTPFields, for operation: StacksOperation) throws(StacksAPIError) {
        for field in extra where reserved.contains(field.name) {
            throw Argument.failure(
                "The header field \(field.name) cannot be set by a caller.", for: operation)
        }
        // `HTTPField(name:value:)` replaces control characters with spaces, but its lenient variant keeps most of them.
        // The value is not shown: it may be a credential. A tab is allowed (RFC 9110, section 5.5).
        for field in extra where field.value.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) {
            throw Argument.failure(
                "The value of the header field \(field.name) contains a control character.", for: operation)
        }
    }

    /// The fields that only the client sets.
    static let reserved: Set<HTTPField.Name> = [
        .authorization, HTTPField.Name("Host")!, .contentLength, .transferEncoding, .connection,
    ]
}
