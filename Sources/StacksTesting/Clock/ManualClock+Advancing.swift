extension ManualClock {
    /// Runs `body`, and meanwhile advances the clock from one sleeper's deadline to the next, so that an hour on the clock
    /// takes moments.
    ///
    /// Use it for code that sleeps repeatedly, a whole `StackController` for example, which would wait forever on a clock
    /// that is not advanced. Pass the clock to everything that takes part: the simulator, its transport, the client and the
    /// controller.
    ///
    /// The tasks that a step wakes have the real time `pause` to work before the clock advances again. On a busy machine,
    /// that can be too short, so that a timeout on this clock passes too early. A test must not depend on one.
    ///
    /// - Parameters:
    ///   - pause: The real time between two steps. 1 ms by default.
    ///   - body: Runs while the clock advances.
    /// - Returns: The result of `body`.
    /// - Throws: The error of `body`.
    public nonisolated(nonsending) func advancing<Result>(
        pausing pause: Duration = .milliseconds(1),
        while body: nonisolated(nonsending) () async throws -> Result
    ) async rethrows -> Result {
        // Cancelled and awaited when `body` has ended.
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
