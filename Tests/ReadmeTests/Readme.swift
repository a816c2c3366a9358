import Foundation

/// The README, cut into what is checked.
struct Readme {
    /// The repository's root.
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// A fenced block.
    struct Block: Sendable {
        var language: String
        var lines: [String]
    }

    /// A command at a prompt, and the lines that it printed.
    struct Command: Sendable, Equatable {
        var text: String
        var output: [String]
    }

    var blocks: [Block] = []

    init() throws {
        self.init(text: try String(contentsOf: Self.root.appendingPathComponent("README.md"), encoding: .utf8))
    }

    init(text: String) {
        var open: Block?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if line.hasPrefix("```") {
                if let block = open {
                    blocks.append(block)
                    open = nil
                } else {
                    open = Block(language: String(line.dropFirst(3)), lines: [])
                }
            } else {
                open?.lines.append(line)
            }
        }
    }

    /// The commands of the blocks called `console`, in the order of the text.
    var commands: [Command] {
        var commands: [Command] = []
        for block in blocks where block.language == "console" {
            for line in block.lines {
                if line.hasPrefix("$ ") {
                    commands.append(Command(text: String(line.dropFirst(2)), output: []))
                } else if !commands.isEmpty {
                    commands[commands.count - 1].output.append(line)
                }
            }
        }
        return commands
    }
}
