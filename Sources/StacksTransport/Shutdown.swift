/// Runs `body`, and then `shutdown`, whether `body` returns or throws: `defer` cannot await.
///
/// - Returns: The result of `body`.
/// - Throws: The error of `body`.
package nonisolated(nonsending) func closing<Result>(
    with shutdown: nonisolated(nonsending) () async -> Void,
    after body: nonisolated(nonsending) () async throws -> Result
) async throws -> Result {
    do {
        let result = try await body()
        await shutdown()
        return result
    } catch {
        await shutdown()
        throw error
    }
}
