/// The identity of an agent token. Any value can be missing.
public struct TokenIdentity: Sendable, Hashable {
    /// The token's identifier, which is not the token.
    public var uuid: String?
    /// The token's description.
    public var description: String?
    /// The kind of token, `cluster` for example.
    public var tokenType: String?
    /// The organization's slug, as in its URLs.
    public var organizationSlug: String?
    /// The organization's identifier.
    public var organizationUUID: String?
    /// The cluster's identifier.
    public var clusterUUID: String?
    /// The cluster's name.
    public var clusterName: String?
    /// The identifier of the queue that the token is limited to.
    public var organizationQueueUUID: String?
    /// The key of the queue that the token is limited to.
    public var organizationQueueKey: String?

    /// A token's identity.
    public init(
        uuid: String? = nil,
        description: String? = nil,
        tokenType: String? = nil,
        organizationSlug: String? = nil,
        organizationUUID: String? = nil,
        clusterUUID: String? = nil,
        clusterName: String? = nil,
        organizationQueueUUID: String? = nil,
        organizationQueueKey: String? = nil
    ) {
        self.uuid = uuid
        self.description = description
        self.tokenType = tokenType
        self.organizationSlug = organizationSlug
        self.organizationUUID = organizationUUID
        self.clusterUUID = clusterUUID
        self.clusterName = clusterName
        self.organizationQueueUUID = organizationQueueUUID
        self.organizationQueueKey = organizationQueueKey
    }

    /// Whether the token belongs to no cluster: ``clusterUUID`` is empty, not merely missing. The Stacks API does not
    /// accept such a token.
    public var isUnclustered: Bool { clusterUUID?.isEmpty == true }
}

extension TokenIdentity {
    static func read(_ reader: inout JSONReader) throws(JSONError) -> TokenIdentity {
        var identity = TokenIdentity()
        try reader.beginObject()
        while let name = try reader.nextKey() {
            switch name {
            case "uuid": identity.uuid = try reader.stringOrNil()
            case "description": identity.description = try reader.stringOrNil()
            case "token_type": identity.tokenType = try reader.stringOrNil()
            case "organization_slug": identity.organizationSlug = try reader.stringOrNil()
            case "organization_uuid": identity.organizationUUID = try reader.stringOrNil()
            case "cluster_uuid": identity.clusterUUID = try reader.stringOrNil()
            case "cluster_name": identity.clusterName = try reader.stringOrNil()
            case "organization_queue_uuid": identity.organizationQueueUUID = try reader.stringOrNil()
            case "organization_queue_key": identity.organizationQueueKey = try reader.stringOrNil()
            default: try reader.skip()
            }
        }
        return identity
    }
}

extension StacksClient {
    /// Reads the identity of the client's token.
    ///
    /// - Parameter options: Options of this call.
    /// - Returns: The token's organization, cluster and queue, as far as the server sends them.
    /// - Throws: ``StacksAPIError``: ``StacksAPIError/Code/unauthorized`` when the token is invalid or expired.
    public func tokenIdentity(options: CallOptions = CallOptions()) async throws -> StacksResponse<TokenIdentity> {
        try await core.perform(core.target(.tokenIdentity), options: options, decode: TokenIdentity.read)
    }
}
