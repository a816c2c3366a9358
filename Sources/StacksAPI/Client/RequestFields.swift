import HTTPTypes

/// The header fields of a client's requests, made once, so that every request carries the same value and a transport
/// can prepare it once.
struct RequestFields: Sendable {
    private let withoutBody: HTTPFields
    private let withBody: HTTPFields

    /// - Parameter token: One that ``AgentTokenText`` finds nothing wrong with.
    init(token: Secret, userAgentPrefixes: [String]) throws(StacksAPIError) {
        for prefix in userAgentPrefixes {
            guard !prefix.isEmpty, prefix.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }),
                prefix.first != " ", prefix.last != " "
            else {
                throw Argument.failure(
                    "The user agent's prefix \(Argument.quoted(prefix)) is empty, begins or ends with a space, or holds a "
                        + "control character or one outside ASCII.", for: nil)
            }
        }
        let userAgent = (userAgentPrefixes + ["stacksapi-swift/\(StacksAPIVersion.current)"]).joined(separator: " ")
        var fields = HTTPFields()
        fields[.authorization] = "Token \(token.value)"
        fields[.accept] = "application/json"
        fields[.userAgent] = userAgent
        withoutBody = fields
        fields[.contentType] = "application/json"
        withBody = fields
    }

    /// The fields of one request.
    func fields(
        hasBody: Bool, adding extra: HTTPFields, for operation: StacksOperation
    ) throws(StacksAPIError) -> HTTPFields {
        var fields = hasBody ? withBody : withoutBody
        if extra.isEmpty { return fields }
        try Self.check(extra, for: operation)
        // First the client's own go, then the caller's come, so that a name given twice is sent twice.
        for field in extra { fields[field.name] = nil }
        for field in extra { fields.append(field) }
        return fields
    }

    /// Looks whether the caller's own fields can be sent.
    static func check(_ extra: HTTPFields, for operation: StacksOperation) throws(StacksAPIError) {
        for field in extra where reserved.contains(field.name) {
            throw Argument.failure(
                "The header field \(field.name) is not the caller's to set.", for: operation)
        }
        // `HTTPField(name:value:)` puts spaces for control characters, but its lenient sibling lets most of them
        // through. The value is not shown: it may be a credential. A tab is allowed in one (RFC 9110, section 5.5).
        for field in extra where field.value.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) {
            throw Argument.failure(
                "The value of the header field \(field.name) holds a control character.", for: operation)
        }
    }

    /// What is the client's alone to set.
    static let reserved: Set<HTTPField.Name> = [
        .authorization, HTTPField.Name("Host")!, .contentLength, .transferEncoding, .connection,
    ]
}
