import HTTPTypes
import StacksTesting

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension ControlRoute {
    /// How many jobs can be still to arrive.
    private static let largestPendingCount = 1_000_000

    private static let weight = ControlMember(
        name: "weight", kind: .number(0.001...1_000_000), about: "1 when left out")

    static let arrivals: [ControlRoute] = [
        ControlRoute(
            .get, "arrivals", "how many jobs are still to arrive", documents: [PendingArrivalsDocument.self]
        ) { control, _ in
            try control.json(PendingArrivalsDocument(pending: control.simulator.pendingArrivals))
        },
        ControlRoute(
            .post, "arrivals", "adds jobs over time",
            body: [
                ControlMember(
                    name: "rate", kind: .number(0.001...100_000), isRequired: true,
                    about: "jobs in a second, on average"),
                ControlMember(
                    name: "count", kind: .integer(1...AddJobsDocument.largestCount), about: "how many; or for_seconds"),
                ControlMember(
                    name: "for_seconds", kind: .seconds, about: "for how long; or count",
                    insteadOf: "count"),
                ControlMember(
                    name: "spread", kind: .choice(SimulatedArrivals.Spread.allCases.map(\.rawValue)),
                    about: "even when left out"),
                ControlMember(name: "queue", kind: .queue, about: "the default queue when left out"),
                .organization,
                ControlMember(
                    name: "jobs", kind: .list(of: .object([weight] + AddJobsDocument.templateMembers), 1...100),
                    about: "the kinds of jobs, one of which is chosen each time by its weight"),
            ], status: .created, failures: [.conflict], documents: [ScheduledArrivalsDocument.self]
        ) { control, call in
            let request = try call.read(ArrivalsDocument.self)
            let count = request.count ?? Int((request.rate * (request.for_seconds ?? 0)).rounded())
            guard (1...AddJobsDocument.largestCount).contains(count) else {
                throw ControlFailure.badRequest(
                    "rate and for_seconds make \(count) jobs; there must be between 1 and \(AddJobsDocument.largestCount)."
                )
            }
            var arrivals = SimulatedArrivals(count: count, rate: request.rate)
            arrivals.spread = request.spread.flatMap(SimulatedArrivals.Spread.init(rawValue:)) ?? .even
            if let jobs = request.jobs {
                arrivals.mix = jobs.map { .init(weight: $0.weight, template: $0.document.template) }
            }
            let queue = request.queue ?? "_default"
            let isPlayed = control.simulator.playsJobs
            for share in arrivals.mix {
                try share.template.checkSize(count: count, queue: queue, isPlayed: isPlayed)
            }
            let scheduling = control.simulator.schedule(
                arrivals, queue: queue, organization: request.organization, pendingAtMost: largestPendingCount,
                before: endOfDates)
            switch scheduling {
            case .until(let last):
                return try control.json(ScheduledArrivalsDocument(count: count, last_at: last), status: .created)
            case .tooMany(let pending):
                throw ControlFailure.conflict(
                    "\(count) jobs would be too many: \(pending) are still to arrive, and there can be at most "
                        + "\(largestPendingCount).")
            case .tooLate(let now):
                throw ControlFailure.badRequest(
                    "rate is \(request.rate), at which \(count) jobs would arrive beyond the year 9999, from "
                        + "\(now.iso8601).")
            case .impossible: throw control.missing(queue, of: request.organization)
            }
        },
    ]
}

/// `POST arrivals`.
struct ArrivalsDocument: Decodable {
    struct Job: Decodable {
        var weight: Double
        var document: AddJobsDocument

        private enum Key: String, CodingKey { case weight }

        init(from decoder: any Decoder) throws {
            weight =
                try decoder.container(keyedBy: Key.self).decodeIfPresent(Double.self, forKey: .weight) ?? 1
            document = try AddJobsDocument(from: decoder)
        }
    }

    var rate: Double
    var count: Int?
    var for_seconds: Double?
    var spread: String?
    var queue: String?
    var organization: String?
    var jobs: [Job]?
}

/// `GET arrivals`.
struct PendingArrivalsDocument: Codable {
    var pending: Int
}

/// The response to `POST arrivals`.
struct ScheduledArrivalsDocument: Codable {
    var count: Int
    var last_at: Date
}
