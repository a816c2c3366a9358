package import Workload

/// What a contestant is told to do: one line of JSON on its standard input.
package struct Order: Codable, Sendable {
    /// The call to make.
    package var call: Call
    /// How many callers make it, each again as soon as it was answered.
    package var concurrency: Int
    /// After how many calls no further one is begun.
    package var calls: Int
    /// After how many milliseconds no further call is begun.
    package var milliseconds: Int

    package init(call: Call, concurrency: Int, calls: Int, milliseconds: Int) {
        self.call = call
        self.concurrency = concurrency
        self.calls = calls
        self.milliseconds = milliseconds
    }
}

/// What a contestant says once it takes orders.
package struct Greeting: Codable, Sendable {
    /// What it stands on, a library and its version.
    package var engine: String

    package init(engine: String) { self.engine = engine }
}

/// What a contestant reports of an order: one line of JSON on its standard output. The latencies follow it as bytes,
/// nanoseconds in 64 bits each, because putting them into JSON would cost the memory that is being measured.
package struct Report: Codable, Sendable {
    /// Calls made, failures among them; as many latencies follow.
    package var calls: Int
    /// Calls that failed.
    package var errors: Int
    /// Why the first of them failed.
    package var firstError: String?
    /// CPU time of the process during the order, user and system, in nanoseconds.
    package var cpuNanoseconds: Int
    /// From the first call's start to the last one's end, in nanoseconds.
    package var wallNanoseconds: Int
    /// The most memory the process had resident so far, in bytes.
    package var peakMemoryBytes: Int

    package init(
        calls: Int, errors: Int, firstError: String?, cpuNanoseconds: Int, wallNanoseconds: Int, peakMemoryBytes: Int
    ) {
        self.calls = calls
        self.errors = errors
        self.firstError = firstError
        self.cpuNanoseconds = cpuNanoseconds
        self.wallNanoseconds = wallNanoseconds
        self.peakMemoryBytes = peakMemoryBytes
    }
}
