import HTTPTypes
import StacksTransport

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension ScriptedAgent {
    /// One agent from its registration to its end.
    struct Session {
        /// A response, or its absence, that ends the agent.
        struct Failure: Error {
            var exitStatus = 1
            var message: String
        }

        /// The agent is gone, as its script says.
        struct Vanished: Error {}

        /// What the server said at the registration and the acquisition.
        struct Terms {
            var accessToken: String
            var heartbeatInterval: Duration
            var jobStatusInterval: Duration
            var chunkLimit = 102_400
        }

        let agent: ScriptedAgent
        var result = Run()
        private var log = LogUpload()

        init(agent: ScriptedAgent) { self.agent = agent }

        mutating func run(_ script: Script) async throws -> Run {
            if script.startsAfter > .zero { try await agent.clock.sleep(for: script.startsAfter) }
            if script.ending == .neverStarts {
                if script.duration > .zero { try await agent.clock.sleep(for: script.duration) }
                result.exitStatus = script.exitStatus
                return result
            }
            var terms = try await register()
            _ = try await send(.post, "connect", token: terms.accessToken, retry: .connecting)
            do {
                terms.chunkLimit = try await acquire(token: terms.accessToken)
                try await runJob(script, terms)
            } catch let failure as Failure {
                result.exitStatus = failure.exitStatus
                result.refusal = failure.message
            } catch is Vanished {
                // As a shell has it of a program that was killed.
                result.exitStatus = 128 + 9
                return result
            }
            _ = try? await send(.post, "disconnect", token: terms.accessToken, retry: .disconnecting)
            try Task.checkCancellation()
            return result
        }

        // MARK: Before the job

        private func register() async throws -> Terms {
            struct Body: Decodable {
                var access_token: String
                var heartbeat_interval: Int
                var job_status_interval: Int
            }
            var members: [(String, JSONText)] = [
                ("name", .string("scripted-agent-%n")), ("hostname", .string("scripted")), ("os", .string("Linux")),
                ("arch", .string("amd64")), ("script_eval_enabled", .bool(true)),
                ("ignore_in_dispatches", .bool(true)), ("version", .string(agent.version.number)),
                ("build", .string("x")), ("meta_data", .strings(["queue=default"])), ("pid", .integer(1)),
            ]
            if agent.version.isRecent { members.append(("features", .array([]))) }
            let response = try await send(
                .post, "register", token: agent.token, json: .object(members), retry: .registering)
            let body = try decode(Body.self, from: response)
            return Terms(
                accessToken: body.access_token, heartbeatInterval: .seconds(max(1, body.heartbeat_interval)),
                jobStatusInterval: .seconds(max(1, body.job_status_interval)))
        }

        /// - Returns: The largest part of the log, in bytes.
        private func acquire(token: String) async throws -> Int {
            struct Body: Decodable { var chunks_max_size_bytes: Int }
            let response = try await send(
                .put, "jobs/\(agent.job)/acquire", token: token,
                retry: agent.version.isRecent ? .acquiring : .acquiringOld)
            return max(1, try decode(Body.self, from: response).chunks_max_size_bytes)
        }

        // MARK: The job

        private mutating func runJob(_ script: Script, _ terms: Terms) async throws {
            let token = terms.accessToken
            let startedAt = now
            _ = try await send(
                .put, "jobs/\(agent.job)/start", token: token,
                json: .object([("started_at", .string(startedAt.iso8601))]), retry: .starting)
            var timeline = Timeline(script, .init(heartbeat: terms.heartbeatInterval, look: terms.jobStatusInterval))
            while true {
                switch timeline.next() {
                case .wait(let duration): try await agent.clock.sleep(for: duration)
                case .heartbeat:
                    let body = JSONText.object([("sent_at", .string(now.iso8601))])
                    _ = try? await send(.post, "heartbeat", token: token, json: body, retry: .never)
                    try Task.checkCancellation()
                case .lookForCancellation:
                    if try await isCancelled(token: token) {
                        result.wasCancelled = true
                        timeline.cancel()
                    }
                case .output(let text): try await upload(text, token: token, limit: terms.chunkLimit)
                case .end(let exitStatus, let signal):
                    try await finish(exitStatus: exitStatus, signal: signal, token: token)
                    return
                case .vanish: throw Vanished()
                }
            }
        }

        /// An agent that cannot learn the job's state goes on, and looks again.
        private func isCancelled(token: String) async throws -> Bool {
            struct Body: Decodable { var state: String }
            let response = try? await send(.get, "jobs/\(agent.job)", token: token, retry: .never)
            try Task.checkCancellation()
            let state = response.flatMap { try? decode(Body.self, from: $0) }?.state
            return state == "canceling" || state == "canceled"
        }

        private mutating func upload(_ text: String, token: String, limit: Int) async throws {
            let times = log.headerTimes(of: text, at: now.iso8601)
            if !times.isEmpty {
                _ = try? await send(
                    .post, "jobs/\(agent.job)/header_times", token: token,
                    json: .object([("header_times", .object(times.map { ($0.number, .string($0.time)) }))]),
                    retry: .uploading)
                try Task.checkCancellation()
            }
            for part in log.parts(of: text, limit: limit) {
                let path =
                    "jobs/\(agent.job)/chunks?sequence=\(part.sequence)&offset=\(part.offset)&size=\(part.bytes.count)"
                do {
                    _ = try await send(
                        .post, path, token: token, body: Gzip.store(part.bytes),
                        fields: [.contentType: "text/plain", .contentEncoding: "gzip"], retry: .uploading)
                } catch is Failure {
                    log.failedParts += 1
                }
            }
        }

        private mutating func finish(exitStatus: Int, signal: String?, token: String) async throws {
            var members: [(String, JSONText)] = [("exit_status", .string(String(exitStatus)))]
            if agent.version.isRecent {
                if let signal { members.append(("signal", .string(signal))) }
                if result.wasCancelled { members.append(("signal_reason", .string("cancel"))) }
            }
            members += [("finished_at", .string(now.iso8601)), ("chunks_failed_count", .integer(log.failedParts))]
            _ = try await send(
                .put, "jobs/\(agent.job)/finish", token: token, json: .object(members), retry: .finishing)
            result.jobExitStatus = exitStatus
        }

        /// The time of day that goes with the agent's clock.
        private var now: Date { (agent.clock as? any SimulatorClock)?.date ?? Date() }
    }
}
