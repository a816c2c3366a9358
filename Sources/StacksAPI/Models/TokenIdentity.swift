/// Whose token it is. Any value can be missing.
public struct TokenIdentity: Sendable, Hashable {
    /// The token's identifier; not the token.
    public var uuid: String?
    /// The description given to the token.
    public var description: String?
    /// What kind of token it is, `cluster` for example.
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

    /// Whether the token belongs to no cluster, which an empty ``clusterUUID`` says. The Stacks API does not take such
    /// a token. One that is missing says nothing.
    public var isUnclustered: Bool { clusterUUID?.isEmpty == true }
}
