import StacksTesting

/// What an agent has said of its job, in `GET jobs/:uuid`. The log is at `GET jobs/:uuid/log`.
struct RunDocument: Codable {
    struct Annotation: Codable {
        var context: String
        var body: String
        @Nullable var style: String?
        var priority: Int
    }

    struct Artifact: Codable {
        var id: String
        var path: String
        var file_size: Int64
        var state: String
    }

    struct PromisedFailure: Codable {
        var exit_status: Int
        @Nullable var reason: String?
    }

    @Nullable var agent: String?
    @Nullable var signal: String?
    @Nullable var signal_reason: String?
    var log_size: Int
    var log_complete: Bool
    var failed_log_chunks: Int
    var header_times: [String: String]
    @Nullable var promised_failure: PromisedFailure?
    var meta_data: [String: String]
    var annotations: [Annotation]
    var artifacts: [Artifact]

    init(_ job: SimulatedJob) {
        agent = job.agent
        signal = job.signal
        signal_reason = job.signalReason
        log_size = job.logSize
        log_complete = job.isLogComplete
        failed_log_chunks = job.failedLogChunks
        header_times = job.headerTimes
        promised_failure = job.promisedFailure.map { .init(exit_status: $0.exitStatus, reason: $0.reason) }
        meta_data = job.metaData
        annotations = job.annotations.map {
            .init(context: $0.context, body: $0.body, style: $0.style, priority: $0.priority)
        }
        artifacts = job.artifacts.map { .init(id: $0.id, path: $0.path, file_size: $0.size, state: $0.state) }
    }
}
