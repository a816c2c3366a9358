import CommandLaunching
import Foundation
import StacksAPI
import StacksController
import Testing

#if os(Linux)
    @Suite("The articles on engines that are machines of their own")
    struct EngineMachineArticleTests {
        @Test("each setting of a recipe is in its article", arguments: ["run-in-tart", "run-in-orchard", "run-by-ssh"])
        func settings(recipe: String) throws {
            let article = [
                "run-in-tart": "EngineTart", "run-in-orchard": "EngineOrchard", "run-by-ssh": "EngineSSH",
            ]
            let prose = try EngineRecipe.article(try #require(article[recipe])).components(
                separatedBy: "## The recipe")[0]
            let settings = try EngineRecipe.text(recipe).matches(of: /STACKS_(?:TART|ORCHARD|SSH)_[A-Z_]+/).map(
                \.output)
            #expect(!settings.isEmpty)
            for setting in settings { #expect(prose.contains("`\(setting)"), "\(setting)") }
        }

        @Test(
            "what is no UUID starts nothing and gives the job back",
            arguments: ["run-in-tart", "run-in-orchard", "run-by-ssh"],
            ["", "x", "01989c5e-0000-7000-8000-00000000000a; touch pwned", "--help", "../../x"])
        func noUUID(recipe: String, id: String) async throws {
            let programs = ["tart", "orchard", "curl", "ssh"].map { ($0, #"echo "$0" >>"$BED/calls""#) }
            try await MachineBed.use(programs: Dictionary(uniqueKeysWithValues: programs)) { bed in
                try bed.write("mac-1 1\n", to: "hosts")
                let arguments =
                    recipe == "run-by-ssh"
                    ? [bed.path("hosts"), bed.path("slots")] : [bed.path("slots"), "default=x"]
                let job = LaunchedJob(scheduled: ScheduledJob(id: JobID(id)), acquisitionToken: Secret("t"))
                let exit = try await bed.launcher(recipe, arguments).launch(job)
                #expect(exit.status == 75)
                #expect(!bed.has("calls") && !bed.has("slots") && !bed.has("pwned"))
            }
        }
    }
#endif
