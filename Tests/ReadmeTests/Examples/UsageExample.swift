import StacksAPI
import StacksCurl

func usage(token: String) async throws {
    let transport = try CurlTransport()
    let client = try StacksClient(token: token, transport: transport)

    try await client.registerStack(key: "mac-fleet", queue: .default, metadata: ["version": "1.4"])
    let page = try await client.scheduledJobs(stack: "mac-fleet", queue: .default, limit: 1000)
    if !page.jobs.isEmpty {
        let reservation = try await client.reserveJobs(page.jobs.map(\.id), stack: "mac-fleet", expiry: .seconds(900))
        for id in reservation.reserved {
            let job = try await client.job(id, stack: "mac-fleet")
            print(job.environment["BUILDKITE_PIPELINE_SLUG"] ?? "no pipeline")
            try await client.finishJob(id, stack: "mac-fleet", exitStatus: 1, detail: "no capacity")
        }
    }
    try await client.deregisterStack("mac-fleet")
    await transport.shutdown()
}
