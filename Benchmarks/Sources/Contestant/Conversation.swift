/// A contestant's side of the talk with the program that compares them: takes orders from standard input until it ends,
/// and measures what each of them costs this process.
package enum Conversation {
    /// - Parameters:
    ///   - engine: What the contestant stands on, a library and its version.
    ///   - carryOut: Makes the calls of an order and says how they went.
    package static func hold(
        engine: String, carryOut: (Order, Latencies) async throws -> Tally
    ) async throws {
        StandardStream.output.write("\(Greeting(engine: engine).line)\n")
        while let line = readLine() {
            let order = try Order(line: line)
            let latencies = Latencies(capacity: order.calls)
            Allocations.start(order.probe)
            SystemCalls.start(order.probe)
            let (cpu, instructions) = (ProcessUsage.cpuNanoseconds, ProcessUsage.instructions)
            let began = ContinuousClock.now
            let tally = try await carryOut(order, latencies)
            let wall = ContinuousClock.now - began
            let (systemCalls, allocations) = (SystemCalls.end(order.probe), Allocations.end(order.probe))
            var report = Report(
                tally, cpuNanoseconds: ProcessUsage.cpuNanoseconds - cpu, wallNanoseconds: Int(wall / .nanoseconds(1)))
            if let before = instructions, let after = ProcessUsage.instructions { report.instructions = after - before }
            report.allocations = allocations
            report.systemCalls = systemCalls
            StandardStream.output.write("\(report.line)\n")
            StandardStream.output.write(
                UnsafeRawBufferPointer(latencies.values)[..<(tally.calls * MemoryLayout<UInt64>.stride)])
        }
    }
}
