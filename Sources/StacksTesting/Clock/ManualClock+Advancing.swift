extension ManualClock {
    /// Runs `body`, and meanwhile moves the clock from one sleeper's deadline to the next: what takes an hour on the clock
    /// takes moments.
    ///
    /// It is for code that sleeps again and again, such as a whole `StackController`, which would wait forever on a clock
    /// that stands still. Give the clock to everything that takes part: the simulator, its transport, the client and the
    /// controller.
    ///
    /// The tasks that a step wakes have the real time `pause` for their work before the clock moves on. On a busy machine
    /// that can be too short, so that time-outs on this clock can strike early: let none decide the test.
    ///
    /// - Parameters:
    ///   - pause: The real time between two steps. 1 ms by default.
    ///   - body: What is to run while the clock moves.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws.
    public nonisolated(nonsending) func advancing<Result>(
        pausing pause: Duration = .milliseconds(1),
        while body: nonisolated(nonsending) () async throws -> Result
    ) async rethrows -> Result {
        // Cancelled, and waited for, when the body is over.
        async let _: Void = advance(pausing: pause)
        return try await body()
    }

    private func advance(pausing pause: Duration) async {
        while (try? await Task.sleep(for: pause)) != nil {
            guard let deadline = nextDeadline else { continue }
            advance(by: max(.zero, now.duration(to: deadline)))
        }
    }
}
