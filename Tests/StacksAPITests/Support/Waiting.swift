/// Comes back when `condition` holds. It asks again and again, giving way to the other tasks: the test's own time limit
/// ends it if it never holds.
func wait(until condition: () throws -> Bool) async throws {
    while try !condition() { try await Task.sleep(for: .milliseconds(1)) }
}
