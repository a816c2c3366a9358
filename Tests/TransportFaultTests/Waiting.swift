/// Comes back when `condition` holds. It asks again and again, giving way to the other tasks: the test's own time limit
/// ends it if it never holds.
func wait(until condition: () throws -> Bool) async throws {
    while try !condition() {
        try Task.checkCancellation()
        try await Task.sleep(for: .milliseconds(1))
    }
}

/// How long `body` takes.
func duration(_ body: () async throws -> Void) async rethrows -> Duration {
    let start = ContinuousClock.now
    try await body()
    return ContinuousClock.now - start
}
