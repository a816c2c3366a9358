import Benchmark
import HTTPTypes
import StacksCurl
import StacksTransport

/// The way to a transport's I/O thread and back: a request with a path that is refused there, before anything is sent.
func registerMailbox() throws {
    let transport = try CurlTransport()
    let request = TransportRequest(method: .get, origin: "https://127.0.0.1", path: "refused")

    Benchmark("mailbox, there and back", configuration: .short) { benchmark in
        for _ in benchmark.scaledIterations { await expectRefusal(of: request, by: transport) }
    }
    Benchmark("mailbox, there and back on the executor", configuration: .short) { benchmark in
        let iterations = benchmark.scaledIterations
        await withTaskExecutorPreference(transport.executor) {
            for _ in iterations { await expectRefusal(of: request, by: transport) }
        }
    }
}

private func expectRefusal(of request: TransportRequest, by transport: CurlTransport) async {
    do {
        blackHole(try await transport.send(request))
        print("a request that cannot be sent was sent")
    } catch {
        blackHole(error)
    }
}
