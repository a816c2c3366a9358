import StacksController

/// The stacks that a run no longer has.
struct FormerStacks {
    let isDryRun: Bool
    /// Those that may still drain.
    private var draining: [RunningStacks.Stack] = []
    /// What became of the others, so that a run does not grow with each change of its file.
    private var ended: [StackReport] = []

    init(isDryRun: Bool) { self.isDryRun = isDryRun }

    var reports: [StackReport] { ended + draining.map { $0.report(isDryRun: isDryRun) } }

    mutating func add(_ stacks: [RunningStacks.Stack]) {
        let before = draining
        draining = stacks
        for stack in before {
            if stack.controller.status.phase == .ended {
                ended.add(stack.report(isDryRun: isDryRun))
            } else {
                draining.append(stack)
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
