import Foundation
import SimulatorProcess
import Testing

@Suite("The simulator's process", .timeLimit(.minutes(1)))
struct LifecycleTests {
    @Test("a signal ends it with exit status 0 and takes the CA file away", arguments: [SIGTERM, SIGINT])
    func stops(signal: Int32) async throws {
        let simulator = try await SimulatorProcess.start(["--tls"])
        let caFile = try #require(simulator.ready.caFile)
        #expect(FileManager.default.fileExists(atPath: caFile))
        #expect(try await simulator.stop(signal: signal) == 0)
        #expect(!FileManager.default.fileExists(atPath: caFile))
        #expect(simulator.errorText.contains("for tests only"))
    }
}
