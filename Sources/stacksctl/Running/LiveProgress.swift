import StacksController
import UnixSignals

/// Shows the status of a controller on a terminal, in one line.
struct LiveProgress {
    private static let interval = Duration.milliseconds(250)

    let controller: StackController
    let terminal: Terminal
    let stack: String

    /// Runs `body`, and paints meanwhile.
    func during(_ body: () async throws -> Void) async throws {
        async let _: Void = paint()
        async let _: Void = repaint()
        // Leaving the scope, with an error too, cancels the painting and waits for it.
        try await body()
    }

    /// Paints until the task is cancelled, then removes the line.
    private func paint() async {
        while !Task.isCancelled {
            terminal.paint(Self.line(for: controller.status, stack: stack))
            try? await Task.sleep(for: Self.interval)
        }
        terminal.clear()
    }

    /// Repaints when the terminal's size changes.
    private func repaint() async {
        for await _ in await UnixSignalsSequence(trapping: .sigwinch) { terminal.repaint() }
    }

    /// The most important parts come first, because a narrow terminal crops the line.
    static func line(for status: ControllerStatus, stack: String) -> String {
        let (now, sum) = (status.current, status.totals)
        var parts = ["\(stack) \(status.phase.rawValue)"]
        parts.append("\(now.inFlight)/\(status.slots) in flight (\(now.running) running)")
        parts.append(status.waitingText)
        parts.append("\(sum.finished) finished")
        if sum.failed > 0 { parts.append("\(sum.failed) failed") }
        if sum.cancelled > 0 { parts.append("\(sum.cancelled) cancelled") }
        if now.unresponsive > 0 { parts.append("\(now.unresponsive) unresponsive") }
        if let oldest = status.oldestWaiting { parts.append("oldest \(oldest.waited.components.seconds) s") }
        if status.phase == .running, let age = status.sinceLastPoll, age >= .seconds(5) {
            parts.append("polled \(age.components.seconds) s ago")
        }
        if let wait = status.retriesIn { parts.append("retries in \(wait.components.seconds) s") }
        if let idleReason = status.idleReason, status.phase == .running { parts.append("\(idleReason)") }
        return parts.joined(separator: " · ")
    }
}
