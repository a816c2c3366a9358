/// What is said of a metric: its description, and the bounds of its buckets in seconds.
///
/// The libraries describe theirs in the articles Metrics and RunningInProduction; a test holds these texts to them.
struct MetricDefinition: Sendable {
    var help: String
    var bounds: [Double] = MetricDefinition.callBounds

    /// For calls: from a response on a warm connection to one after every retry.
    static let callBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
    /// For waits of jobs: from at once to an hour.
    static let waitBounds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600]
    /// For jobs: from one that fails at once to one of a day.
    static let runBounds: [Double] = [1, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 28_800, 86_400]

    /// By the label that the metric is made with.
    static let all: [String: MetricDefinition] = client.merging(controller) { $1 }.merging(tool) { $1 }

    /// Those of `StacksAPI`.
    static let client: [String: MetricDefinition] = [
        "stacks_api_call_duration": .init(
            help: "Calls, including waits, retries and decoding; its count is the number of calls"),
        "stacks_api_call_errors": .init(help: "Failed calls, by the code of their error"),
        "stacks_api_retries": .init(help: "Retried requests, by the code of the failure before"),
        "stacks_api_retry_budget_spent": .init(help: "Calls that failed because the retry budget was spent"),
        "stacks_api_rate_limit_wait": .init(help: "Calls that waited for the rate limit", bounds: waitBounds),
        "stacks_api_finish_confirmations": .init(
            help: "Finishes whose response was lost and that the job's state confirmed"),
        "stacks_transport_requests": .init(
            help: "Requests with a 2xx response, by whether they reused a connection"),
        "stacks_transport_connect": .init(help: "Name lookup, connection and TLS handshake of a new connection"),
        "stacks_transport_first_byte": .init(help: "Until the first byte of the response"),
        "stacks_transport_total": .init(help: "Until the response was complete"),
    ]

    /// Those of `StacksController`.
    static let controller: [String: MetricDefinition] = [
        "stacks_controller_jobs_total": .init(help: "Jobs by what became of them"),
        "stacks_controller_jobs": .init(help: "Jobs by what is being done with them"),
        "stacks_controller_slots": .init(help: "How many may be in flight"),
        "stacks_controller_idle": .init(help: "1 for the reason why nothing is started, 0 for the others"),
        "stacks_controller_poll_age_seconds": .init(
            help: "The age of the last successful poll when the controller last did something"),
        "stacks_controller_oldest_waiting_seconds": .init(
            help: "For how long the controller has known the job that waits longest; 0 when none waits"),
        "stacks_controller_waiting_age_seconds": .init(
            help: "The age of the number of waiting jobs: while nothing can be started they are not counted"),
        "stacks_controller_dispatch_duration": .init(
            help: "From being listed to being launched", bounds: waitBounds),
        "stacks_controller_start_duration": .init(
            help: "From being launched to being seen with an agent: off by up to the watch interval",
            bounds: waitBounds),
        "stacks_controller_run_duration": .init(
            help: "From being launched to the end of the launcher", bounds: runBounds),
        "stacks_controller_call_failures_total": .init(help: "Failed calls"),
    ]

    /// Those of this tool, which the article RunningInProduction describes too.
    static let tool: [String: MetricDefinition] = [
        "stacksctl_dispatch_latency": .init(
            help: "From the job's scheduled time, by Buildkite's clock, to the start of its command",
            bounds: waitBounds),
        "stacksctl_slots": .init(help: "The slots that the stacks of this process share"),
        "stacksctl_slots_used": .init(help: "How many of them are taken or promised to a stack"),
        "stacksctl_rate_limit": .init(help: "How many requests a second Buildkite allows, by the scope of the limit"),
        "stacksctl_rate_limit_used": .init(
            help: "The most that were used of that in a second of the last minute"),
        "stacksctl_metrics_refused_total": .init(
            help: "Metrics that are not kept, because there are too many or two are of one name"),
        "stacksctl_info": .init(help: "1, with the version of the tool as a label"),
        "process_cpu_seconds_total": .init(help: "User and system time that this process has used"),
        "process_resident_memory_bytes": .init(help: "Resident memory of this process, on Linux"),
        "process_virtual_memory_bytes": .init(help: "Virtual memory of this process, on Linux"),
        "process_open_fds": .init(help: "Open file descriptors of this process"),
        "process_max_fds": .init(help: "The limit on open file descriptors of this process"),
        "process_start_time_seconds": .init(help: "When this process was started, in seconds since 1970"),
    ]
}
