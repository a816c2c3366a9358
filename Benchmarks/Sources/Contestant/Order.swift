package import Workload

/// What a contestant is told to do: one line of JSON on its standard input.
package struct Order: Encodable, Sendable {
    /// What is done with a call.
    package enum Deed: String, Codable, Sendable {
        /// The call is made and completes.
        case answer
        /// The call gets no response and is cancelled while it is under way; the latency is that of the cancellation.
        case cancel
    }

    /// What is looked at besides the cost.
    package enum Probe: String, Codable, Sendable {
        case nothing
        /// How many allocations and system calls are made.
        case counts
        /// Where allocations are made.
        case allocationSites
    }

    /// The call to make.
    package var call: Call
    /// How many callers make it, each again as soon as it has its response.
    package var concurrency: Int
    /// After how many calls no further one is begun.
    package var calls: Int
    /// After how many milliseconds no further call is begun.
    package var milliseconds: Int
    package var deed = Deed.answer
    package var probe = Probe.nothing

    package init(call: Call, concurrency: Int, calls: Int, milliseconds: Int) {
        self.call = call
        self.concurrency = concurrency
        self.calls = calls
        self.milliseconds = milliseconds
    }
}

/// What a contestant says once it takes orders.
package struct Greeting: Decodable, Sendable {
    /// What it stands on, a library and its version.
    package var engine: String

    package init(engine: String) { self.engine = engine }
}

/// What a contestant reports of an order: one line of JSON on its standard output. The latencies follow it as bytes,
/// nanoseconds in 64 bits each, because putting them into JSON would cost the memory that is being measured.
package struct Report: Decodable, Sendable {
    /// Calls made, failures among them; as many latencies follow.
    package var calls: Int
    /// Calls that failed.
    package var errors: Int
    /// Why the first of them failed.
    package var firstError: String?
    /// CPU time of the process during the order, user and system, in nanoseconds.
    package var cpuNanoseconds: Int
    /// Instructions of the process during the order, where the machine counts them.
    package var instructions: Int?
    /// From the first call's start to the last one's end, in nanoseconds.
    package var wallNanoseconds: Int
    /// The most memory the process had resident so far, in bytes.
    package var peakMemoryBytes: Int
    /// The memory it has resident now, in bytes.
    package var residentMemoryBytes: Int
    /// As much of that as is no file's, in bytes.
    package var anonymousMemoryBytes: Int
    /// What the order's probe found.
    package var allocations: Allocations?
    package var systemCalls: SystemCalls?

    package init(_ tally: Tally, cpuNanoseconds: Int, wallNanoseconds: Int) {
        calls = tally.calls
        errors = tally.errors
        firstError = tally.firstError
        self.cpuNanoseconds = cpuNanoseconds
        self.wallNanoseconds = wallNanoseconds
        peakMemoryBytes = ProcessUsage.peakMemoryBytes
        residentMemoryBytes = ProcessUsage.residentMemoryBytes
        anonymousMemoryBytes = ProcessUsage.anonymousMemoryBytes
    }
}
