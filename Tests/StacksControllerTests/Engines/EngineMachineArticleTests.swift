import Foundation
import Testing

#if os(Linux)
    @Suite("The articles on engines that are machines")
    struct EngineMachineArticleTests {
        @Test(
            "each recipe is printed as its file is",
            arguments: [
                ("EngineTart", ["run-in-tart"]), ("EngineOrchard", ["run-in-orchard"]),
                ("EngineSSH", ["run-by-ssh", "machine-functions"]),
            ])
        func printed(article: String, files: [String]) throws {
            let blocks = try EngineRecipe.blocks("sh", of: article)
            #expect(blocks.count == files.count + 1)
            for (block, file) in zip(blocks.dropFirst(), files) {
                let text = try EngineRecipe.text(file)
                #expect(block == text)
            }
            // The first block shows how it is started, with as many arguments as the recipe wants.
            #expect(try #require(blocks.first).contains("./\(files[0]) /"))
        }

        @Test(
            "each article says what travels, what a crash leaves, and what it was tried with",
            arguments: [
                ("EngineTart", "Held to Tart's description"), ("EngineOrchard", "Held to Orchard's description"),
                ("EngineSSH", "Run for real"),
            ])
        func documented(article: String, tried: String) throws {
            let text = try EngineRecipe.article(article)
            for row in ["Token", "Cancellation", "Exit status", "The controller dies", "The recipe is killed too"] {
                #expect(text.contains("\n| \(row)"), "\(row)")
            }
            #expect(text.contains("\n\(tried):"))
        }

        @Test("each setting of a recipe is in its article", arguments: ["run-in-tart", "run-in-orchard", "run-by-ssh"])
        func settings(recipe: String) throws {
            let article = [
                "run-in-tart": "EngineTart", "run-in-orchard": "EngineOrchard", "run-by-ssh": "EngineSSH",
            ]
            let prose = try EngineRecipe.article(try #require(article[recipe])).components(separatedBy: "## The recipe")[0]
            let settings = try EngineRecipe.text(recipe).matches(of: /STACKS_(?:TART|ORCHARD|SSH)_[A-Z_]+/).map(\.output)
            #expect(!settings.isEmpty)
            for setting in settings { #expect(prose.contains("`\(setting)"), "\(setting)") }
        }
    }
#endif
