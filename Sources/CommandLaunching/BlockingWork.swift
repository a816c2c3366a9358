import Dispatch

/// Threads for what blocks, so that it holds up none of those that tasks run on.
enum BlockingWork {
    /// Waits for children.
    static let children = DispatchQueue(label: "stacks.children")
    /// Opens files and starts processes, which a slow disk can keep for long. One after the other: what starting takes
    /// for a moment, descriptors above all, is taken once.
    private static let starting = DispatchQueue(label: "stacks.starting")

    /// Does `work` on the thread for starting.
    nonisolated(nonsending) static func start<Result: Sendable>(
        _ work: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            starting.async { continuation.resume(with: Swift.Result(catching: work)) }
        }
    }
}
