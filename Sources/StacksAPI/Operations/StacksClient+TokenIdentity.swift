extension StacksClient {
    /// Tells whose token the client uses.
    ///
    /// - Parameter options: What this call does otherwise than the client.
    /// - Returns: The token's organization, cluster and queue, as far as the server tells them.
    /// - Throws: ``StacksAPIError``: ``StacksAPIError/Code/unauthorized`` when the token is invalid or expired.
    public func tokenIdentity(options: CallOptions = CallOptions()) async throws -> StacksResponse<TokenIdentity> {
        try await core.perform(.tokenIdentity, path: core.path("token"), options: options, decode: TokenIdentity.read)
    }
}
