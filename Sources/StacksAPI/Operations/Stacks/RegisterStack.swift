extension StacksClient {
    /// Registers a stack, or updates its registration. It is safe to repeat.
    ///
    /// Keys are unique in an organization: registering a key again moves the stack to the new queue.
    ///
    /// - Parameters:
    ///   - key: The stack's key, 1 to 80 bytes of `A-Z`, `a-z`, `0-9`, `_` and `-`.
    ///   - type: The kind of stack.
    ///   - queue: The queue that it takes jobs from.
    ///   - metadata: At most 100 keys of at most 64 characters, with values of at most 256 characters.
    ///   - options: Options of this call.
    /// - Returns: The registered stack; the status is 201 when it is new, and 200 when it existed.
    /// - Throws: ``StacksAPIError``: ``StacksAPIError/Code/forbidden`` when the organization has reached its limit of
    ///   stacks, ``StacksAPIError/Code/notFound`` when there is no such queue.
    @discardableResult
    public func registerStack(
        key: String,
        type: StackType = .custom,
        queue: QueueKey = .default,
        metadata: [String: String] = [:],
        options: CallOptions = CallOptions()
    ) async throws -> StacksResponse<Stack> {
        try StackSettings.check(key: key, type: type, queue: queue, metadata: metadata)
        let body = RegisterRequest.encode(key: key, type: type, queue: queue, metadata: metadata)
        return try await core.perform(
            core.target(.registerStack, stack: key), body: body, options: options, decode: Stack.read)
    }

    /// Ends a stack's registration. It is safe to repeat.
    ///
    /// - Parameters:
    ///   - key: The stack's key.
    ///   - options: Options of this call.
    /// - Returns: No value; the status is 204.
    /// - Throws: ``StacksAPIError``: ``StacksAPIError/Code/notFound`` when there is no such stack.
    @discardableResult
    public func deregisterStack(
        key: String,
        options: CallOptions = CallOptions()
    ) async throws -> StacksResponse<NoContent> {
        try Argument.check(stackKey: key, for: .deregisterStack)
        return try await core.perform(core.target(.deregisterStack, stack: key), options: options)
    }

    /// Ends a stack's registration.
    ///
    /// - Returns: What ``deregisterStack(key:options:)`` returns.
    /// - Throws: What ``deregisterStack(key:options:)`` throws.
    @available(*, deprecated, renamed: "deregisterStack(key:options:)")
    @discardableResult
    public func deregisterStack(
        _ key: String,
        options: CallOptions = CallOptions()
    ) async throws -> StacksResponse<NoContent> {
        try await deregisterStack(key: key, options: options)
    }
}

/// The body of a registration.
enum RegisterRequest {
    static func encode(key: String, type: StackType, queue: QueueKey, metadata: [String: String]) -> [UInt8] {
        // Sorted, so that the same registration always has the same bytes.
        let metadata = metadata.sorted { $0.key < $1.key }
        var capacity = 64 + JSONWriter.size(key) + JSONWriter.size(type.rawValue) + JSONWriter.size(queue.rawValue)
        for (key, value) in metadata { capacity += JSONWriter.size(key) + JSONWriter.size(value) + 2 }
        return JSONWriter.bytes(capacity: capacity) { writer in
            writer.raw(#"{"key":"#)
            writer.string(key)
            writer.raw(#","type":"#)
            writer.string(type.rawValue)
            writer.raw(#","queue_key":"#)
            writer.string(queue.rawValue)
            writer.raw(#","metadata":{"#)
            for (index, (key, value)) in metadata.enumerated() {
                if index > 0 { writer.raw(",") }
                writer.string(key)
                writer.raw(":")
                writer.string(value)
            }
            writer.raw("}}")
        }
    }
}
