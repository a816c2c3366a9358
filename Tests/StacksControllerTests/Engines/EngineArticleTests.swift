#if os(Linux)
    import CommandLaunching
    import Foundation
    import StacksAPI
    import StacksController
    import Testing

    @Suite("The articles about engines", .timeLimit(.minutes(5)))
    struct EngineArticleTests {
        /// Each article, and the files that it prints whole, with the language of their blocks.
        private static let printed: [(article: String, file: String, language: String)] = [
            ("Engines", "engine-functions", "sh"),
            ("EngineSlurm", "run-in-slurm", "sh"),
            ("EngineKubernetes", "run-in-pod", "sh"), ("EngineKubernetes", "buildkite-agent.pod.yaml", "yaml"),
            ("EngineNomad", "run-in-nomad", "sh"), ("EngineNomad", "buildkite-agent.nomad", "hcl"),
            ("EngineTart", "run-in-tart", "sh"), ("EngineOrchard", "run-in-orchard", "sh"),
            ("EngineSSH", "run-by-ssh", "sh"), ("EngineSSH", "machine-functions", "sh"),
        ]

        private static let articles = Set(printed.map(\.article)).subtracting(["Engines"]).sorted()

        @Test("every file is printed whole by the article that is about it")
        func whole() throws {
            for (article, file, language) in Self.printed {
                let blocks = try EngineRecipe.blocks(language, of: article)
                #expect(blocks.contains(try EngineRecipe.text(file)), "\(article) does not print \(file) as it is")
            }
        }

        @Test("every file that is installed is printed")
        func all() throws {
            let files = try FileManager.default.contentsOfDirectory(atPath: EngineRecipe.directory.path)
            #expect(Set(files) == Set(Self.printed.map(\.file)))
        }

        @Test("recipes are executable, and what they source is beside them")
        func executable() throws {
            for file in Self.printed.map(\.file) where file.hasPrefix("run-") {
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
            arguments: ["run-in-slurm", "run-in-pod", "run-in-nomad"])
        func noUUID(recipe: String) async throws {
            let programs = Dictionary(
                uniqueKeysWithValues: ["srun", "sinfo", "kubectl", "nomad", "curl"].map {
                    ($0, "echo $0 >>$REMOTE/calls")
                })
            let hostile = ["", "x", "01989c5e-0000-7000-8000-00000000000a; touch hostile", "--help"]
            for id in hostile {
                try await EngineBed.with([recipe], programs) { engine in
                    var scheduled = EngineBed.job.scheduled
                    scheduled.id = JobID(id)
                    let exit = try await engine.launch(.init(scheduled: scheduled, acquisitionToken: Secret("t")))
                    #expect(exit.status == 75)
                    #expect(engine.calls.isEmpty && !engine.has("hostile"))
                }
            }
        }
    }
#endif
