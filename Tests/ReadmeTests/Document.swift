import Foundation
import Testing

/// The README, an article of a catalogue, or the documentation comments of a source file, cut into what is checked.
struct Document: Sendable, CustomTestStringConvertible {
    /// The repository's root.
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// A fenced block.
    struct Block: Sendable {
        var language: String
        var lines: [String]

        /// Whether it is meant for a Package.swift.
        var isManifest: Bool { language == "swift" && lines.first?.hasPrefix(".") == true }
    }

    /// A command at a prompt, and the lines that it printed.
    struct Command: Sendable, Equatable {
        var text: String
        var output: [String]
    }

    /// The path below the root.
    var path: String
    var blocks: [Block] = []

    var testDescription: String { path }

    /// The document at a path below the root.
    init(_ path: String) throws {
        self.path = path
        var text = try String(contentsOf: Self.root.appendingPathComponent(path), encoding: .utf8)
        if path.hasSuffix(".swift") { text = Self.documentation(in: text) }
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

    /// What stands behind the three slashes.
    private static func documentation(in source: String) -> String {
        source.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.drop { $0 == " " } }
            .map { $0.hasPrefix("///") ? String($0.dropFirst(3).drop { $0 == " " }) : "" }
            .joined(separator: "\n")
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

extension Document {
    /// The README, every article, and every source file of a library whose documentation shows code.
    static let all: [Document] = {
        let sources =
            (try? FileManager.default.subpathsOfDirectory(atPath: root.appendingPathComponent("Sources").path)) ?? []
        let paths = sources.filter { $0.hasSuffix(".md") || $0.hasSuffix(".swift") }.sorted().map { "Sources/\($0)" }
        return (["README.md"] + paths).compactMap { try? Document($0) }.filter { !$0.blocks.isEmpty }
    }()
}
