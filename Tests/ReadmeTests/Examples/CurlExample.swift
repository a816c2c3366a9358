import StacksAPI
import StacksCurl

func oneTransport(token: String) async throws {
    let transport = try CurlTransport()
    let client = try StacksClient(token: token, transport: transport)
    try await client.registerStack(key: "mac-fleet")
    await transport.shutdown()
}

func throughProxy(token: String) async throws {
    var configuration = CurlTransport.Configuration()
    configuration.proxy = .url("http://proxy.example:3128", exceptFor: [".internal"])
    configuration.certificateAuthorities = .file("/etc/ssl/company-ca.pem")

    try await withCurlTransport(configuration: configuration) { transport in
        let client = try StacksClient(token: token, transport: transport)
        try await client.registerStack(key: "linux-fleet")
    }
}

func onTheTransportsThread(_ transport: CurlTransport, client: StacksClient, jobs: [JobID]) async throws {
    try await withTaskExecutorPreference(transport.executor) {
        let states = try await client.jobStates(jobs, stack: "mac-fleet")
        print(states.states.count)
    }
}
