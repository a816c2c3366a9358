import Foundation
import StacksAPI
import StacksController

@testable import CommandLaunching

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Launchers of real commands in a directory of their own, with a state directory and without.
enum CommandBed {
    static let job = LaunchedJob(
        scheduled: ScheduledJob(id: "01989c5e-0000-7000-8000-00000000000a"), acquisitionToken: Secret("bkjat_secret"))

    #if canImport(Glibc)
        static let descriptors = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        static let descriptors = RLIMIT_NOFILE
    #endif

    static func withDirectory<Result>(_ body: (String) async throws -> Result) async throws -> Result {
        let directory = FileManager.default.temporaryDirectory.appending(path: "start-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        return try await body(directory.path)
    }

    static func launcher(_ command: [String], in directory: String, keepsState: Bool) throws -> CommandLauncher {
        var configuration = CommandLauncher.Configuration()
        configuration.output = .files(directory: directory)
        if keepsState { configuration.stateDirectory = "\(directory)/state" }
        return try CommandLauncher(command: command, configuration: configuration)
    }

    /// Launches, as often as it takes: processes that other tests start at this moment hold for an instant what was open
    /// here, and a file that is open for writing cannot be executed.
    static func launchAtLast(_ launcher: CommandLauncher) async throws -> JobExit {
        while true {
            do { return try await launcher.launch(job) } catch is LauncherUnavailable { await Task.yield() }
        }
    }

    static func write(_ bytes: some Sequence<UInt8>, to path: String) throws {
        try Data(bytes).write(to: URL(filePath: path))
        chmod(path, 0o700)
    }

    static func records(in directory: String) throws -> [String] {
        guard FileManager.default.fileExists(atPath: "\(directory)/state") else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: "\(directory)/state").filter { $0 != "lock" }
    }
}
