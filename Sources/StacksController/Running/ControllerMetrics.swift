import CoreMetrics

/// Counts for a metrics system what the controller does. Every label has a fixed set of values.
///
/// It belongs to the loop of one run. Counts are set when they change; how old something is changes with every step.
struct ControllerMetrics {
    private static let prefix = "stacks_controller_"

    private let dimensions: [(String, String)]
    private let factory: any MetricsFactory
    private let totals: [(counter: Counter, value: @Sendable (ControllerStatus.Totals) -> Int)]
    private let stages: [(gauge: Gauge, value: @Sendable (ControllerStatus.Current) -> Int)]
    private let idleReasons: [(gauge: Gauge, reason: ControllerStatus.IdleReason)]
    private let slots: Gauge
    private let pollAge: Gauge
    private let oldestWaiting: Gauge
    private let waitingAge: Gauge
    private let dispatch: Timer
    private let start: Timer
    private let run: Timer
    private var last: ControllerStatus?

    init(stack: String, factory: any MetricsFactory) {
        let common = [("stack", stack)]
        func name(_ name: String) -> String { Self.prefix + name }
        dimensions = common
        self.factory = factory
        totals = Self.totalNames.map { label, value in
            let dimensions = common + [("outcome", label)]
            return (Counter(label: name("jobs_total"), dimensions: dimensions, factory: factory), value)
        }
        stages = Self.stageNames.map { label, value in
            (Gauge(label: name("jobs"), dimensions: common + [("stage", label)], factory: factory), value)
        }
        idleReasons = ControllerStatus.IdleReason.allCases.map { reason in
            let dimensions = common + [("reason", reason.label)]
            return (Gauge(label: name("idle"), dimensions: dimensions, factory: factory), reason)
        }
        slots = Gauge(label: name("slots"), dimensions: common, factory: factory)
        pollAge = Gauge(label: name("poll_age_seconds"), dimensions: common, factory: factory)
        oldestWaiting = Gauge(label: name("oldest_waiting_seconds"), dimensions: common, factory: factory)
        waitingAge = Gauge(label: name("waiting_age_seconds"), dimensions: common, factory: factory)
        dispatch = Timer(label: name("dispatch_duration"), dimensions: common, factory: factory)
        start = Timer(label: name("start_duration"), dimensions: common, factory: factory)
        run = Timer(label: name("run_duration"), dimensions: common, factory: factory)
    }

    mutating func record(_ status: ControllerStatus) {
        defer { last = status }
        if status.totals != last?.totals {
            for (counter, value) in totals {
                let increment = value(status.totals) - (last.map { value($0.totals) } ?? 0)
                if increment > 0 { counter.increment(by: increment) }
            }
        }
        if status.current != last?.current {
            for (gauge, value) in stages { gauge.record(value(status.current)) }
        }
        if last == nil || status.idleReason != last?.idleReason {
            for (gauge, reason) in idleReasons { gauge.record(status.idleReason == reason ? 1 : 0) }
        }
        if status.slots != last?.slots { slots.record(status.slots) }
        if let age = status.sinceLastPoll { pollAge.record(age / .seconds(1)) }
        if let age = status.sinceWaitingCount { waitingAge.record(age / .seconds(1)) }
        oldestWaiting.record((status.oldestWaiting?.waited ?? .zero) / .seconds(1))
    }

    func record(_ interval: ControllerInterval, _ duration: Duration) {
        switch interval {
        case .dispatch: dispatch.recordMicroseconds(duration / .microseconds(1))
        case .start: start.recordMicroseconds(duration / .microseconds(1))
        }
    }

    /// Records how long a launcher ran.
    func recordRun(_ duration: Duration) { run.recordMicroseconds(duration / .microseconds(1)) }

    /// Failures are rare, so that their counters are made when they are needed.
    func countFailure(of call: ControllerCall, _ kind: CallFailure.Kind) {
        let labels = [("call", call.label), ("kind", "\(kind)")]
        Counter(label: Self.prefix + "call_failures_total", dimensions: dimensions + labels, factory: factory)
            .increment()
    }

    private static let totalNames: [(String, @Sendable (ControllerStatus.Totals) -> Int)] = [
        ("seen", \.seen), ("unmatched", \.unmatched), ("unreadable", \.unreadable), ("reserved", \.reserved),
        ("not_reserved", \.notReserved),
        ("launched", \.launched), ("finished", \.finished), ("cancelled", \.cancelled), ("failed", \.failed),
        ("released", \.released),
    ]

    private static let stageNames: [(String, @Sendable (ControllerStatus.Current) -> Int)] = [
        ("waiting", \.waiting), ("reserved", \.reserved), ("launching", \.launching), ("running", \.running),
        ("stopping", \.stopping), ("unresponsive", \.unresponsive), ("settling", \.settling),
    ]
}

extension ControllerStatus.IdleReason {
    /// A short name without blanks, fit for a metric's label.
    package var label: String {
        switch self {
        case .paused: "paused"
        case .full: "full"
        case .nothingScheduled: "nothing_scheduled"
        case .nothingMatches: "nothing_matches"
        case .rateLimited: "rate_limited"
        case .unreachable: "unreachable"
        case .noToken: "no_token"
        case .endpointMissing: "endpoint_missing"
        case .cannotStart: "cannot_start"
        case .launchesFail: "launches_fail"
        case .notRunning: "not_running"
        case .dryRun: "dry_run"
        }
    }
}
