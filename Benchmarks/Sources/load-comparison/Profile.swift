import Foundation

/// Where the time of one competitor goes, function by function: `perf` looks while it makes its calls.
struct Profile {
    private let perf: URL
    private let demangler: URL?
    private let recording: URL

    /// - Throws: What to install, when `perf` is missing.
    init() throws {
        guard let perf = Program.find("perf") else {
            throw Program.Failure(
                description:
                    "perf is not installed: 'apt-get install linux-perf' on Debian, 'dnf install perf' on Fedora; "
                    + "on macOS use Instruments instead")
        }
        self.perf = perf
        demangler = Program.find("swift-demangle") ?? Program.find("swift")
        recording = FileManager.default.temporaryDirectory
            .appendingPathComponent("stacks-profile-\(UUID().uuidString.lowercased())")
    }

    /// Looks at a process while `body` keeps it busy.
    func record(_ identifier: Int32, while body: () throws -> Void) throws {
        let process = Process()
        process.executableURL = perf
        process.arguments = ["record", "-q", "-F", "1999", "-g", "-o", recording.path, "-p", "\(identifier)"]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        defer {
            if process.isRunning { process.interrupt() }
            process.waitUntilExit()
        }
        try body()
    }

    /// The functions by their share of the time: by themselves, and with what they call.
    func text() throws -> String {
        defer { try? FileManager.default.removeItem(at: recording) }
        let alone = try report(["--no-children"], lines: 45)
        let together = try report(["--children"], lines: 60)
        guard !alone.isEmpty else {
            throw Program.Failure(
                description: "perf saw nothing: may this user look at processes (perf_event_paranoid)?")
        }
        return "\nby itself  library, function\n\(alone)\nwith callees, by itself  library, function\n\(together)"
    }

    private func report(_ options: [String], lines: Int) throws -> String {
        let output = try Self.output(
            of: perf,
            [
                "report", "-q", "--stdio", "-i", recording.path, "-g", "none", "--sort", "dso,symbol",
                "--percent-limit", "0.3",
            ]
                + options)
        let shown = output.split(separator: "\n").filter { $0.contains("%") }.prefix(lines).joined(separator: "\n")
        guard let demangler else { return Self.tidied(shown) }
        let arguments = (demangler.lastPathComponent == "swift" ? ["demangle"] : []) + ["--simplified"]
        return Self.tidied(try Self.output(of: demangler, arguments, input: shown))
    }

    /// One line each, without the width that the mangled names took. Generic code has names of several hundred characters.
    private static func tidied(_ text: String) -> String {
        text.split(separator: "\n").map { line in
            let words = line.split(separator: " ")
            let shown = (words.last == "-" ? words.dropLast(2) : words[...]).joined(separator: " ")
            return "  " + (shown.count > 150 ? shown.prefix(150) + "…" : shown) + "\n"
        }.joined()
    }

    /// What a program prints. The input goes by a file, so that neither side waits for the other.
    private static func output(of program: URL, _ arguments: [String], input: String = "") throws -> String {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("stacks-profile-\(UUID().uuidString)")
        try Data(input.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        let pipe = Pipe()
        process.executableURL = program
        process.arguments = arguments
        process.standardInput = try FileHandle(forReadingFrom: file)
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }
}
