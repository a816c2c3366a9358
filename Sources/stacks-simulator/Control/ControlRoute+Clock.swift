import HTTPTypes
import StacksTesting

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension ControlRoute {
    static let clock: [ControlRoute] = [
        ControlRoute(.get, "clock", "the simulator's time", documents: [ClockDocument.self]) { control, _ in
            try control.json(ClockDocument(control))
        },
        ControlRoute(
            .post, "clock/advance", "moves the time, with --clock manual",
            body: [ControlMember(name: "seconds", kind: .seconds, isRequired: true)],
            failures: [.conflict], documents: [ClockDocument.self]
        ) { control, call in
            guard let clock = control.clock else {
                throw ControlFailure.conflict(
                    "The simulator has the system's clock; one that was started with --clock manual can be moved.")
            }
            let seconds = try call.read(AdvanceDocument.self).seconds
            let (isAdvanced, now) = clock.advance(by: .seconds(seconds), before: endOfDates)
            guard isAdvanced else {
                throw ControlFailure.badRequest(
                    "seconds is \(seconds), which leads beyond the year 9999, from \(now.iso8601).")
            }
            return try control.json(ClockDocument(isManual: true, now: now))
        },
    ]

    /// The end of what a date of the API can say.
    static let endOfDates = Date(timeIntervalSince1970: 253_402_300_800)
}

/// `GET clock`.
struct ClockDocument: Codable {
    /// `system` or `manual`.
    var kind: String
    var now: Date

    init(isManual: Bool, now: Date) {
        kind = isManual ? "manual" : "system"
        self.now = now
    }

    init(_ control: ControlEndpoints) { self.init(isManual: control.clock != nil, now: control.simulator.date) }
}

/// `POST clock/advance`.
struct AdvanceDocument: Decodable {
    var seconds: Double
}
