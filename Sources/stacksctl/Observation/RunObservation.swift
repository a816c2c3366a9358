import CoreMetrics
import Logging
import StacksAPI
import StacksController
import StacksTransport

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a run collects for people and machines that watch it. It exists only for a run that listens.
final class RunObservation: Sendable {
    let metrics = PrometheusRegistry()
    let history = RunHistory()
    let limits = RateLimitUse()
    let problems = RecentProblems()
    let startedAt = Date()
    private let processMetrics: ProcessMetrics

    init() {
        processMetrics = ProcessMetrics(in: metrics, startedAt: startedAt)
        gauge("stacksctl_info", ("version", StacksAPIVersion.current)).record(1)
    }

    /// The same log, whose warnings and errors are kept here too.
    func observing(_ logger: Logger) -> Logger {
        var observed = logger
        observed.handler = MultiplexLogHandler([logger.handler, ProblemLogHandler(problems)])
        return observed
    }

    /// A job's command is about to be started, so long after the job was scheduled.
    func dispatched(stack: String, after latency: Duration) {
        let latency = max(.zero, latency)
        history.dispatched(stack: stack, after: latency)
        Timer(label: "stacksctl_dispatch_latency", dimensions: [("stack", stack)], factory: metrics)
            .recordMicroseconds(latency / .microseconds(1))
    }

    /// Brings up to date what is read at a scrape: ages go on while a controller waits.
    func updateGauges(of stacks: [StackController], slots: SlotPool?) {
        processMetrics.update()
        for stack in stacks {
            let status = stack.status
            let label = ("stack", stack.stackKey)
            if let age = status.sinceLastPoll {
                gauge("stacks_controller_poll_age_seconds", label).record(age.inSeconds)
            }
            if let age = status.sinceWaitingCount {
                gauge("stacks_controller_waiting_age_seconds", label).record(age.inSeconds)
            }
            if status.phase != .idle {
                gauge("stacks_controller_oldest_waiting_seconds", label)
                    .record((status.oldestWaiting?.waited ?? .zero).inSeconds)
            }
        }
        if let slots {
            gauge("stacksctl_slots").record(slots.slots)
            gauge("stacksctl_slots_used").record(slots.used)
        }
        for use in limits.uses {
            let labels = [("stack", use.stack), ("scope", use.scope)]
            Gauge(label: "stacksctl_rate_limit", dimensions: labels, factory: metrics).record(use.limit)
            Gauge(label: "stacksctl_rate_limit_used", dimensions: labels, factory: metrics).record(use.used)
        }
        metrics.sampledCounter("stacksctl_metrics_refused_total")?.set(Double(metrics.refused))
    }

    private func gauge(_ label: String, _ dimensions: (String, String)...) -> Gauge {
        Gauge(label: label, dimensions: dimensions, factory: metrics)
    }
}

extension Duration {
    /// The duration as a number of seconds.
    var inSeconds: Double { self / .seconds(1) }
}
