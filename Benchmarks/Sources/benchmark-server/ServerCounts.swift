import Contestant
import Synchronization

/// What has reached the server so far.
final class ServerCounts: Sendable {
    private let connections = Atomic(0)
    private let requests = Atomic(0)
    private let bytesReceived = Atomic(0)
    private let bytesSent = Atomic(0)

    func countConnection() { connections.wrappingAdd(1, ordering: .relaxed) }
    func countRequest() { requests.wrappingAdd(1, ordering: .relaxed) }

    /// Bytes of the frames, without those of TLS.
    func count(received: Int) { bytesReceived.wrappingAdd(received, ordering: .relaxed) }
    func count(sent: Int) { bytesSent.wrappingAdd(sent, ordering: .relaxed) }

    /// For whoever asks for `/_counts`.
    var json: String {
        """
        {"connections":\(connections.load(ordering: .relaxed)),"requests":\(requests.load(ordering: .relaxed)),\
        "bytesReceived":\(bytesReceived.load(ordering: .relaxed)),"bytesSent":\(bytesSent.load(ordering: .relaxed)),\
        "cpuNanoseconds":\(ProcessUsage.cpuNanoseconds)}
        """
    }
}
