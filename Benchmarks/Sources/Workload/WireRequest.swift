/// A request as it goes on the wire.
package struct WireRequest: Sendable, Hashable {
    package var method: String
    /// Path and query below the API's base.
    package var path: String
    package var body: [UInt8]?

    /// The token that contestants send. It opens nothing.
    package static let token = "bkct_benchmark"
    /// The stack that calls are about.
    package static let stack = "benchmark"
    /// A stack for which the server never responds.
    package static let silentStack = "silent"
    /// The queue that is listed.
    package static let queue = "default"
    /// What a finished job is told.
    package static let finishDetail = "No capacity left for this job"
    /// What people who wait for a job are told.
    package static let notificationDetail = "Starting a virtual machine"
    /// Where the API is on the server.
    package static let basePath = "/v3"
}

extension Call {
    /// The request of the call, byte for byte what `StacksClient` sends.
    package var request: WireRequest {
        let jobs = Identifiers.jobs.prefix(jobCount)
        let list = jobs.map { #""\#($0)""# }.joined(separator: ",")
        switch self {
        case .states1, .states1000:
            return WireRequest("POST", "jobs/get-states", #"{"job_uuids":[\#(list)]}"#)
        case .job:
            return WireRequest("GET", "jobs/\(jobs[0])")
        case .list100, .list1000:
            return WireRequest("GET", "scheduled-jobs?queue_key=\(WireRequest.queue)&limit=\(jobCount)")
        case .reserve1000:
            return WireRequest("PUT", "scheduled-jobs/batch-reserve", #"{"job_uuids":[\#(list)]}"#)
        case .finish:
            return WireRequest(
                "POST", "jobs/\(jobs[0])/finish", #"{"exit_status":1,"detail":"\#(WireRequest.finishDetail)"}"#)
        case .notify1000:
            let items = jobs.map { #"{"job_uuid":"\#($0)","detail":"\#(WireRequest.notificationDetail)"}"# }
            return WireRequest("POST", "notifications", #"{"notifications":[\#(items.joined(separator: ","))]}"#)
        }
    }
}

extension WireRequest {
    fileprivate init(_ method: String, _ path: String, _ body: String? = nil) {
        self.init(
            method: method, path: "\(Self.basePath)/stacks/\(Self.stack)/\(path)", body: body.map { Array($0.utf8) })
    }
}
