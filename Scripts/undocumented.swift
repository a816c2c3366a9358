// Reads symbol graphs, and names every public symbol that has no documentation and every throwing function whose
// documentation does not say what it throws. What the compiler adds by itself, and what inherits its text from a
// protocol, is no symbol of ours. Scripts/docs runs it.

import Foundation

struct Graph: Decodable {
    struct Symbol: Decodable {
        struct Identifier: Decodable { var precise: String }
        struct Kind: Decodable { var identifier: String }
        struct Comment: Decodable {
            struct Line: Decodable { var text: String }
            var lines: [Line]
        }
        struct Fragment: Decodable { var kind: String, spelling: String }
        struct Location: Decodable {
            struct Position: Decodable { var line: Int }
            var uri: String
            var position: Position
        }

        var identifier: Identifier
        var kind: Kind
        var pathComponents: [String]
        var docComment: Comment?
        var declarationFragments: [Fragment]
        var location: Location?

        var isOurs: Bool { !identifier.precise.contains("::SYNTHESIZED::") }
        var text: String { (docComment?.lines ?? []).map(\.text).joined(separator: "\n") }

        /// Whether calling it can throw: `throws` stands behind its parameters, not in one of them.
        var throwsErrors: Bool {
            guard ["swift.method", "swift.type.method", "swift.func", "swift.init"].contains(kind.identifier) else {
                return false
            }
            var depth = 0
            for fragment in declarationFragments {
                if depth == 0, fragment.kind == "keyword", fragment.spelling == "throws" { return true }
                for character in fragment.spelling {
                    if character == "(" { depth += 1 } else if character == ")" { depth -= 1 }
                }
            }
            return false
        }

        var problem: String? {
            if text.isEmpty { return "is not documented" }
            if throwsErrors, !text.contains("- Throws:") { return "does not say what it throws" }
            return nil
        }

        var place: String {
            guard let location else { return "" }
            let file = location.uri.split(separator: "/Sources/").last.map { "Sources/\($0)" } ?? location.uri
            return "\(file):\(location.position.line + 1): "
        }
    }

    var module: Module
    var symbols: [Symbol]

    struct Module: Decodable { var name: String }
}

var count = 0
var problems: [String] = []
for path in CommandLine.arguments.dropFirst() {
    let graph = try JSONDecoder().decode(Graph.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    for symbol in graph.symbols where symbol.isOurs {
        count += 1
        if let problem = symbol.problem {
            let name = ([graph.module.name] + symbol.pathComponents).joined(separator: ".")
            problems.append("\(symbol.place)\(name) \(problem)")
        }
    }
}
for problem in problems.sorted() { print(problem) }
print("\(count) public symbols, \(problems.isEmpty ? "none" : "\(problems.count)") without their documentation")
exit(problems.isEmpty ? 0 : 1)
