import Foundation
import StacksAPI
import Synchronization
import Testing

@testable import CommandLaunching

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

@Suite("A process that was found is followed for as long as it holds its record", .timeLimit(.minutes(5)))
struct RecoveredProcessTests {
    @Test("one that cannot be stopped, because it has not said its number, is waited for all the same")
    func unstoppable() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "recovered-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let descriptor = open(directory.appending(path: "a.job").path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        #expect(flock(descriptor, LOCK_EX) == 0)
        #expect(write(descriptor, "job a\n", 6) == 6)
        let state = try StateDirectory(directory.path)
        #expect(try state.find() == ["a"])
        let file = try #require(state.take("a"))
        let hasEnded = Atomic(false)
        let follow = Task {
            let status = try await RecoveredProcess(file: file, gracePeriod: .zero).end()
            hasEnded.store(true, ordering: .sequentiallyConsistent)
            return status
        }
        follow.cancel()
        // Long enough for one that gives up to do so; one that waits cannot fail here, however slow it is.
        for _ in 0..<100 where !hasEnded.load(ordering: .sequentiallyConsistent) {
            try await Task.sleep(for: .milliseconds(1))
        }
        let gaveUp = hasEnded.load(ordering: .sequentiallyConsistent)
        #expect(!gaveUp)
        #expect(write(descriptor, "exit 7\n", 7) == 7)
        close(descriptor)
        #expect(try await follow.value == 7)
    }
}
