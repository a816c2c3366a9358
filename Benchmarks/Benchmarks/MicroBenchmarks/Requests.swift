import Benchmark
import StacksAPI
import Workload

/// Calls whose response is next to nothing: what is measured is making the request.
func registerRequests() throws {
    let states = try CannedResponse(#"{"states":{}}"#).client()
    let nothing = try CannedResponse(#"{"errors":[]}"#).client()
    let job = try CannedResponse(#"{"id":"1","env":{},"command":""}"#).client()

    Benchmark("request, states of 1 job", configuration: .short) { benchmark in
        for _ in benchmark.scaledIterations { blackHole(try await states.jobStates([jobs[0]], stack: "stack")) }
    }
    Benchmark("request, states of 1000 jobs") { benchmark in
        for _ in benchmark.scaledIterations { blackHole(try await states.jobStates(jobs, stack: "stack")) }
    }
    Benchmark("request, finish", configuration: .short) { benchmark in
        for _ in benchmark.scaledIterations {
            blackHole(
                try await nothing.finishJob(
                    jobs[0], stack: "stack", exitStatus: 1, detail: "No capacity left\nfor this \"job\""))
        }
    }
    let notifications = jobs.map { JobNotification(job: $0, detail: WireRequest.notificationDetail) }
    Benchmark("request, notify 1000 jobs") { benchmark in
        for _ in benchmark.scaledIterations { blackHole(try await nothing.notify(notifications, stack: "stack")) }
    }
    // The difference between these two is the escaping of 36 characters.
    Benchmark("path, plain", configuration: .short) { benchmark in
        for _ in benchmark.scaledIterations { blackHole(try await job.job(jobs[0], stack: "stack")) }
    }
    let escaped = JobID("0190f7a0.1111.4000.8000/a b c d e f ")
    Benchmark("path, escaped", configuration: .short) { benchmark in
        for _ in benchmark.scaledIterations { blackHole(try await job.job(escaped, stack: "stack")) }
    }
}
