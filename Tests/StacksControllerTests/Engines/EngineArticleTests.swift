#if os(Linux)
    import CommandLaunching
    import Foundation
    import StacksAPI
    import StacksController
    import Testing

    @Suite("The articles about engines", .timeLimit(.minutes(5)))
    struct EngineArticleTests {
        private static let articles = Set(EngineRecipe.printed.map(\.article)).subtracting([
            "Engines", "EngineMachines",
        ]).sorted()

        @Test("every file is printed whole by the article that is about it")
        func whole() throws {
            for (article, file, language) in EngineRecipe.printed {
                let blocks = try EngineRecipe.blocks(language, of: article)
                #expect(blocks.contains(try EngineRecipe.text(file)), "\(article) does not print \(file) as it is")
            }
        }

        @Test("every file that is installed is printed")
        func all() throws {
            let files = try FileManager.default.contentsOfDirectory(atPath: EngineRecipe.directory.path)
            #expect(Set(files) == Set(EngineRecipe.printed.map(\.file)))
        }

        @Test("recipes are executable, and what they source is beside them")
        func executable() throws {
            for file in EngineRecipe.printed.map(\.file) where file.hasPrefix("run-") {
                #expect(FileManager.default.isExecutableFile(atPath: EngineRecipe.path(file)), "\(file)")
                let text = try EngineRecipe.text(file)
                #expect(
                    text.hasPrefix("#!/bin/sh\n") && text.contains("functions=${0%/*}/engine-functions\n"), "\(file)")
            }
        }

        @Test("every article says how token, cancellation, exit status and the controller's death travel")
        func documented() throws {
            for article in Self.articles {
                let text = try EngineRecipe.article(article)
                for row in ["Token", "Cancellation", "Exit status", "The controller dies"] {
                    #expect(text.contains("\n| \(row) | "), "\(article): \(row)")
                }
            }
        }

        @Test("the article of contents has a row for every engine, which says whether it was run")
        func rows() throws {
            let lines = try EngineRecipe.article("Engines").split(separator: "\n")
            for article in Self.articles {
                let row = try #require(lines.first { $0.hasPrefix("| <doc:\(article)> |") }, "\(article)")
                let run = row.split(separator: "|").last.map { $0.lowercased() } ?? ""
                #expect(
                    ["run for real", "held to its description", "stand-in"].contains { run.contains($0) }, "\(row)")
            }
        }

        @Test(
            "what is no UUID starts nothing and gives the job back",
            arguments: EngineRecipe.printed.map(\.file).filter { $0.hasPrefix("run-") },
            ["", "x", "01989c5e-0000-7000-8000-00000000000a; touch pwned", "--help", "../../x"])
        func noUUID(recipe: String, id: String) async throws {
            let programs = ["srun", "sinfo", "kubectl", "nomad", "curl", "tart", "orchard", "ssh"].map { ($0, "") }
            try await EngineBed.use(programs: Dictionary(uniqueKeysWithValues: programs)) { bed in
                try bed.write("mac-1 1\n", to: "hosts")
                let arguments = [
                    "run-by-ssh": [bed.path("hosts"), bed.path("slots")],
                    "run-in-tart": [bed.path("slots"), "default=x"],
                    "run-in-orchard": [bed.path("slots"), "default=x"],
                ]
                let job = LaunchedJob(scheduled: ScheduledJob(id: JobID(id)), acquisitionToken: Secret("t"))
                let exit = try await bed.launcher(recipe, arguments[recipe] ?? []).launch(job)
                #expect(exit.status == 75)
                #expect(!bed.has("calls") && !bed.has("slots") && !bed.has("pwned"))
            }
        }

        @Test("each setting of a recipe is in its article")
        func settings() throws {
            var names: Set<Substring> = []
            for (article, file, _) in EngineRecipe.printed where file.hasPrefix("run-") {
                let prose = try EngineRecipe.article(article).components(separatedBy: "## The recipe")[0]
                for match in try EngineRecipe.text(file).matches(of: /STACKS_(?!JOB_)[A-Z_]+/) {
                    names.insert(match.output)
                    #expect(prose.contains("`\(match.output)"), "\(match.output)")
                }
            }
            #expect(names == Set(EngineRecipe.numbers.map { $0.name[...] } + ["STACKS_POD_MANIFEST"]))
        }

        @Test(
            "a setting that is no number, or out of range, is said with the value and the limits, and gives jobs back",
            arguments: EngineRecipe.numbers.map(\.name))
        func numbers(name: String) async throws {
            let (_, least, most) = try #require(EngineRecipe.numbers.first { $0.name == name })
            let recipe = ["TART": "run-in-tart", "ORCHARD": "run-in-orchard", "SSH": "run-by-ssh"][
                name.split(separator: "_")[1]]
            for value in [
                "x", "-1", " 1", "1 ", "1.5", "08", "1;touch pwned", "99999", "100000", "99999999999999999999",
            ] {
                try await EngineBed.use(programs: [:]) { bed in
                    let launcher = try bed.launcher(try #require(recipe), [], environment: [name: value])
                    let words = "\(name) is '\(value)', and not a whole number from \(least) to \(most)\n"
                    try await bed.expectNoStart(launcher, saying: words)
                    #expect(!bed.has("pwned"))
                }
            }
            // These are good: what is said is the next thing that is wrong.
            for value in [least, most] {
                try await EngineBed.use(programs: [:]) { bed in
                    let launcher = try bed.launcher(try #require(recipe), [], environment: [name: "\(value)"])
                    try await bed.expectNoStart(launcher, saying: ": usage: ")
                }
            }
        }
    }
#endif
