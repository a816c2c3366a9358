import NIOCore
import StacksController

/// Makes the documents that change: one at a time, on the thread of the server's connections, so that however many clients
/// ask, they cost the controllers no more than one thread and a question now and then.
///
/// A document is kept for a moment: who asks again in it gets the same one.
actor StatusDocuments {
    /// How long a document is good.
    private static let freshness = Duration.milliseconds(500)
    /// How long a controller has to say what its jobs are.
    private static let patience = Duration.seconds(2)
    /// How many different documents are kept.
    private static let mostKept = 8

    private struct Kept {
        var bytes: ByteBuffer
        var madeAt: ContinuousClock.Instant
    }

    private let subject: StatusSubject
    private let executor: any SerialExecutor
    private var statuses: [StatusQuery: Kept] = [:]
    private var exposition: Kept?

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(_ subject: StatusSubject, on loop: any EventLoop) {
        self.subject = subject
        executor = loop.executor
    }

    /// What `/metrics` says.
    func metrics() -> ByteBuffer {
        if let exposition, exposition.madeAt.duration(to: .now) < Self.freshness { return exposition.bytes }
        let controllers = subject.controllers
        subject.observation.updateGauges(of: controllers, slots: subject.slots)
        let text = ExpositionText(
            subject.observation.metrics.families, stacks: Set(controllers.map(\.stackKey)))
        let made = Kept(bytes: ByteBuffer(bytes: text.bytes), madeAt: .now)
        exposition = made
        return made.bytes
    }

    /// What `/status` says.
    func status(_ query: StatusQuery) async -> ByteBuffer {
        if let kept = fresh(query) { return kept }
        var stacks: [StatusDocument.Stack] = []
        for controller in subject.controllers {
            stacks.append(.init(controller: controller, jobs: await Self.jobs(of: controller)))
        }
        // Somebody else may have asked meanwhile.
        if let kept = fresh(query) { return kept }
        let document = StatusDocument(subject: subject, stacks: stacks, query: query)
        let made = Kept(bytes: ByteBuffer(bytes: document.bytes), madeAt: .now)
        statuses = statuses.filter { $0.value.madeAt.duration(to: .now) < Self.freshness }
        if statuses.count >= Self.mostKept { statuses = [:] }
        statuses[query] = made
        return made.bytes
    }

    private func fresh(_ query: StatusQuery) -> ByteBuffer? {
        guard let kept = statuses[query], kept.madeAt.duration(to: .now) < Self.freshness else { return nil }
        return kept.bytes
    }

    /// The jobs of a controller, or `nil` when it takes too long to say.
    private static func jobs(of controller: StackController) async -> ControllerJobs? {
        await withTaskGroup(of: ControllerJobs?.self) { group in
            group.addTask { await controller.jobs() }
            group.addTask {
                try? await Task.sleep(for: patience)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }
}
