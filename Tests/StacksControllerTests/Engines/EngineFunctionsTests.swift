import Foundation
import TestServers
import Testing

#if os(Linux)
    @Suite("What the recipes for engines share", .timeLimit(.minutes(5)))
    struct EngineFunctionsTests {
        /// The exit status of a script of functions that a recipe sources.
        private func status(of script: String, in bed: EngineBed, shell: String = "/bin/sh") async throws -> Int32 {
            let sources = ["engine-functions", "machine-functions"].map { ". '\(EngineRecipe.path($0))'\n" }.joined()
            let shell = try ChildProcess(
                URL(fileURLWithPath: shell), ["-c", sources + "job=x\n" + script], environment: bed.environment,
                input: [])
            return try await shell.outcome().exitStatus
        }

        @Test(
            "a lock on a file that was deleted, or replaced, after it was opened is none",
            arguments: ["flock", "perl"], ["", "touch \"$BED/slot\"; "])
        func deleted(program: String, more: String) async throws {
            try await EngineBed.use(programs: [:]) { bed in
                try bed.remove(program: "flock")
                try bed.add(tool: program)
                let take = "take \"$BED/slot\""
                #expect(try await status(of: take, in: bed) == 0)
                let real = try FileManager.default.destinationOfSymbolicLink(atPath: bed.path("bin/\(program)"))
                try bed.remove(program: program)
                try bed.add(program: program, "rm -f \"$BED/slot\"; \(more)exec \(real) \"$@\"")
                #expect(try await status(of: take, in: bed) == 1)
            }
        }

        @Test("a lock is one recipe's at a time, and free when that has ended, however", arguments: ["flock", "perl"])
        func lock(program: String) async throws {
            try await EngineBed.use(programs: [:]) { bed in
                try bed.remove(program: "flock")
                try bed.add(tool: program)
                let again = "(take \"$BED/slot\") && exit 3; kill -KILL $$"
                #expect(try await status(of: "take \"$BED/slot\" && { \(again); }", in: bed) == 137)
                #expect(try await status(of: "take \"$BED/slot\" && take \"$BED/other\"", in: bed) == 0)
            }
        }

        @Test(
            "a command that is done within its limit has its status, and one that is not is killed",
            arguments: ["/bin/dash", "/bin/bash"])
        func within(shell: String) async throws {
            try await EngineBed.use(programs: [:]) { bed in
                for number in [0, 3, 75] {
                    #expect(try await status(of: "within 600 sh -c 'exit \(number)'", in: bed, shell: shell) == number)
                }
                let hangs = "within 1 sh -c 'trap \"\" TERM; while [ -d $BED ]; do sleep 0.02; done'"
                #expect(try await status(of: hangs, in: bed, shell: shell) == 137)
                try await wait { try bed.processes().isEmpty }
            }
        }

        @Test(
            "a recipe that ends by a signal ends what it waits for, even if the signal is its alone",
            arguments: ["/bin/dash", "/bin/bash"])
        func endsWaits(shell: String) async throws {
            try await EngineBed.use(programs: [:]) { bed in
                // The alarm of `within` sleeps for seconds.
                try bed.remove(program: "sleep")
                try bed.add(program: "sleep", #"[ "$1" != 1 ] || printf x >>"$BED/slept"; exec /bin/sleep 0.02"#)
                let script = #"""
                    clean_up() { echo >"$BED/cleaned"; }
                    cleans_up
                    (
                        until [ -s "$BED/slept" ] && [ "$(cat "$BED/slept")" != x ]; do sleep 0.02; done
                        kill -TERM "$$"
                    ) &
                    within 600 sh -c 'while [ -d "$BED" ]; do sleep 0.02; done'
                    """#
                #expect(try await status(of: script, in: bed, shell: shell) == 143)
                #expect(bed.has("cleaned"))
                try await wait { try bed.processes().isEmpty }
            }
        }
    }
#endif
