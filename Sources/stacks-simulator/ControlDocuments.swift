import HTTPTypes
import StacksTesting

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `GET report`.
struct ReportDocument: Encodable {
    struct Latency: Encodable {
        var p50: Double?
        var p99: Double?

        /// Both are there, null when no job was started.
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(p50, forKey: .p50)
            try container.encode(p99, forKey: .p99)
        }

        private enum CodingKeys: String, CodingKey { case p50, p99 }
    }

    /// Jobs that were added.
    var scheduled: Int
    var by_state: [String: Int]
    var reserved: Int
    var launched: Int
    var finished: Int
    var cancelled: Int
    var launched_twice: Int
    var lost: Int
    var reservations_expired: Int
    /// From scheduled to the agent's start, milliseconds.
    var dispatch_latency_ms: Latency
    var connections: Int
    var http_versions: [String: Int]
    var requests: [String: Int]
    var rate_limited: [String: Int]
    var answers_by_status: [String: Int]
    var faults: Int

    init(_ report: SimulatorReport, connections: (connections: Int, requests: [String: Int])) {
        func milliseconds(_ quantile: Double) -> Double? {
            report.dispatchLatency(quantile: quantile).map { ($0 / .microseconds(1)).rounded() / 1000 }
        }
        func named<Key>(_ counts: [Key: Int], _ name: (Key) -> String) -> [String: Int] {
            Dictionary(uniqueKeysWithValues: counts.map { (name($0.key), $0.value) })
        }
        scheduled = report.added
        by_state = named(report.jobsByState, \.rawValue)
        reserved = report.reserved
        launched = report.launched
        finished = report.finished
        cancelled = report.cancelled
        launched_twice = report.launchedTwice
        lost = report.lost
        reservations_expired = report.reservationsExpired
        dispatch_latency_ms = Latency(p50: milliseconds(0.5), p99: milliseconds(0.99))
        self.connections = connections.connections
        http_versions = connections.requests
        requests = named(report.requests, \.rawValue)
        rate_limited = named(report.rateLimited, \.rawValue)
        answers_by_status = named(report.responsesByStatus) { String($0) }
        faults = report.faults
    }
}

/// `GET jobs/:uuid`.
struct JobDocument: Encodable {
    struct Event: Encodable {
        var event: String
        var at: Date
        var state: String
        var stack: String?
    }

    struct Pipeline: Encodable {
        var slug: String?
        var uuid: String?
    }

    struct Build: Encodable {
        var uuid: String?
        var number: Int?
        var branch: String?
    }

    struct Step: Encodable {
        var key: String?
    }

    var id: String
    var queue: String
    var state: String
    var priority: Int
    var agent_query_rules: [String]
    var scheduled_at: Date?
    var runnable_at: Date?
    var pipeline: Pipeline
    var build: Build
    var step: Step
    var reserved_by: String?
    var reservation_expires_at: Date?
    var launches: Int
    var starts: Int
    var finishes: Int
    var finish_attempts: Int
    var exit_status: Int?
    var detail: String?
    var notifications: [String]
    var history: [Event]
    var run: RunDocument

    init(_ job: SimulatedJob) {
        id = job.id
        queue = job.queue
        state = job.state.rawValue
        let listing = job.listing
        priority = listing.priority
        agent_query_rules = listing.agentQueryRules
        scheduled_at = listing.scheduledAt
        runnable_at = listing.runnableAt
        pipeline = Pipeline(slug: listing.pipelineSlug, uuid: listing.pipelineUUID)
        build = Build(uuid: listing.buildUUID, number: listing.buildNumber, branch: listing.branch)
        step = Step(key: listing.stepKey)
        reserved_by = job.reservedBy
        reservation_expires_at = job.reservationExpiresAt
        launches = job.launches
        starts = job.starts
        finishes = job.finishes
        finish_attempts = job.finishAttempts
        exit_status = job.exitStatus
        detail = job.detail
        notifications = job.notifications
        run = RunDocument(job)
        history = job.history.map {
            Event(event: $0.kind.rawValue, at: $0.date, state: $0.state.rawValue, stack: $0.stack)
        }
    }
}

/// `POST jobs/:uuid/move`.
struct MoveDocument: Decodable {
    var state: String
}

/// `POST faults`.
struct FaultDocument: Decodable {
    /// `refuse`, `respond`, `html`, `malformed`, `drop`, `disconnect` or `delay`.
    var kind: String
    /// An operation's name as the report has it; all when left out.
    var operation: String?
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

    /// The fault, or `nil` when a value is none that there is.
    var fault: SimulatorFault? {
        let operation = operation.map { SimulatedOperation(rawValue: $0) }
        if case .some(.none) = operation { return nil }
        if let status, !(200...599).contains(status) { return nil }
        var fields = HTTPFields()
        for (name, value) in headers ?? [:] {
            guard let name = HTTPField.Name(name) else { return nil }
            fields[name] = value
        }
        let action: SimulatorFault.Action
        switch kind {
        case "refuse":
            action = .refuse(
                status: .init(code: status ?? 503), message: message ?? "Not available for now.", headerFields: fields)
        case "respond":
            action = .respond(status: .init(code: status ?? 200), headerFields: fields, body: Array((body ?? "").utf8))
        case "html": action = .html(status: .init(code: status ?? 502))
        case "malformed": action = .malformedJSON
        case "drop": action = .dropResponse
        case "disconnect": action = .connectionRefused
        case "delay": action = .delayOnly
        default: return nil
        }
        return SimulatorFault(
            action, for: operation ?? nil, count: count ?? 1, skipping: skipping ?? 0, probability: probability ?? 1,
            delay: .milliseconds(delay_ms ?? 0)
        )
    }
}
