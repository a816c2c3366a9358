import HTTPTypes
import StacksTesting

/// `POST faults`.
struct FaultDocument: Decodable {
    /// `refuse`, `respond`, `html`, `malformed`, `drop`, `disconnect` or `delay`.
    var kind: String
    /// An operation's name as the report has it; all when left out.
    var operation: String?
    /// `stacks` or `agents`.
    var side: String?
    var job: String?
    var stack: String?
    var organization: String?
    var status: Int?
    /// For `refuse`.
    var message: String?
    /// For `respond`.
    var body: String?
    var headers: [String: String]?
    var count: Int?
    var skipping: Int?
    var probability: Double?
    var delay_ms: Int?

    static let members: [ControlMember] = [
        ControlMember(name: "kind", kind: .choice(settings.map(\.kind)), isRequired: true),
        ControlMember(
            name: "operation", kind: .choice(SimulatedOperation.allCases.map(\.rawValue)),
            about: "the operation that it affects; all when left out"),
        ControlMember(
            name: "side", kind: .choice(SimulatorFault.Side.allCases.map(\.rawValue)),
            about: "whose requests it affects; all when left out"),
        ControlMember(
            name: "job", kind: .uuid, about: "only requests with this job in their path, or of its agent"),
        ControlMember(name: "stack", kind: .text(1...80), about: "only requests with this stack in their path"),
        ControlMember(
            name: "organization", kind: .organization, about: "only requests of this one; all when left out"),
        setting("status", .integer(200...599)), setting("message", .text(upTo: 65_536)),
        setting("body", .text(upTo: 1 << 20)), setting("headers", .headers),
        ControlMember(name: "count", kind: .integer(1...1_000_000_000), about: "how often it occurs; 1 when left out"),
        ControlMember(name: "skipping", kind: .integer(0...1_000_000_000), about: "how many requests it skips first"),
        ControlMember(name: "probability", kind: .number(0.000_001...1), about: "for each request; 1 when left out"),
        ControlMember(
            name: "delay_ms", kind: .integer(0...3_600_000),
            about: "how long the response is delayed; a delay needs it"),
    ]

    /// What each kind takes besides what all take.
    private static let settings: [(kind: String, takes: [String])] = [
        ("refuse", ["status", "message", "headers"]), ("respond", ["status", "body", "headers"]), ("html", ["status"]),
        ("malformed", []), ("drop", []), ("disconnect", []), ("delay", []),
    ]

    private static func setting(_ name: String, _ kind: ControlMember.Kind) -> ControlMember {
        ControlMember(
            name: name, kind: kind,
            onlyWith: ("kind", settings.filter { $0.takes.contains(name) }.map(\.kind)))
    }

    /// The fault, if its ``check()`` finds nothing.
    var fault: SimulatorFault {
        var fields = HTTPFields()
        for (name, value) in headers ?? [:] {
            if let name = HTTPField.Name(name) { fields[name] = value }
        }
        let action: SimulatorFault.Action =
            switch kind {
            case "refuse":
                .refuse(
                    status: .init(code: status ?? 503), message: message ?? "Not available for now.",
                    headerFields: fields)
            case "respond":
                .respond(status: .init(code: status ?? 200), headerFields: fields, body: Array((body ?? "").utf8))
            case "html": .html(status: .init(code: status ?? 502))
            case "malformed": .malformedJSON
            case "drop": .dropResponse
            case "disconnect": .connectionRefused
            default: .delayOnly
            }
        var fault = SimulatorFault(
            action, for: operation.flatMap(SimulatedOperation.init(rawValue:)), count: count ?? 1,
            skipping: skipping ?? 0, probability: probability ?? 1, delay: .milliseconds(delay_ms ?? 0))
        fault.side = side.flatMap(SimulatorFault.Side.init(rawValue:))
        fault.job = job
        fault.stack = stack
        fault.organization = organization
        return fault
    }
}

/// A fault in `GET faults`.
struct FaultListDocument: Codable {
    var number: Int
    var kind: String
    @Nullable var operation: String?
    @Nullable var side: String?
    @Nullable var job: String?
    @Nullable var stack: String?
    @Nullable var organization: String?
    @Nullable var status: Int?
    @Nullable var count: Int?
    var skipping: Int
    var probability: Double
    var delay_ms: Double

    init(number: Int, _ fault: SimulatorFault) {
        self.number = number
        kind = fault.action.name
        operation = fault.operation?.rawValue
        side = fault.side?.rawValue
        job = fault.job
        stack = fault.stack
        organization = fault.organization
        status = fault.action.status?.code
        count = fault.count
        skipping = fault.skipping
        probability = fault.probability
        delay_ms = fault.delay / .milliseconds(1)
    }
}
