import Foundation
import TestServers

/// The tour of the article *Running in production*, as one script of bash that does what its reader does.
///
/// What is asked of something that runs is asked until the response is the one in the article: a reader is not as fast as
/// a script.
struct Tour {
    static let path = "Sources/StacksController/StacksController.docc/RunningInProduction.md"

    let commands: [Document.Command]
    /// The file that the reader writes.
    let file: String

    init() throws {
        let document = try Document(Self.path)
        commands = document.commands
        file = document.blocks.first { $0.language == "yaml" }?.lines.joined(separator: "\n") ?? ""
    }

    /// The script. It works in `$HOME`, and installs the programs that there are in `products`.
    func script(products: String) -> String {
        let steps = commands.enumerated().map { number, command in
            var text = command.text.replacing("9464", with: "${status_port}")
            // A free port instead of the one that a reader can type.
            if text.hasPrefix("stacks-simulator ") {
                text = text.replacing("--port 8080", with: "--port 0")
            } else {
                text = text.replacing("8080", with: "${simulator_port}")
            }
            if text.hasPrefix("Scripts/install") { text += " --from '\(products)'" }
            let step = "step \(Self.isQuestion(text) ? "ask" : "run") \(number) \(Self.quoted(command.text)) <<'END'\n"
            return "do_\(number)() {\n\(text)\n}\n\(step)\(command.output.joined(separator: "\n"))\nEND\n"
        }
        return Self.functions + "printf '%s\\n' \(Self.quoted(file)) > \"$HOME/stacks.yaml\"\n" + steps.joined()
    }

    /// Whether it can be asked again.
    private static func isQuestion(_ command: String) -> Bool {
        ["curl -s http", "curl -s -o", "grep ", "ls ", "head "].contains { command.hasPrefix($0) }
    }

    private static func quoted(_ text: String) -> String { "'\(text.replacing("'", with: #"'\''"#))'" }

    /// `step KIND NUMBER COMMAND`, with the expected output on standard input: runs the function of the number in this
    /// shell. Without an expected output it must succeed.
    private static let functions = #"""
        trap 'kill $(jobs -p) 2>/dev/null' EXIT
        fail() { printf '%s\n' "$1" >&2; exit 1; }
        # wait_for VARIABLE FILE EXPRESSION: until the file has the number.
        wait_for() {
            tries=2000
            until printf -v "$1" '%s' "$(sed -nE "$3" "$2" 2>/dev/null)" && [ -n "${!1}" ]; do
                [ "$((tries -= 1))" -gt 0 ] || fail "nothing in $2: $(cat "$2")"
                sleep 0.05
            done
        }
        step() {
            # How wide a column is depends on the times in it.
            expected=$(tr -s ' ') tries=2000
            while :; do
                "do_$2" > "$HOME/output" 2>&1
                status=$?
                if [ -z "$expected" ]; then
                    [ "$status" = 0 ] || fail "\$ $3: $(cat "$HOME/output")"
                    break
                fi
                [ "$expected" != "$(tr -s ' ' < "$HOME/output")" ] || break
                [ "$1" = ask ] && [ "$((tries -= 1))" -gt 0 ] || fail "\$ $3
        $(diff <(printf '%s\n' "$expected") "$HOME/output")
        $(cat stacks.log 2>/dev/null)"
                sleep 0.1
            done
            case $3 in
                mkdir*) sed 's/:9464/:0/' "$HOME/stacks.yaml" > stacks.yaml ;;
                stacks-simulator*) wait_for simulator_port simulator.txt 's/.*"port":([0-9]+).*/\1/p' ;;
                stacksctl*summary.txt*) wait_for status_port stacks.log 's,.*Status at http://[^ ]*:([0-9]+)/.*,\1,p' ;;
            esac
        }

        """#
}
