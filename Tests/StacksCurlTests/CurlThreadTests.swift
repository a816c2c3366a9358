import Foundation
import Synchronization
import Testing

@testable import StacksCurl

@Suite("The I/O thread", .timeLimit(.minutes(5)))
struct CurlThreadTests {
    private final class Progress: Sendable {
        let hasEnded = Atomic(false)
        let joining = Atomic(0)
        /// How many joins have returned, and how many of them before the thread ended.
        let returned = Atomic(0)
        let early = Atomic(0)
    }

    @Test("concurrent joins return after the thread has ended")
    func joinTwice() async throws {
        let progress = Progress()
        let mayEnd = DispatchSemaphore(value: 0)
        let thread = try CurlThread(named: "test") {
            mayEnd.wait()
            progress.hasEnded.store(true, ordering: .sequentiallyConsistent)
        }
        for _ in 0..<2 {
            // Separate threads, because `join` blocks.
            Thread.detachNewThread {
                progress.joining.add(1, ordering: .sequentiallyConsistent)
                thread.join()
                let isEarly = !progress.hasEnded.load(ordering: .sequentiallyConsistent)
                progress.early.add(isEarly ? 1 : 0, ordering: .sequentiallyConsistent)
                progress.returned.add(1, ordering: .sequentiallyConsistent)
            }
        }
        func wait(until condition: () -> Bool) async throws {
            while !condition() { try await Task.sleep(for: .milliseconds(1)) }
        }
        try await wait { progress.joining.load(ordering: .sequentiallyConsistent) == 2 }
        // Time for a join that does not wait to return. A join that waits cannot return before the end, however long it takes.
        for _ in 0..<20 where progress.returned.load(ordering: .sequentiallyConsistent) == 0 {
            try await Task.sleep(for: .milliseconds(1))
        }
        mayEnd.signal()
        try await wait { progress.returned.load(ordering: .sequentiallyConsistent) == 2 }
        #expect(progress.early.load(ordering: .sequentiallyConsistent) == 0)
    }
}
