/// Makes calls and cancels a third of them after a random part of a call's duration, which is estimated from cancellations
/// that came too late, because it depends on the machine and its load.
struct RandomCancellation {
    struct Outcomes: Sendable {
        var succeeded = 0
        var cancelled = 0
        var failures: [String] = []
    }

    let calls: Int
    let concurrency: Int
    let seed: UInt64

    func run(_ call: @escaping @Sendable () async throws -> Void) async -> Outcomes {
        await withTaskGroup(of: Outcomes.self) { group in
            for worker in 0..<concurrency {
                let share = calls / concurrency + (worker < calls % concurrency ? 1 : 0)
                group.addTask { await work(share, seed: seed &+ UInt64(worker), call) }
            }
            return await group.reduce(into: Outcomes()) { total, part in
                total.succeeded += part.succeeded
                total.cancelled += part.cancelled
                total.failures += part.failures
            }
        }
    }

    private func work(
        _ share: Int, seed: UInt64, _ call: @escaping @Sendable () async throws -> Void
    ) async -> Outcomes {
        var outcomes = Outcomes()
        var random = seed
        var longest = 200
        for _ in 0..<share {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            // From before the call is posted until after its response: counted in yields, not in time.
            let yields = (random >> 33) % 3 == 0 ? Int(random >> 40) % longest : nil
            let task = Task { try await call() }
            if let yields {
                for _ in 0..<yields { await Task.yield() }
                task.cancel()
            }
            switch await task.result {
            case .success:
                outcomes.succeeded += 1
                if let yields { longest = max(1, yields) }
            case .failure(is CancellationError):
                outcomes.cancelled += 1
                longest = min(200, longest + longest / 4 + 1)
            case .failure(let error): outcomes.failures.append("\(error)")
            }
        }
        return outcomes
    }
}
