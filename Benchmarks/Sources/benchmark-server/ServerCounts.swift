import Contestant
import Synchronization

/// What has reached the server so far.
final class ServerCounts: Sendable {
    private let connections = Atomic(0)
    private let requests = Atomic(0)

    func countConnection() { connections.wrappingAdd(1, ordering: .relaxed) }
    func countRequest() { requests.wrappingAdd(1, ordering: .relaxed) }

    /// For whoever asks for `/_counts`.
    var json: String {
        """
        {"connections":\(connections.load(ordering: .relaxed)),"requests":\(requests.load(ordering: .relaxed)),\
        "cpuNanoseconds":\(ProcessUsage.cpuNanoseconds)}
        """
    }
}
