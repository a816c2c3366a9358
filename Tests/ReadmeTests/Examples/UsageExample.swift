import StacksAPI
import StacksCurl
import StacksTransport

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
    try await client.deregisterStack(key: "mac-fleet")
    await transport.shutdown()
}

func reserveWaitingJobs(token: String) async throws {
    try await withCurlTransport { transport in
        let client = try StacksClient(token: token, transport: transport)
        try await client.registerStack(key: "my-stack", queue: .default)
        let page = try await client.scheduledJobs(stack: "my-stack", queue: .default)
        guard !page.jobs.isEmpty else { return }
        let reservation = try await client.reserveJobs(page.jobs.map(\.id), stack: "my-stack")
        print("reserved \(reservation.reserved), \(reservation.rateLimit?.remaining ?? 0) requests left")
    }
}

func firstPage(token: String, transport: any HTTPTransport) async throws -> [JobID] {
    let client = try StacksClient(token: token, transport: transport)
    let page = try await client.scheduledJobs(stack: "mac-fleet", queue: "default", limit: 1000)
    return page.jobs.map(\.id)
}

func registerAndDeregister(token: String, transport: any HTTPTransport) async throws {
    let client = try StacksClient(token: token, transport: transport)
    let stack = try await client.registerStack(key: "example-stack", metadata: ["test": "true"])
    print("registered \(stack.key), \(stack.rateLimit?.remaining ?? 0) requests left")
    try await client.deregisterStack(key: stack.key)
}

func notifyInBulk(about id: JobID, client: StacksClient) async throws {
    let outbox = NotificationOutbox(client: client, stack: "mac-fleet")
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await outbox.run() }
        try await outbox.post(JobNotification(job: id, detail: "Booting a virtual machine"))
        outbox.finish()
    }
}

func rotatingToken(from vault: Vault) -> TokenProvider {
    let provider = TokenProvider { Secret(try await vault.read("buildkite-agent-token")) }
    return provider
}

/// Stands for wherever secrets are kept.
struct Vault: Sendable {
    func read(_ name: String) async throws -> String { "" }
}
