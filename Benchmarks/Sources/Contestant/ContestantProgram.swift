#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A contestant's program: the type that has `@main`.
///
/// Its `main` is not `async`. The first thread of such a program ends in `dispatch_main`, which calls `sigsuspend` with a mask
/// in constant memory. Valgrind 3.19 writes to the mask, and ends with an internal error.
package protocol ContestantProgram: SendableMetatype {
    /// What the program does: on its first thread until it waits for something, as an `async` `main` would, and then on any.
    /// Nothing of it may need the main actor.
    static func run() async throws
}

extension ContestantProgram {
    /// Runs ``run()`` while the first thread sleeps, and ends the process: with status 1 and a message on standard error
    /// if it throws.
    package static func main() {
        if #available(macOS 26, *) {
            Task.immediate { await runAndExit() }
        } else {
            Task { await runAndExit() }
        }
        while true { pause() }
    }

    private static func runAndExit() async -> Never {
        do {
            try await run()
        } catch {
            StandardStream.error.write("\(error)\n")
            exit(1)
        }
        exit(0)
    }
}
