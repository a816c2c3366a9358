import Foundation
import StacksAPI
import StacksController
import Testing

@testable import CommandLaunching

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What keeps commands from being started, with a state directory and without: the same.
@Suite("A command that cannot be started is told apart from one that fails", .serialized, .timeLimit(.minutes(5)))
struct StartFailureTests {
    /// A file that is there and executable by its mode, and is no program here.
    enum Broken: String, CaseIterable, Sendable {
        case interpreterIsGone, loaderIsGone, empty, noScript, otherMachine

        func bytes() throws -> [UInt8] {
            switch self {
            case .interpreterIsGone: return Array("#!/nowhere/interpreter -x\n".utf8)
            case .empty: return []
            case .noScript: return Array("exit 0\n".utf8)
            case .loaderIsGone:
                // A program of this machine whose loader has another name.
                let program = try Data(contentsOf: URL(filePath: "/bin/sh").resolvingSymlinksInPath())
                guard let range = program.range(of: Data("/ld-".utf8)) ?? program.range(of: Data("/dyld".utf8)) else {
                    return []
                }
                return Array(program.replacingCharacters(in: range.lowerBound + 1))
            case .otherMachine:
                var program = try Array(
                    Data(contentsOf: URL(filePath: "/bin/sh").resolvingSymlinksInPath()).prefix(4096))
                program[18] ^= 0x55
                return program
            }
        }
    }

    #if os(Linux)
        @Test(
            "a file that the system cannot execute makes jobs wait, and not one of them fail",
            arguments: Broken.allCases, [false, true])
        func broken(kind: Broken, keepsState: Bool) async throws {
            try await CommandBed.withDirectory { directory in
                let path = "\(directory)/agent"
                try CommandBed.write(kind.bytes(), to: path)
                let launcher = try CommandBed.launcher([path, "hunter2"], in: directory, keepsState: keepsState)
                let error = await #expect(throws: LauncherUnavailable.self) {
                    try await launcher.launch(CommandBed.job)
                }
                #expect(error?.message.contains(path) == true)
                #expect(error?.message.contains("hunter2") == false && error?.message.contains("bkjat") == false)
                #expect(try CommandBed.records(in: directory) == [])
                // As soon as it is whole again it is started.
                try CommandBed.write("#!/bin/sh\nexit 5\n".utf8, to: path)
                #expect(try await CommandBed.launchAtLast(launcher) == JobExit(status: 5))
            }
        }

        @Test("a program of the machine's 32-bit predecessor is the kernel's to judge")
        func predecessor() async throws {
            try await CommandBed.withDirectory { directory in
                var program = try Array(Data(contentsOf: URL(filePath: "/bin/sh").resolvingSymlinksInPath()).prefix(64))
                program[4] = 1
                try CommandBed.write(program, to: "\(directory)/same")
                #expect(ExecutableFormat.trouble(with: "\(directory)/same") == nil)
                #if arch(x86_64)
                    program[18] = 3
                #elseif arch(arm64)
                    program[18] = 40
                #endif
                try CommandBed.write(program, to: "\(directory)/predecessor")
                #expect(ExecutableFormat.trouble(with: "\(directory)/predecessor") == nil)
                program[5] ^= 3
                try CommandBed.write(program, to: "\(directory)/order")
                #expect(ExecutableFormat.trouble(with: "\(directory)/order") != nil)
            }
        }

        @Test("a program that is being written is waited for", arguments: [false, true])
        func busy(keepsState: Bool) async throws {
            try await CommandBed.withDirectory { directory in
                let path = "\(directory)/agent"
                try CommandBed.write(Data(contentsOf: URL(filePath: "/bin/sh").resolvingSymlinksInPath()), to: path)
                let launcher = try CommandBed.launcher([path, "-c", "exit 6"], in: directory, keepsState: keepsState)
                let writer = open(path, O_WRONLY | O_CLOEXEC)
                await #expect(throws: LauncherUnavailable.self) { try await launcher.launch(CommandBed.job) }
                close(writer)
                #expect(try await CommandBed.launchAtLast(launcher) == JobExit(status: 6))
                #expect(try CommandBed.records(in: directory) == [])
            }
        }
    #endif

    @Test(
        "a command that ends with a status that shells have for their own trouble has failed itself",
        arguments: [1, 2, 126, 127, 255] as [Int], [false, true])
    func ownStatus(status: Int, keepsState: Bool) async throws {
        try await CommandBed.withDirectory { directory in
            let launcher = try CommandBed.launcher(
                ["sh", "-c", "exit \(status)"], in: directory, keepsState: keepsState)
            #expect(try await launcher.launch(CommandBed.job) == JobExit(status: status))
        }
    }

    @Test("without descriptors nothing is started and nothing failed, and all goes on when there are some again")
    func noDescriptors() async {
        for keepsState in [false, true] {
            await #expect(processExitsWith: .success) { [keepsState = keepsState as Bool] in
                try await CommandBed.withDirectory { directory in
                    let launcher = try CommandBed.launcher(
                        ["sh", "-c", "exit 3"], in: directory, keepsState: keepsState)
                    guard try await launcher.launch(CommandBed.job).status == 3 else { exit(1) }
                    var limit = rlimit()
                    getrlimit(CommandBed.descriptors, &limit)
                    limit.rlim_cur = 128
                    setrlimit(CommandBed.descriptors, &limit)
                    var taken: [Int32] = []
                    // With none left, and with one or two less than are needed.
                    while case let number = open("/dev/null", O_RDONLY), number >= 0 { taken.append(number) }
                    for _ in 0..<2 {
                        do {
                            _ = try await launcher.launch(CommandBed.job)
                            if !taken.isEmpty { exit(2) }
                        } catch is LauncherUnavailable {
                        } catch {
                            exit(3)
                        }
                        if let number = taken.popLast() { close(number) }
                    }
                    for number in taken { close(number) }
                    guard try await launcher.launch(CommandBed.job).status == 3 else { exit(4) }
                    guard try CommandBed.records(in: directory).isEmpty else { exit(5) }
                }
            }
        }
    }

    @Test("what is too long for the system is the trouble of its job alone", arguments: [false, true])
    func tooLong(keepsState: Bool) async throws {
        try await CommandBed.withDirectory { directory in
            let launcher = try CommandBed.launcher(["sh", "-c", "exit 3"], in: directory, keepsState: keepsState)
            var job = CommandBed.job
            job.acquisitionToken = Secret(String(repeating: "t", count: 4 << 20))
            let error = await #expect(throws: CommandLaunchError.self) { try await launcher.launch(job) }
            #expect(error?.description.contains("\(4 << 20)") == true)
            let name = JobID(String(repeating: "long-", count: 100))
            let named = LaunchedJob(scheduled: ScheduledJob(id: name), acquisitionToken: Secret("t"))
            #expect(try await launcher.launch(named) == JobExit(status: 3))
            #expect(try CommandBed.records(in: directory) == [])
        }
    }

    #if os(Linux)
        @Test("commands get the limit on descriptors that they are to have, and this process keeps its own")
        func descriptorLimit() async throws {
            try await CommandBed.withDirectory { directory in
                var configuration = CommandLauncher.Configuration()
                configuration.output = .files(directory: directory)
                configuration.descriptorLimit = 77
                // It is set a moment after the start.
                let script = "until [ $(ulimit -Sn) = 77 ]; do sleep 0.01; done; exit 8"
                let launcher = try CommandLauncher(command: ["sh", "-c", script], configuration: configuration)
                #expect(try await launcher.launch(CommandBed.job) == JobExit(status: 8))
                var limit = rlimit()
                getrlimit(CommandBed.descriptors, &limit)
                #expect(limit.rlim_cur != 77)
            }
        }
    #endif
}

extension Data {
    /// The same with another character there.
    fileprivate func replacingCharacters(in index: Int) -> Data {
        var copy = self
        copy[index] = UInt8(ascii: "X")
        return copy
    }
}
