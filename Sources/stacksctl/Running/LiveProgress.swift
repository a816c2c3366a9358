import StacksController
import UnixSignals

/// Shows the status of a run's stacks on a terminal, in one line.
struct LiveProgress {
    private static let interval = Duration.milliseconds(250)

    let fleet: StackFleet
    /// The slots that the stacks share, if they do.
    let slots: SlotPool?
    let terminal: Terminal

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
            terminal.paint(line)
            try? await Task.sleep(for: Self.interval)
        }
        terminal.clear()
    }

    /// Repaints when the terminal's size changes.
    private func repaint() async {
        for await _ in await UnixSignalsSequence(trapping: .sigwinch) { terminal.repaint() }
    }

    private var line: String {
        let stacks = fleet.controllers.map { (key: $0.stackKey, status: $0.status) }
        if stacks.count == 1, let only = stacks.first { return Self.line(for: only.status, stack: only.key) }
        let shared = slots.flatMap { $0.slots < SlotPool.maximumSlots ? $0 : nil }
        return Self.line(for: stacks, slots: shared.map { ($0.used, $0.slots) })
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

    /// Several stacks: what they come to together, then each that has something to say.
    static func line(
        for stacks: [(key: String, status: ControllerStatus)], slots: (used: Int, all: Int)?
    ) -> String {
        func sum(_ value: (ControllerStatus) -> Int) -> Int { stacks.reduce(0) { $0 + value($1.status) } }
        var parts = ["\(stacks.count) stacks"]
        if let slots { parts.append("\(slots.used)/\(slots.all) slots") }
        parts.append("\(sum { $0.current.inFlight }) in flight (\(sum { $0.current.running }) running)")
        parts.append("\(sum { $0.current.waiting }) waiting")
        parts.append("\(sum { $0.totals.finished }) finished")
        let failed = sum { $0.totals.failed }
        if failed > 0 { parts.append("\(failed) failed") }
        for (key, status) in stacks {
            let isOrdinary = [nil, .full, .nothingScheduled].contains(status.idleReason)
            if status.phase != .running {
                parts.append("\(key): \(status.phase.rawValue)")
            } else if !isOrdinary, let reason = status.idleReason {
                parts.append("\(key): \(reason)")
            }
        }
        return parts.joined(separator: " · ")
    }
}
