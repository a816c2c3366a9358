#if os(Linux)
    import Foundation

    /// The recipes for engines as files, and the articles that print them.
    enum EngineRecipe {
        private static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../../Sources").standardizedFileURL

        static let directory = sources.appendingPathComponent("StacksCommandLauncher/Engines")

        /// Each article, and the files that it prints whole, with the language of their blocks.
        static let printed: [(article: String, file: String, language: String)] = [
            ("Engines", "engine-functions", "sh"),
            ("EngineSlurm", "run-in-slurm", "sh"),
            ("EngineKubernetes", "run-in-pod", "sh"), ("EngineKubernetes", "buildkite-agent.pod.yaml", "yaml"),
            ("EngineNomad", "run-in-nomad", "sh"), ("EngineNomad", "buildkite-agent.nomad", "hcl"),
            ("EngineTart", "run-in-tart", "sh"), ("EngineOrchard", "run-in-orchard", "sh"),
            ("EngineSSH", "run-by-ssh", "sh"), ("EngineMachines", "machine-functions", "sh"),
        ]

        /// The numbers that recipes take from the environment, with the least and the most of each.
        static let numbers: [(name: String, least: Int, most: Int)] = [
            ("STACKS_TART_SLOTS", 1, 99), ("STACKS_TART_PATIENCE", 0, 86400), ("STACKS_TART_BOOT_PATIENCE", 0, 86400),
            ("STACKS_ORCHARD_PATIENCE", 0, 86400), ("STACKS_ORCHARD_BOOT_PATIENCE", 0, 86400),
            ("STACKS_ORCHARD_INTERVAL", 1, 3600), ("STACKS_SSH_TIMEOUT", 1, 600), ("STACKS_SSH_LEFT_OUT", 0, 86400),
            ("STACKS_SSH_PATIENCE", 0, 86400),
        ]

        static func path(_ name: String) -> String { directory.appendingPathComponent(name).path }

        static func text(_ name: String) throws -> String {
            try String(contentsOfFile: path(name), encoding: .utf8)
        }

        static func article(_ name: String) throws -> String {
            let file = sources.appendingPathComponent("StacksController/StacksController.docc/\(name).md")
            return try String(contentsOf: file, encoding: .utf8)
        }

        /// What an article prints between a line that begins a block of `language` and the block's end.
        static func blocks(_ language: String, of article: String) throws -> [String] {
            try self.article(article).components(separatedBy: "```\(language)\n").dropFirst()
                .map { $0.components(separatedBy: "\n```")[0] + "\n" }
        }
    }
#endif
