import StacksController

/// The stacks that a run no longer has.
struct FormerStacks {
    /// Those that may still drain.
    private var draining: [(stack: RunningStacks.Stack, isDryRun: Bool)] = []
    /// What became of the others, so that a run does not grow with each change of its file.
    private var ended: [StackReport] = []

    var reports: [StackReport] { ended + draining.map { $0.stack.report(isDryRun: $0.isDryRun) } }

    mutating func add(_ stacks: [RunningStacks.Stack], isDryRun: Bool) {
        let before = draining
        draining = stacks.map { ($0, isDryRun) }
        for former in before {
            if former.stack.controller.status.phase == .ended {
                ended.add(former.stack.report(isDryRun: former.isDryRun))
            } else {
                draining.append(former)
            }
        }
    }
}

extension [StackReport] {
    /// Counts it with those that its stack had before.
    mutating func add(_ report: StackReport) {
        guard let index = firstIndex(where: { $0.stack == report.stack }) else { return append(report) }
        var report = report
        report.add(self[index])
        self[index] = report
    }
}
