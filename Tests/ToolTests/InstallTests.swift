import Foundation
import TestServers
import Testing

/// What `Scripts/install` puts into a prefix, and takes away again. It is given the programs that were built with the
/// tests, so that nothing is built for release.
@Suite("The installation", .timeLimit(.minutes(10)))
struct InstallTests {
    /// A prefix of this test alone, which is removed at the end.
    private func withPrefix<Result>(_ body: (URL) async throws -> Result) async throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("install-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try await body(folder.appendingPathComponent("prefix"))
    }

    private func install(
        _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> ChildProcess.Outcome {
        let inherited = ProcessInfo.processInfo.environment
        return try await ChildProcess(
            Checkout.root.appendingPathComponent("Scripts/install"), arguments,
            environment: inherited.merging(environment) { $1 }, input: []
        ).outcome()
    }

    /// Where the built programs are.
    private var products: String {
        get throws { try BuiltProducts.executable(named: "stacksctl").deletingLastPathComponent().path }
    }

    /// Every file and link below a directory, by its path from there.
    private func files(_ directory: URL) -> Set<String> {
        let paths = FileManager.default.enumerator(atPath: directory.path)?.compactMap { $0 as? String } ?? []
        return Set(
            paths.filter {
                var isDirectory: ObjCBool = false
                let exists = FileManager.default.fileExists(
                    atPath: "\(directory.path)/\($0)", isDirectory: &isDirectory)
                return !exists || !isDirectory.boolValue
            })
    }

    private func text(_ file: URL) throws -> String { try String(contentsOf: file, encoding: .utf8) }

    @Test("has programs, completions, a page for each command, and the services, and can be repeated and removed")
    func whole() async throws {
        try await withPrefix { prefix in
            let first = try await install(["--prefix", prefix.path, "--from", products])
            #expect(first.exitStatus == 0, "\(first.errorText)")
            let installed = files(prefix)
            let commands = [
                "register", "deregister", "run", "list", "get", "reserve", "states", "tokens", "finish", "notify",
                "whoami", "version",
            ]
            let recipes = try FileManager.default.contentsOfDirectory(
                atPath: Checkout.root.appendingPathComponent("Sources/StacksCommandLauncher/Engines").path)
            #expect(recipes.contains("run-in-pod") && recipes.contains("engine-functions"))
            let expected =
                ["stacksctl", "stacks-simulator"].flatMap { tool in
                    [
                        "bin/\(tool)", "share/man/man1/\(tool).1", "share/bash-completion/completions/\(tool)",
                        "share/zsh/site-functions/_\(tool)", "share/fish/vendor_completions.d/\(tool).fish",
                    ]
                } + commands.map { "share/man/man1/stacksctl-\($0).1" }
                + ["buildkite-stack.service", "com.example.stack.plist", "manifest"].map {
                    "share/doc/stacks-api/\($0)"
                } + recipes.map { "libexec/stacks-api/engines/\($0)" }
            #expect(installed == Set(expected))
            for recipe in recipes {
                let file = prefix.appendingPathComponent("libexec/stacks-api/engines/\(recipe)").path
                #expect(FileManager.default.isExecutableFile(atPath: file) == recipe.hasPrefix("run-"), "\(recipe)")
            }

            let stacksctl = prefix.appendingPathComponent("bin/stacksctl")
            let version = try await ChildProcess(stacksctl, ["version"], environment: [:], input: []).outcome()
            #expect(version.exitStatus == 0, "\(version.errorText)")
            try await lint(prefix.appendingPathComponent("share/man/man1"))
            try await verify(prefix.appendingPathComponent("share/doc/stacks-api/buildkite-stack.service"), prefix)

            // Once more: what an older version left goes, and a file is another one and not the old one with new
            // content.
            let manifest = prefix.appendingPathComponent("share/doc/stacks-api/manifest")
            try Data((text(manifest) + "bin/old\n../outside\n").utf8).write(to: manifest)
            let outside = prefix.deletingLastPathComponent().appendingPathComponent("outside")
            for file in [prefix.appendingPathComponent("bin/old"), outside] { try Data().write(to: file) }
            let number = try fileNumber(stacksctl)
            let second = try await install(["--prefix", prefix.path, "--from", products])
            #expect(second.exitStatus == 0, "\(second.errorText)")
            #expect(files(prefix) == installed)
            #expect(try fileNumber(stacksctl) != number)

            let removal = try await install(["--prefix", prefix.path, "--uninstall"])
            #expect(removal.exitStatus == 0, "\(removal.errorText)")
            #expect(!FileManager.default.fileExists(atPath: prefix.path))
            #expect(FileManager.default.fileExists(atPath: outside.path), "a line that leaves the prefix was followed")
        }
    }

    @Test("takes DESTDIR for packages, leaves alone what others put there, and removes only its own")
    func destination() async throws {
        try await withPrefix { destination in
            let environment = ["DESTDIR": destination.path + "/a b"]
            let root = destination.appendingPathComponent("a b/opt/stacks")
            let bin = root.appendingPathComponent("bin")
            try FileManager.default.createDirectory(at: bin, withIntermediateDirectories: true)
            let foreign = bin.appendingPathComponent("stacksctl")
            try Data("mine".utf8).write(to: foreign)
            let arguments = ["--prefix=/opt/stacks", "--from", try products]
            let refused = try await install(arguments, environment: environment)
            #expect(refused.exitStatus == 1 && refused.errorText.contains(foreign.path), "\(refused.errorText)")
            #expect(files(root) == ["bin/stacksctl"])

            let other = bin.appendingPathComponent("other")
            try FileManager.default.moveItem(at: foreign, to: other)
            let outcome = try await install(arguments, environment: environment)
            #expect(outcome.exitStatus == 0, "\(outcome.errorText)")
            let unit = try text(root.appendingPathComponent("share/doc/stacks-api/buildkite-stack.service"))
            #expect(unit.contains("ExecStart=/opt/stacks/bin/stacksctl run"))
            let removal = try await install(["--prefix=/opt/stacks", "--uninstall"], environment: environment)
            #expect(removal.exitStatus == 0, "\(removal.errorText)")
            #expect(files(root) == ["bin/other"])
            #expect(try FileManager.default.contentsOfDirectory(atPath: root.path) == ["bin"])
        }
    }

    @Test(
        "is refused with one sentence, before anything is built, where it cannot be or makes no sense",
        arguments: [
            (["--prefix", "/dev/null/stacks"], 1, "cannot be written to"),
            (["--prefix", "/tmp/a b"], 64, "'/tmp/a b'"),
            (["--prefix", "/tmp/../etc"], 64, "'/tmp/../etc'"),
            (["--prefix", ""], 64, "--prefix"),
            (["--prefix"], 64, "--prefix"),
            (["--prefx", "/tmp"], 64, "'--prefx'"),
            (["--from", "/nowhere"], 64, "/nowhere/stacksctl"),
            (["--from", "/usr/bin", "--dynamic"], 64, "--dynamic"),
            (["--uninstall", "--prefix", "/nowhere"], 1, "/nowhere"),
        ] as [([String], Int32, String)])
    func refusal(arguments: [String], status: Int32, sentence: String) async throws {
        try await withPrefix { prefix in
            let isPrefixGiven = arguments.contains { $0.hasPrefix("--prefix") }
            let outcome = try await install(arguments + (isPrefixGiven ? [] : ["--prefix", prefix.path]))
            #expect(outcome.exitStatus == status)
            #expect(outcome.errorText.hasPrefix("install: ") && outcome.errorText.contains(sentence))
            #expect(outcome.errorText.split(separator: "\n").count == 1, "\(outcome.errorText)")
            #expect(!FileManager.default.fileExists(atPath: prefix.path))
        }
    }

    /// The number of a file in its file system.
    private func fileNumber(_ file: URL) throws -> Int {
        try #require(try FileManager.default.attributesOfItem(atPath: file.path)[.systemFileNumber] as? Int)
    }

    /// Each page names its command and each of its options, and the formatters that there are find nothing wrong with it.
    private func lint(_ pages: URL) async throws {
        let run = try text(pages.appendingPathComponent("stacksctl-run.1"))
        for part in [
            ".Nd run stacks", ".Nm stacksctl Cm run", "Fl \\-max\\-in\\-flight", "Op Fl \\- Ar", ".Sh EXAMPLES",
        ] {
            #expect(run.contains(part), "\(part)")
        }
        let tool = try text(pages.appendingPathComponent("stacksctl.1"))
        for part in [".It Xr stacksctl-run 1", ".Ss Global options", "Fl \\-ca\\-file"] {
            #expect(tool.contains(part), "\(part)")
        }
        let paths = try FileManager.default.contentsOfDirectory(atPath: pages.path).map { "\(pages.path)/\($0)" }
        let linters = ["mandoc": ["-T", "lint", "-W", "warning"], "groff": ["-mdoc", "-Tutf8", "-ww", "-z"]]
        for (linter, options) in linters where SystemProgram.path(linter) != nil {
            let outcome = try await SystemProgram.run(linter, options + paths)
            #expect(outcome.exitStatus == 0, "\(linter)")
            #expect(outcome.text + outcome.errorText == "", "\(linter)")
        }
    }

    /// systemd, where there is one, finds nothing wrong with the unit as it is installed.
    private func verify(_ unit: URL, _ prefix: URL) async throws {
        #expect(try text(unit).contains("ExecStart=\(prefix.path)/bin/stacksctl run"))
        guard SystemProgram.path("systemd-analyze") != nil else { return }
        let outcome = try await SystemProgram.run("systemd-analyze", ["verify", unit.path])
        let said = outcome.errorText.split(separator: "\n").filter { $0.contains("buildkite-stack.service") }
        #expect(said.isEmpty, "\(said)")
    }
}
