import StacksTransport
import TestEnvironment
import Testing
import YAMLEvents

@testable import stacksctl

/// The text of a configuration file, whoever wrote it: values or a problem with its place, in no more time and memory than
/// its size is worth.
@Suite("Text of the configuration file", .timeLimit(.minutes(5)))
struct SettingsTextTests {
    private let file = """
        # Two stacks
        slots: 2
        environment: &shared {A: "1\\u00e9", 'B': 2}
        stacks:
          - key: mac-16
            queue: ~
            tags: {os: macos, xcode: ["16.3", 16.10], image: "*"}
            command: [sh, -c, "exit 0"]
            environment: *shared
          - key: linux
            queue: é
            command:
            - sh
            - -c
            - |
              echo 1
              echo 2
            metadata: {? a : b}

        """

    private func document(_ text: String) -> SettingsDocument { SettingsDocument(Array(text.utf8)) }

    /// What must hold for every document: its problems are lines of their own, and stand in the text.
    private func check(_ document: SettingsDocument, _ text: [UInt8]) {
        // LF, CR, NEL and the separators of Unicode, by the last byte.
        let lines = 1 + text.count { [0x0A, 0x0D, 0x85, 0xA8, 0xA9].contains($0) }
        #expect(document.root != nil || !document.problems.isEmpty)
        for problem in document.problems {
            guard case .file(let line, let column) = problem.place else {
                Issue.record("\(problem) has no place")
                continue
            }
            #expect(1...(lines + 1) ~= line && 1...(text.count + 1) ~= column, "\(problem) in \(text)")
            #expect(!problem.message.unicodeScalars.contains(where: VisibleText.isHidden), "\(problem)")
        }
    }

    @Test("has each value with its line and column, and an alias stands for what has its anchor")
    func values() throws {
        let document = document(file)
        #expect(document.problems.isEmpty)
        guard case .map(let pairs) = try #require(document.root).content else {
            Issue.record("no mapping")
            return
        }
        #expect(pairs.map(\.key.text) == ["slots", "environment", "stacks"])
        #expect(
            pairs.map(\.key.place) == [.file(line: 2, column: 1), .file(line: 3, column: 1), .file(line: 4, column: 1)])
        guard case .list(let stacks) = pairs[2].value.content, case .map(let second) = stacks[1].content,
            case .list(let command) = second[2].value.content, case .map(let first) = stacks[0].content
        else {
            Issue.record("no stacks")
            return
        }
        #expect(second[1].value.text == "é" && second[1].value.place == .file(line: 11, column: 12))
        #expect(command.map(\.text) == ["sh", "-c", "echo 1\necho 2\n"])
        let alias = try #require(first.last)
        #expect(alias.value.isEqual(to: pairs[1].value) && alias.key.place == .file(line: 9, column: 5))
    }

    @Test(
        "a mistake in it is told with its place",
        arguments: [
            (
                "a: [1,\nb: 2\n", 3, 1,
                "this is not YAML: did not find expected ',' or ']' while parsing a flow sequence, which begins on line 1"
            ),
            ("é: \"\\q\"\n", 1, 5, "this is not YAML: found unknown escape character while parsing a quoted scalar"),
            ("a: *b\n", 1, 4, "this is not YAML: no value before this alias has the anchor 'b'"),
            ("a: &a [*a]\n", 1, 8, "this is not YAML: no value before this alias has the anchor 'a'"),
            ("a: 1\n---\nb: 2\n", 2, 1, "a second document begins here: the file has one"),
            ("a: 1\nb: \"x\\0y\"\n", 2, 4, "this text has a zero byte, which no setting can have"),
            ("a: 1\nb: 1\na: 2\n", 3, 1, "the key a stands again in the same mapping: it is on line 1 already"),
            ("a: &k b\n*k : 1\nb: 2\n", 3, 1, "the key b stands again in the same mapping: it is on line 2 already"),
            ("# nothing\n", 1, 1, "the file is empty"),
        ])
    func mistakes(text: String, line: Int, column: Int, message: String) {
        let problems = document(text).problems
        #expect(problems.map(\.message) == [message])
        #expect(problems.map(\.place) == [.file(line: line, column: column)])
    }

    @Test(
        "bytes that are not UTF-8, and characters that no text has, are told with their place",
        arguments: [[0xFF], [0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xC0, 0xAF], [0], [0x1B], [0x7F]])
    func invalid(bytes: [UInt8]) {
        let document = SettingsDocument(Array("a: é\nb: é".utf8) + bytes + Array("\n".utf8))
        #expect(document.root == nil)
        #expect(document.problems.map(\.place) == [.file(line: 2, column: 5)])
        #expect(document.problems.first?.message.hasPrefix("this is not YAML: ") == true)
    }

    @Test("a byte order mark at its beginning is no part of it, and none makes it UTF-16")
    func byteOrderMark() {
        #expect(SettingsDocument([0xEF, 0xBB, 0xBF] + Array("a: 1\n".utf8)).problems.isEmpty)
        #expect(SettingsDocument([0xFF, 0xFE, 0x61, 0, 0x3A, 0, 0x31, 0]).root == nil)
    }

    @Test("every prefix of it, and every change of a byte, is values or problems")
    func changes() {
        let text = Array(file.utf8)
        for end in text.indices { check(SettingsDocument(Array(text[..<end])), Array(text[..<end])) }
        for index in text.indices {
            for byte in Array("\0\n\t \"'#%&*,-:>?@[]{|}".utf8) + [0x80, 0xC3, 0xFF] {
                var changed = text
                changed[index] = byte
                check(SettingsDocument(changed), changed)
            }
        }
    }

    @Test("random bytes, and random parts of YAML, are values or problems")
    func random() {
        var generator = SplitMix64(seed: 17)
        let parts = [
            "a", "- ", ": ", "? ", "[", "]", "{", "}", ",", "&a ", "*a", "\n", "\n  ", "|\n", "---\n", "%TAG", "\"",
            "'", "!", "#", "é", "\u{85}", "\u{2028}", "\\x00",
        ].map { Array($0.utf8) }
        for round in 0..<20_000 {
            let count = Int.random(in: 1...60, using: &generator)
            let text: [UInt8] =
                round.isMultiple(of: 2)
                ? (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
                : (0..<count).flatMap { _ in parts.randomElement(using: &generator) ?? [] }
            check(SettingsDocument(text), text)
        }
    }

    @Test(
        "a megabyte that is made to take long is refused, or read, at once",
        arguments: [
            "[", "{", "- ", "? ", "{a: ", "[a, ", "&a ", "*a ", "!a ", "a", "\"", "'", "\\", "%TAG !a! b\n",
            "\u{85}%T a",
            "# ", "\n", " ", "\t", "|\n", "a\n", "a: 1\n", "- - a\n", "---\n", "...\n", "? a\n", "e\u{301}\u{327}",
            "\u{FEFF}",
        ])
    func large(part: String) {
        for (beginning, end) in [
            ("", ""), ("? ", "\n: 1\n"), ("a: \"", "\""), ("a: [", "]"),
        ] {
            let room = SettingsDocument.maximumSize - beginning.utf8.count - end.utf8.count
            let text = beginning + String(repeating: part, count: room / part.utf8.count) + end
            let document = document(text)
            #expect(document.root != nil || !document.problems.isEmpty)
            #expect(document.problems.count <= 101)
        }
    }

    @Test("aliases of aliases are neither deeper nor more than what is written out may be")
    func aliases() {
        let chain = (1..<60).map { "- &a\($0) [*a\($0 - 1)]\n" }.joined()
        let problems = document("- &a0 x\n" + chain).problems
        #expect(problems.map(\.message) == ["this is nested too deep: 50 levels are the most"])
        let doubled = (1..<40).map { "- &a\($0) [*a\($0 - 1), *a\($0 - 1)]\n" }.joined()
        #expect(document("- &a0 x\n" + doubled).problems.map(\.message) == ["the file has more than 100000 values"])
        let depths = (49...50).map {
            document(String(repeating: "[", count: $0) + "a" + String(repeating: "]", count: $0))
        }
        #expect(depths.map { $0.root != nil } == [true, false])
    }

    @Test(
        "a parser that is left before the end of its text, or at a mistake, leaves nothing behind",
        .enabled(if: test_environment_allocated_bytes() > 0, "the C library does not say what is allocated"))
    func memory() throws {
        let text = Array(("a: [b, &c \"d\", {e: " + String(repeating: "x ", count: 20_000) + "}\n%").utf8)
        let before = test_environment_allocated_bytes()
        for round in 0..<3000 {
            var parser = try YAMLParser(text)
            for _ in 0..<round % 12 { _ = try? parser.next() }
        }
        // Each has buffers of 64 KB and a text of 40 KB. Other tests run at the same time.
        #expect(test_environment_allocated_bytes() < before + (100 << 20))
    }
}
