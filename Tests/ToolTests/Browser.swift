import Foundation
import Synchronization
import TestServers
import Testing

/// A page in a headless Chromium, which is driven as a person drives it, through the pipe for debuggers.
final class Browser: Sendable {
    static let path = Tool.path("chromium", "chromium-browser", "google-chrome")
    static let missing: Comment = "there is no headless Chromium here"

    /// What the browser says of itself or of the page's script.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    private let child: ChildProcess
    private let state = Mutex((commands: 0, session: String?.none))

    private init(profile: URL) throws {
        // Descriptors 3 and 4 are those of the debugger: commands and answers, each with a zero byte at its end.
        child = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"),
            [
                "bash", "-c", #"exec "$@" 3<&0 4>&1 1>&2"#, "browser", try #require(Self.path), "--headless=new",
                "--no-sandbox", "--disable-gpu", "--user-data-dir=\(profile.path)", "--remote-debugging-pipe",
                "--window-size=1280,900", "about:blank",
            ],
            // It leaves directories there when it is killed, with sockets, whose paths must be short.
            environment: ProcessInfo.processInfo.environment.merging(["TMPDIR": profile.path]) { $1 })
    }

    /// Opens a page for `body`.
    static func open<Result>(_ url: String, _ body: (Browser) async throws -> Result) async throws -> Result {
        let profile = FileManager.default.temporaryDirectory.appending(path: "browser-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: profile, withIntermediateDirectories: true)
        let browser = try Browser(profile: profile)
        do {
            try await browser.open(url)
            let result = try await body(browser)
            try await browser.close(profile)
            return result
        } catch {
            try? await browser.close(profile)
            throw error
        }
    }

    /// The document that a page is once a condition in JavaScript holds.
    static func document(at url: String, once condition: String) async throws -> String {
        try await open(url) { page in
            try await page.wait(until: condition)
            return try await page.text("document.documentElement.outerHTML")
        }
    }

    private func open(_ url: String) async throws {
        let targets = try await command("Target.getTargets")["targetInfos"] as? [[String: Any]] ?? []
        let page = try #require(targets.first { $0["type"] as? String == "page" }?["targetId"] as? String)
        let session = try await command("Target.attachToTarget", ["targetId": page, "flatten": true])["sessionId"]
        state.withLock { $0.session = session as? String }
        _ = try await command("Page.navigate", ["url": url])
        try await wait(until: "location.href.startsWith('http')")
    }

    private func close(_ profile: URL) async throws {
        child.kill()
        _ = try await child.outcome()
        let deadline = ContinuousClock.now + ChildProcess.patience
        while FileManager.default.fileExists(atPath: profile.path) {
            do { try FileManager.default.removeItem(at: profile) } catch {
                // Its own processes end a moment after it, and write there until then.
                guard ContinuousClock.now < deadline else { throw error }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }

    // MARK: The page

    /// The value of an expression in JavaScript, as text.
    func text(_ expression: String) async throws -> String {
        let answer = try await command(
            "Runtime.evaluate",
            [
                "expression": "(async () => String(await (\(expression))))()", "awaitPromise": true,
                "returnByValue": true,
            ])
        guard answer["exceptionDetails"] == nil, let value = (answer["result"] as? [String: Any])?["value"] as? String
        else { throw Failure(description: "\(expression): \(answer)") }
        return value
    }

    /// Waits until an expression is true. The test's time limit ends it when it never is.
    func wait(until condition: String) async throws {
        // While another document is loaded, there is none that could be asked.
        while await (try? text("Boolean(\(condition))")) != "true" {
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Presses keys, one after the other: letters, digits, or the names of keys.
    func press(_ keys: String...) async throws {
        let codes = ["Tab": 9, "Enter": 13, "Escape": 27, " ": 32]
        for key in keys {
            let text = key == "Enter" ? "\r" : key.count == 1 ? key : ""
            var event: [String: Any] = [
                "type": text.isEmpty ? "rawKeyDown" : "keyDown", "key": key, "text": text,
                "windowsVirtualKeyCode": codes[key] ?? 0,
            ]
            _ = try await command("Input.dispatchKeyEvent", event)
            (event["type"], event["text"]) = ("keyUp", "")
            _ = try await command("Input.dispatchKeyEvent", event)
        }
    }

    /// Presses Tab until the element with the focus is as wanted.
    func tab(to condition: String) async throws {
        for _ in 0..<200 {
            if try await text("Boolean((\(condition))(document.activeElement))") == "true" { return }
            try await press("Tab")
        }
        throw Failure(description: "Tab does not lead to \(condition)")
    }

    // MARK: The pipe

    private func command(_ method: String, _ parameters: [String: Any] = [:]) async throws -> [String: Any] {
        let (number, session) = state.withLock { state in
            state.commands += 1
            return (state.commands, state.session)
        }
        var command: [String: Any] = ["id": number, "method": method, "params": parameters]
        command["sessionId"] = session
        try child.send(Array(try JSONSerialization.data(withJSONObject: command)) + [0])
        let deadline = ContinuousClock.now + ChildProcess.patience
        while ContinuousClock.now < deadline {
            // A file tells nobody that it has grown.
            for part in child.text.split(separator: "\0").reversed() {
                guard part.hasPrefix(#"{"id":\#(number),"#),
                    let answer = try? JSONSerialization.jsonObject(with: Data(part.utf8)) as? [String: Any]
                else { continue }
                if let error = answer["error"] { throw Failure(description: "\(method): \(error)") }
                return answer["result"] as? [String: Any] ?? [:]
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw Failure(description: "\(method): no answer; \(child.errorText)")
    }
}
