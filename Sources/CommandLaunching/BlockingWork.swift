import Dispatch

/// Threads for work that blocks, so that it blocks none of the threads that tasks run on.
enum BlockingWork {
    /// For waiting for children.
    static let children = DispatchQueue(label: "stacks.children")
    /// For keeping jobs' logs within their limits.
    static let logs = DispatchQueue(label: "stacks.logs")
    /// For opening files and starting processes, which can take long on a slow disk. One start at a time, so that the
    /// descriptors that a start needs for a moment are needed once.
    private static let starting = DispatchQueue(label: "stacks.starting")

    /// Runs `work` on the thread for starting.
    nonisolated(nonsending) static func start<Result: Sendable>(
        _ work: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            starting.async { continuation.resume(with: Swift.Result(catching: work)) }
        }
    }
}
