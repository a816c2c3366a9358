import StacksTesting

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How a job runs, in `POST jobs` and `GET jobs/:uuid`.
struct ScriptDocument: Codable, Sendable {
    struct Output: Codable {
        var after_seconds: Double?
        var text: String
    }

    var seconds: Double?
    var exit_status: Int?
    var signal: String?
    var log: String?
    var output: [Output]?
    var starts_after_seconds: Double?
    var agent: String?
    var cancel_seconds: Double?
    var ignores_cancel: Bool?

    static let members: [ControlMember] = [
        ControlMember(name: "seconds", kind: .seconds, about: "how long it runs; 0 when left out"),
        ControlMember(
            name: "exit_status", kind: .integer(-2_147_483_648...4_294_967_295),
            about: "0 when left out, and -1 with a signal"),
        ControlMember(name: "signal", kind: .text(upTo: 64), about: "what ends it: SIGKILL for example"),
        ControlMember(name: "log", kind: .text(upTo: 1 << 20), about: "what it writes at its start"),
        ControlMember(
            name: "output",
            kind: .list(
                of: .object([
                    ControlMember(name: "after_seconds", kind: .seconds, about: "since its start"),
                    ControlMember(name: "text", kind: .text(upTo: 1 << 20), isRequired: true),
                ]), upTo: 10_000), about: "what else it writes, in this order"),
        ControlMember(
            name: "starts_after_seconds", kind: .seconds,
            about: "how long its agent takes until it registers; 0 when left out"),
        ControlMember(
            name: "agent", kind: .choice(ScriptedAgent.Script.Ending.allCases.map(\.rawValue)),
            about: "what becomes of its agent: it finishes the job when left out"),
        ControlMember(
            name: "cancel_seconds", kind: .seconds, about: "how long it takes to end when it is cancelled"),
        ControlMember(name: "ignores_cancel", kind: .truth, about: "whether it goes on when it is cancelled"),
    ]

    static let member = ControlMember(
        name: "script", kind: .object(members), about: "how the job runs, for an agent that plays it")

    /// The document in an option.
    static func read(_ text: String) throws(ControlFailure) -> ScriptDocument {
        let place = "--job-script"
        try member.kind.check(
            try ControlValue(body: Array(text.utf8)), at: place, of: place, in: StacksSimulator())
        guard let document = try? JSONDecoder().decode(ScriptDocument.self, from: Data(text.utf8)) else {
            throw .badRequest("\(place) is no script.")
        }
        return document
    }

    init(_ script: ScriptedAgent.Script) {
        seconds = script.duration / .seconds(1)
        exit_status = script.exitStatus
        signal = script.signal
        output = script.output.map { Output(after_seconds: $0.after / .seconds(1), text: $0.text) }
        starts_after_seconds = script.startsAfter / .seconds(1)
        agent = script.ending.rawValue
        switch script.cancellation {
        case .ends(let after, _): cancel_seconds = after / .seconds(1)
        case .isIgnored: ignores_cancel = true
        }
    }

    var script: ScriptedAgent.Script {
        var script = ScriptedAgent.Script(
            log: log ?? "", duration: .seconds(seconds ?? 0), exitStatus: exit_status ?? (signal == nil ? 0 : -1),
            signal: signal,
            cancellation: ignores_cancel == true
                ? .isIgnored : .ends(after: .seconds(cancel_seconds ?? 0), signal: "SIGTERM"),
            startsAfter: .seconds(starts_after_seconds ?? 0),
            ending: agent.flatMap(ScriptedAgent.Script.Ending.init(rawValue:)) ?? .finishes)
        script.output += (output ?? []).map { .init($0.text, after: .seconds($0.after_seconds ?? 0)) }
        return script
    }
}
