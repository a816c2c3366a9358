/// Checks what a whole stack is set to, as the operations that it will call would, before the first of them is called.
package enum StackSettings {
    /// - Throws: ``StacksAPIError/Code/invalidArgument``, naming the value and its limit.
    package static func check(
        key: String, type: StackType, queue: QueueKey, metadata: [String: String]
    ) throws(StacksAPIError) {
        try Argument.check(stackKey: key, for: .registerStack)
        try Argument.check(stackType: type, for: .registerStack)
        try Argument.check(queue: queue, for: .registerStack)
        try Argument.check(metadata: metadata, for: .registerStack)
    }

    /// - Throws: ``StacksAPIError/Code/invalidArgument``, naming the value and its limit.
    package static func check(reservationExpiry: Duration, tokenLifetime: Duration?) throws(StacksAPIError) {
        _ = try Argument.seconds(reservationExpiry, named: "reservation expiry", for: .reserveJobs)
        _ = try Argument.seconds(tokenLifetime, named: "token lifetime", for: .issueJobAcquisitionTokens)
    }
}
