import Foundation
import TestServers
import Testing

/// The page of the control side, as a real browser shows it.
@Suite("The simulator's page", .timeLimit(.minutes(5)), .enabled(if: Browser.path != nil, Browser.missing))
struct SimulatorPageTests {
    /// Opens the page and waits until it shows something.
    private func open(
        _ arguments: [String] = [], _ body: (Curl, Browser) async throws -> Void
    ) async throws {
        try await CurlWire.plaintext.run(arguments) { curl in
            try await Browser.open("\(curl.simulator.ready.control)/page") { page in
                try await page.wait(until: "document.querySelector('.state') !== null")
                try await body(curl, page)
            }
        }
    }

    /// Adds a job, and plays the stack and the agent that run it until it has written its log.
    private func run(_ curl: Curl, job fields: String, log: String, agent: String = "mac") async throws -> String {
        let stack = #"{"key": "fleet", "type": "custom", "queue_key": "_default", "metadata": {}}"#
        _ = try await curl("POST", "stacks/register", stack)
        _ = try await curl("GET", "stacks/fleet/scheduled-jobs?queue_key=_default")
        let job = try #require(try await curl.control("POST", "jobs", fields).strings("jobs").first)
        let jobs = #"{"job_uuids": ["\#(job)"]}"#
        _ = try await curl("PUT", "stacks/fleet/scheduled-jobs/batch-reserve", jobs)
        let tokens = try await curl("POST", "stacks/fleet/job-acquisition-tokens", jobs)
        let acquisition = try #require(
            tokens.objects("job_acquisition_tokens").first?["job_acquisition_token"] as? String)
        let registration = String(decoding: try JSONEncoder().encode(["name": agent]), as: UTF8.self)
        let registered = try await curl("POST", "register", registration, token: acquisition)
        let token = try #require(registered.json["access_token"] as? String)
        _ = try await curl("POST", "connect", token: token)
        _ = try await curl("PUT", "jobs/\(job)/acquire", token: token)
        _ = try await curl("PUT", "jobs/\(job)/start", token: token)
        let chunk = try await curl(
            "POST", "jobs/\(job)/chunks?sequence=1&offset=0&size=\(log.utf8.count)", token: token,
            options: ["-H", "Content-Type: text/plain", "--data-binary", log])
        #expect(chunk.status == 201, "\(chunk)")
        return job
    }

    @Test("it shows the jobs by state, who polls and who runs, and of a job its history and its log")
    func shows() async throws {
        try await open(["--jobs", "2"]) { curl, page in
            let log = "\u{1b}_bk;t=1\u{7}\u{1b}[32mgood\u{1b}[0m\n10%\r100%\nplain\n"
            let job = try await run(
                curl, job: #"{"pipeline": {"slug": "web"}, "build": {"number": 12, "branch": "main"}}"#, log: log)
            try await page.wait(until: "document.querySelector('[data-state=running] .value').textContent === '1'")
            #expect(try await page.text("document.querySelector('[data-state=scheduled] .value').textContent") == "2")
            #expect(try await page.text("document.querySelectorAll('tr.job').length") == "3")
            let stacks = try await page.text("document.getElementById('stacks').textContent")
            for text in ["fleet", "connected", "Polled ", " ago", "list-scheduled-jobs"] {
                #expect(stacks.contains(text), "\(text): \(stacks)")
            }
            #expect(try await page.text("document.getElementById('agents').textContent").contains("mac"))

            // The job that moved last is the first one.
            try await page.press("j", "Enter")
            try await page.wait(until: "document.getElementById('log').textContent !== ''")
            #expect(try await page.text("document.getElementById('log').textContent") == "good\n100%\nplain\n")
            #expect(try await page.text("document.querySelector('#log .ansi-2').textContent") == "good")
            #expect(try await page.text("document.querySelector('#job h2').textContent") == "web #12")
            #expect(try await page.text("location.hash") == "#job=\(job)")
            let history = try await page.text("document.querySelector('.history').textContent")
            for event in ["created", "reserved → reserved by fleet", "token issued", "agent registered", "started"] {
                #expect(history.contains(event), "\(event): \(history)")
            }
            try await page.press("Escape")
            try await page.wait(until: "document.getElementById('job').hidden")
            #expect(try await page.text("document.activeElement.dataset.job") == job)
        }
    }

    @Test("jobs are added, a queue is paused, a fault is removed and a job is cancelled by keyboard alone")
    func keyboard() async throws {
        try await open { curl, page in
            try await page.press("a")
            try await page.wait(until: "document.getElementById('dialog').open")
            #expect(try await page.text("document.activeElement.id") == "field-count")
            try await page.press("3", "Enter")
            try await page.wait(until: "document.querySelectorAll('tr.job').length === 3")
            #expect(try await page.text("document.getElementById('said').textContent") == "3 jobs added.")

            try await page.tab(to: "(element) => element.textContent === 'Pause'")
            try await page.press(" ")
            try await page.wait(until: "document.activeElement.textContent === 'Resume'")
            #expect(try await curl.control("GET", "queues").body.contains(#""paused" : true"#))

            #expect(try await curl.control("POST", "faults", #"{"kind": "html"}"#).status == 204)
            try await page.wait(until: "document.querySelector('#faults button') !== null")
            try await page.tab(to: "(element) => element.textContent === 'Remove'")
            try await page.press("Enter")
            try await page.wait(until: "document.querySelector('#faults button') === null")
            #expect(try await curl.control("GET", "faults").body == "[\n\n]\n")

            try await page.press("j", "Enter")
            try await page.wait(until: "document.querySelector('#job [data-post]') !== null")
            try await page.tab(to: "(element) => element.textContent === 'Cancel'")
            try await page.press("Enter")
            try await page.wait(until: "document.querySelector('[data-state=canceled] .value')?.textContent === '1'")
            #expect(try await curl.control("GET", "jobs?state=canceled").objects("jobs").count == 1)
        }
    }

    @Test("every form takes what the control side takes, and says what it refuses")
    func forms() async throws {
        try await open(["--clock", "manual"]) { curl, page in
            let paths = try await curl.control("GET", "openapi.json").object("paths")
            for action in ["jobs", "arrivals", "queues", "faults", "clock/advance", "reset"] {
                let post = (paths["/_simulator/\(action)"] as? [String: Any])?["post"] as? [String: Any]
                let content = (post?["requestBody"] as? [String: Any])?["content"] as? [String: Any]
                let schema = (content?["application/json"] as? [String: Any])?["schema"] as? [String: Any]
                let members = try #require((schema?["properties"] as? [String: Any])?.keys.sorted())
                _ = try await page.text("document.querySelector('[data-action=\"\(action)\"]').click()")
                try await page.wait(until: "document.getElementById('dialog').open")
                let fields = try await page.text(
                    "[...document.querySelectorAll('#dialog [id^=field-]')].map((one) => one.id.slice(6)).join(' ')")
                let shown = Set(
                    fields.split(separator: " ").compactMap { $0.split(separator: ".").first.map(String.init) })
                #expect(shown == Set(members), "\(action)")
                try await page.press("Escape")
                try await page.wait(until: "!document.getElementById('dialog').open")
            }
            let jobs = (paths["/_simulator/jobs"] as? [String: Any])?["get"] as? [String: Any]
            let state = (jobs?["parameters"] as? [[String: Any]])?.first { $0["name"] as? String == "state" }
            let names = try #require((state?["schema"] as? [String: Any])?["enum"] as? [String])
            let shownNames = try await page.text("states.map(([state]) => state).sort().join(' ')")
            #expect(shownNames == names.sorted().joined(separator: " "))

            _ = try await page.text("document.querySelector('[data-action=arrivals]').click()")
            try await page.wait(until: "document.activeElement.id === 'field-rate'")
            try await page.press("2", "Enter")
            try await page.wait(until: "document.querySelector('#dialog [role=alert]')?.textContent !== ''")
            let refusal = try await page.text("document.querySelector('#dialog [role=alert]').textContent")
            #expect(refusal.contains("count nor for_seconds"))
        }
    }

    @Test("what jobs, queues, stacks and agents are called is text on it, and so is a log")
    func hostile() async throws {
        try await open { curl, page in
            let markup = #"<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>"#
            let key = String(decoding: try JSONEncoder().encode(["key": markup + "\u{202e}"]), as: UTF8.self)
            #expect(try await curl.control("POST", "queues", key).status == 204)
            let fields = try JSONSerialization.data(withJSONObject: [
                "pipeline": ["slug": markup], "build": ["branch": "\u{202e}gnp.exe\u{1b}[31m\u{200b}\nline"],
                "step": ["key": "'\"><svg onload=alert(1)>"], "agent_query_rules": ["a=</script>" + markup],
            ])
            let log = "</pre>\(markup)\u{1b}]0;owned\u{7}\u{1b}[2J\u{1b}[999999999;1H\u{202e}\u{1b}[38;5;"
            _ = try await run(
                curl, job: String(decoding: fields, as: UTF8.self), log: log, agent: "<b>" + markup)
            try await page.wait(until: "document.querySelector('tr.job') !== null")
            try await page.press("j", "Enter")
            try await page.wait(until: "document.getElementById('log').textContent !== ''")
            try await page.press("Escape", "j", "Enter")
            try await page.wait(until: "document.getElementById('log').textContent !== ''")

            #expect(try await page.text("document.getElementById('log').textContent") == "</pre>\(markup)\\u{202e}")
            let text = try await page.text("document.body.innerText")
            #expect(text.contains(#"\u{202e}gnp.exe\u{1b}[31m\u{200b}\u{a}line"#))
            #expect(!text.unicodeScalars.contains { "\u{202e}\u{1b}\u{200b}".unicodeScalars.contains($0) })
            #expect(try await page.text("document.querySelectorAll('img, script, svg[onload], b').length") == "1")
            #expect(try await page.text("document.title").hasSuffix("running – Simulator"))
        }
    }

    @Test("of 10 000 jobs it shows a part, and finds the others")
    func many() async throws {
        try await open(["--jobs", "10000"]) { curl, page in
            let rows = "document.querySelectorAll('tr.job').length"
            try await page.wait(until: "\(rows) === 100")
            let count = try await page.text("document.querySelector('[data-state=scheduled] .value').textContent")
            #expect(count == "10,000")
            _ = try await page.text("document.getElementById('more').click()")
            try await page.wait(until: "\(rows) === 300")
            let wanted = try #require(
                try await curl.control("GET", "jobs?limit=5000&brief=true").objects("jobs").last?["id"] as? String)
            try await page.press("/")
            for character in wanted.prefix(13) { try await page.press(String(character)) }
            try await page.wait(until: "\(rows) === 1")
            #expect(try await page.text("document.querySelector('tr.job .open').dataset.job") == wanted)
            // Whatever it asked for was small.
            let largest = try await page.text(
                "Math.max(...performance.getEntriesByType('resource').map((one) => one.decodedBodySize))")
            #expect((Int(largest) ?? .max) < 300_000, "\(largest)")
        }
    }

    @Test("a queue's jobs are those of its organization, and a state that the API does not have can be chosen")
    func filters() async throws {
        try await open(["--organization", "globex"]) { curl, page in
            #expect(try await curl.control("POST", "jobs", #"{"count": 2}"#).status == 201)
            let added = try await curl.control("POST", "jobs", #"{"count": 3, "organization": "globex"}"#)
            let move = #"{"state": "hibernating", "allow_unknown_state": true}"#
            _ = try await curl.control("POST", "jobs/\(added.strings("jobs")[0])/move", move)
            let rows = "document.querySelectorAll('tr.job').length"
            try await page.wait(until: "\(rows) === 5 && document.querySelector('[data-state=hibernating]') !== null")
            let queue = "#queues [data-queue=default][data-organization"
            _ = try await page.text("document.querySelector('\(queue)=globex]').click()")
            try await page.wait(until: "\(rows) === 3")
            let count = try await page.text("document.getElementById('count').textContent")
            #expect(count == "3 jobs: in default of globex")
            #expect(try await page.text("document.querySelector('tr.job .c-queue').textContent") == "default globex")
            let pressed = "document.querySelectorAll('#queues [aria-pressed=true]').length"
            #expect(try await page.text(pressed) == "1")
            _ = try await page.text("document.querySelector('[data-state=hibernating]').click()")
            try await page.wait(until: "\(rows) === 1")
            _ = try await page.text("document.querySelector('\(queue)=acme]').click()")
            try await page.wait(until: "\(rows) === 0")
            _ = try await page.text("document.querySelector('[data-state=hibernating]').click()")
            try await page.wait(until: "\(rows) === 2")
            _ = try await page.text("document.querySelector('[data-action=jobs]').click()")
            try await page.wait(until: "document.getElementById('dialog').open")
            let names = "[...document.getElementById('field-NAME').options].map((one) => one.value).join(' ')"
            let states = try await page.text(names.replacing("NAME", with: "state"))
            #expect(states.hasSuffix(" hibernating"))
            // Both organizations have it.
            #expect(try await page.text(names.replacing("NAME", with: "queue")) == " default")
            // What can be chosen can be sent, for new jobs and for one that is moved.
            let choose = "document.getElementById('field-state').value = 'hibernating'"
            let send = "document.querySelector('#dialog form').requestSubmit()"
            _ = try await page.text("\(choose), \(send)")
            try await page.wait(until: "\(rows) === 3")
            #expect(try await curl.control("GET", "jobs?state=hibernating").objects("jobs").count == 2)
            _ = try await page.text("document.querySelector('tr.job:last-child [data-job]').click()")
            let mover = "document.querySelector('#job [data-action=\"jobs/{job}/move\"]')"
            try await page.wait(until: "\(mover) !== null")
            let chosen = try await page.text("document.querySelector('tr.job.chosen').dataset.key")
            _ = try await page.text("\(mover).click()")
            try await page.wait(until: "document.querySelector('#dialog[open] h2')?.textContent === 'Move the job'")
            _ = try await page.text("\(choose), \(send)")
            try await page.wait(until: "!document.getElementById('dialog').open")
            let moved = try await curl.control("GET", "jobs/\(chosen)")
            #expect(moved.json["state"] as? String == "hibernating", "\(moved)")
        }
    }

    @Test("a request whose response was lost is shown as lost")
    func lost() async throws {
        try await open { curl, page in
            #expect(try await curl.control("POST", "faults", #"{"kind": "drop"}"#).status == 204)
            await #expect(throws: Curl.Failure.self) { try await curl("GET", "token") }
            _ = try await page.text("document.getElementById('requests').open = true")
            try await page.wait(until: "document.querySelector('#journal .pill')?.textContent === 'lost'")
            #expect(try await page.text("document.querySelectorAll('#journal .pill.bad').length") == "1")
        }
    }

    @Test("nothing is asked for while nobody sees it")
    func hidden() async throws {
        try await open { (_, page) async throws in
            let script = """
                (async () => {
                  const timers = [];
                  window.setTimeout = (action) => timers.push(action);
                  Object.defineProperty(document, "hidden", { configurable: true, get: () => true });
                  await poll();
                  const whileHidden = timers.length;
                  delete document.hidden;
                  await poll();
                  return `${whileHidden} ${timers.length}`;
                })()
                """
            #expect(try await page.text(script) == "0 1")
        }
    }

    @Test("it allows its own scripts alone, is not kept, and not shown in another page")
    func policy() async throws {
        try await CurlWire.plaintext.run { curl in
            let pages = [try await curl.control("GET", "page"), try await curl.control("GET", "page")]
            let policies = try pages.map { try #require($0.headers["content-security-policy"]) }
            #expect(policies[0] != policies[1])
            for (page, policy) in zip(pages, policies) {
                #expect(page.headers["content-type"] == "text/html; charset=utf-8")
                #expect(page.headers["cache-control"] == "no-store")
                #expect(page.headers["x-content-type-options"] == "nosniff")
                for rule in ["default-src 'none'", "frame-ancestors 'none'", "connect-src 'self'"] {
                    #expect(policy.contains(rule), "\(policy)")
                }
                let nonce = try #require(policy.firstMatch(of: /script-src 'nonce-([0-9a-z]+)'/)?.1)
                #expect(page.body.contains(#"<script nonce="\#(nonce)">"#) && !page.body.contains("{{"))
                for text in ["innerHTML", " src=", ".js */"] { #expect(!page.body.contains(text), "\(text)") }
            }
            let foreign = try await curl.plain(
                "GET", "\(curl.simulator.ready.control)/page", ["-H", "Sec-Fetch-Site: cross-site"])
            #expect(foreign.status == 403)
        }
    }
}
