// Writes manual pages, in mdoc: one for a tool and one for each of its subcommands. What the tool says of itself with
// `--experimental-dump-help` is read from standard input, so that the pages say what its help says. Scripts/install
// runs it.
//
//   TOOL --experimental-dump-help | swift Scripts/manual.swift DIRECTORY

import Foundation

struct Tool: Decodable {
    struct Argument: Decodable {
        struct Name: Decodable {
            var kind: String, name: String

            /// As mdoc's `Fl` takes it, which writes the first dash.
            var flag: String { (kind == "long" ? "\\-" : "") + text(name) }
        }

        var kind: String, parsingStrategy: String
        var shouldDisplay: Bool, isOptional: Bool, isRepeating: Bool
        var sectionTitle: String?, valueName: String?, defaultValue: String?, abstract: String?
        var names: [Name]?, preferredName: Name?
        var allValues: [String]?

        /// Whether it follows `--`.
        var isLast: Bool { parsingStrategy == "postTerminator" }

        /// `Ar key`, for what is no flag.
        var value: String { kind == "flag" ? "" : " Ar \(word(valueName ?? "value"))" }

        /// What stands in the synopsis: `Fl -stack Ar key`.
        var synopsis: String {
            let dots = isRepeating ? " ..." : ""
            switch (kind, preferredName) {
            case ("positional", _): return (isLast ? "Fl \\-" : "") + value + dots
            case (_, let name?): return "Fl \(name.flag)\(value)" + (isRepeating ? " Ns \\&..." : "")
            default: return value
            }
        }

        /// The names, and what there is to say of them.
        var item: String {
            let heads = (names ?? []).map { "Fl \($0.flag)\(value)" }
            let head = heads.isEmpty ? synopsis.trimmingCharacters(in: .whitespaces) : heads.joined(separator: " , ")
            var facts: [String] = []
            if kind != "flag", let allValues { facts.append("values: " + allValues.joined(separator: ", ")) }
            if kind != "flag", let defaultValue { facts.append("default: " + defaultValue) }
            let addition = facts.isEmpty ? "" : " (\(facts.joined(separator: "; ")))"
            return ".It \(head)\n" + paragraph((abstract ?? "") + addition)
        }
    }

    struct Command: Decodable {
        var commandName: String, shouldDisplay: Bool
        var superCommands: [String]?, abstract: String?, discussion: String?
        var subcommands: [Command]?, arguments: [Argument]?

        var names: [String] { (superCommands ?? []) + [commandName] }
        var page: String { names.joined(separator: "-") }
        /// `help`, which the parser adds to every tool, is explained in one line.
        var isPaged: Bool { commandName != "help" }
        var shown: [Command] {
            let shown = (subcommands ?? []).filter(\.shouldDisplay)
            return shown.contains(where: \.isPaged) ? shown : []
        }
    }

    var command: Command
}

/// Text as roff takes it: no character of it is a request, a macro or a typographic sign.
func text(_ string: String) -> String {
    var result = ""
    for scalar in string.unicodeScalars {
        switch scalar {
        case "\\": result += "\\e"
        case "-": result += "\\-"
        case "'": result += "\\(aq"
        case "`": result += "\\(ga"
        case "^": result += "\\(ha"
        case "~": result += "\\(ti"
        case "\"": result += "\\(dq"
        case " "..."}": result.unicodeScalars.append(scalar)
        default: result += scalar.value < 0x80 ? " " : "\\[u" + String(format: "%04X", scalar.value) + "]"
        }
    }
    return result.hasPrefix(".") ? "\\&" + result : result
}

/// A word as the argument of a macro: never a macro's own name, a delimiter or several words.
func word(_ string: String) -> String { "\\&" + text(string).replacingOccurrences(of: " ", with: "\\ ") }

/// A paragraph: lines of at most 80 bytes, and each sentence begins on one of its own, as roff wants it.
func paragraph(_ string: String) -> String {
    var lines: [String] = []
    var line = ""
    func end() {
        if !line.isEmpty { lines.append(line) }
        line = ""
    }
    for word in string.split(whereSeparator: \.isWhitespace).map(String.init) {
        let escaped = text(word)
        if line.utf8.count + 1 + escaped.utf8.count > 80 { end() }
        line += (line.isEmpty ? "" : " ") + escaped
        if ".?!".contains(word.last!) { end() }
    }
    end()
    return lines.joined(separator: "\n")
}

/// A text of the tool in its parts: what describes, and examples. Lines that are indented stand as they are.
struct Discussion {
    var description: [String] = []
    var examples: [String] = []

    init(_ string: String) {
        var isExample = false
        var literal: [String] = []
        func closed() -> [String] {
            // The first line's indentation is that of all.
            let margin = literal[0].prefix { $0 == " " }.count
            let lines = literal.map { String($0.dropFirst(margin)) }
            if isExample { return [".Bd -literal -offset indent"] + lines.map(text) + [".Ed"] }
            // A line that begins with a space goes on with the row before it.
            let whole = lines.reduce(into: [String]()) { rows, line in
                if line.hasPrefix(" "), !rows.isEmpty { rows[rows.count - 1] += line } else { rows.append(line) }
            }
            let rows = whole.map { line in
                // Two columns, with a gap between them.
                let gap = line.range(of: "   ")?.lowerBound ?? line.endIndex
                let term = line[..<gap].split(separator: " ").map { word(String($0)) }
                return ".It \(term.joined(separator: " "))\n" + paragraph(String(line[gap...]))
            }
            return [".Bl -tag -width Ds"] + rows.map { $0.hasSuffix("\n") ? String($0.dropLast()) : $0 } + [".El"]
        }
        for line in string.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) + [""] {
            if line.hasPrefix("  ") {
                literal.append(line)
                continue
            }
            if !literal.isEmpty {
                if isExample { examples += closed() } else { description += closed() }
                (literal, isExample) = ([], false)
            }
            if line == "EXAMPLE:" || line == "EXAMPLES:" {
                isExample = true
            } else if !line.isEmpty {
                description.append((description.isEmpty ? "" : ".Pp\n") + paragraph(line))
            }
        }
    }
}

func manual(of command: Tool.Command, root: Tool.Command, date: String) -> String {
    let isRoot = command.names.count == 1
    // Each command takes --version; it is the tool's.
    let shown = (command.arguments ?? []).filter { $0.shouldDisplay && (isRoot || $0.preferredName?.name != "version") }
    // What follows '--' ends the command line.
    let arguments = shown.filter { !$0.isLast } + shown.filter(\.isLast)
    let discussion = Discussion(command.discussion ?? "")
    // A phrase, as `apropos` lists it.
    var phrase = command.abstract ?? ""
    if phrase.hasSuffix(".") { phrase.removeLast() }
    if phrase.dropFirst().first?.isUppercase == false { phrase = phrase.prefix(1).lowercased() + phrase.dropFirst() }
    var lines = [
        ".\\\" Written by Scripts/manual.swift from the tool's own help.", ".Dd \(date)",
        ".Dt \(command.page.uppercased()) 1", ".Os", ".Sh NAME", ".Nm \(command.page)", ".Nd \(text(phrase))",
        ".Sh SYNOPSIS",
    ]
    lines.append(".Nm \(command.names[0])" + command.names.dropFirst().map { " Cm \($0)" }.joined())
    if command.shown.isEmpty {
        for argument in arguments {
            let synopsis = argument.synopsis.trimmingCharacters(in: .whitespaces)
            lines.append(argument.isOptional ? ".Op \(synopsis)" : ".\(synopsis)")
        }
    } else {
        lines += [".Op Ar option ...", ".Ar command", ".Op Ar argument ..."]
    }
    lines += [".Sh DESCRIPTION"] + discussion.description
    if !command.shown.isEmpty {
        lines += [".Sh COMMANDS", ".Bl -tag -width Ds"]
        for child in command.shown {
            lines.append(".It " + (child.isPaged ? "Xr \(child.page) 1" : "Cm \(child.commandName)"))
            lines.append(paragraph(child.abstract ?? ""))
        }
        lines.append(".El")
    }
    lines.append(".Sh OPTIONS")
    var titles: [String?] = []
    for argument in arguments where !titles.contains(argument.sectionTitle) { titles.append(argument.sectionTitle) }
    // Those without a title come first.
    for title in titles.filter({ $0 == nil }) + titles.filter({ $0 != nil }) {
        if let title { lines.append(".Ss \(text(title))") }
        lines.append(".Bl -tag -width Ds")
        lines += arguments.filter { $0.sectionTitle == title }.map(\.item)
        lines.append(".El")
    }
    if !discussion.examples.isEmpty { lines += [".Sh EXAMPLES"] + discussion.examples }
    if !isRoot { lines += [".Sh SEE ALSO", ".Xr \(root.page) 1"] }
    return lines.joined(separator: "\n") + "\n"
}

guard CommandLine.arguments.count == 2 else {
    let usage = "usage: TOOL --experimental-dump-help | swift Scripts/manual.swift DIRECTORY\n"
    FileHandle.standardError.write(Data(usage.utf8))
    exit(64)
}
let root = try JSONDecoder().decode(Tool.self, from: FileHandle.standardInput.readDataToEndOfFile()).command
let formatter = DateFormatter()
formatter.locale = Locale(identifier: "en_US_POSIX")
formatter.timeZone = TimeZone(identifier: "UTC")
formatter.dateFormat = "MMMM d, yyyy"
// A package that is built twice from the same sources is the same.
let epoch = ProcessInfo.processInfo.environment["SOURCE_DATE_EPOCH"].flatMap(TimeInterval.init)
let date = formatter.string(from: epoch.map { Date(timeIntervalSince1970: $0) } ?? Date())
for command in [root] + root.shown where command.isPaged {
    let file = URL(fileURLWithPath: CommandLine.arguments[1]).appendingPathComponent("\(command.page).1")
    try Data(manual(of: command, root: root, date: date).utf8).write(to: file)
}
