import HTTPTypes
import StacksTesting
import StacksTransport
import Synchronization

/// A simulator behind a network that loses requests, responses and its patience, as a seed has it.
final class LossyTransport: HTTPTransport {
    /// What can go wrong, each with its chance in percent.
    struct Weather {
        var losesRequest = 15
        var refusesConnection = 10
        var losesResponse = 20
        var badGatewayBefore = 5
        var badGatewayAfter = 5
        var unavailable = 5
        var rateLimited = 5
        /// The request arrives later than the client waits for it.
        var isLate = 0
    }

    private struct State {
        var generator: SeededGenerator
        var late: [TransportRequest] = []
    }

    private let inner: Timeless
    private let weather: Weather
    private let state: Mutex<State>

    init(_ simulator: StacksSimulator, seed: UInt64, weather: Weather = Weather()) {
        inner = simulator.timelessTransport()
        self.weather = weather
        state = Mutex(State(generator: SeededGenerator(seed: seed)))
    }

    func send(_ request: TransportRequest) async throws -> TransportResponse {
        let (drawn, late) = state.withLock { state in
            let dice = Int(state.generator.next() % 100)
            let arrives = state.generator.next() % 2 == 0
            defer { if arrives { state.late = [] } }
            return (dice, arrives ? state.late : [])
        }
        for request in late { _ = try await inner.send(request) }
        var dice = drawn
        func comesUp(_ chance: Int) -> Bool {
            dice -= chance
            return dice < 0
        }
        let lost = TransportError(code: .connectionClosed, phase: .waiting, message: "lost")
        if comesUp(weather.losesRequest) { throw lost }
        if comesUp(weather.refusesConnection) {
            throw TransportError(code: .connect, phase: .connecting, message: "refused")
        }
        if comesUp(weather.isLate) {
            state.withLock { $0.late.append(request) }
            throw TransportError(code: .timeout, phase: .waiting, message: "too slow")
        }
        if comesUp(weather.badGatewayBefore) { return TransportResponse(status: .badGateway) }
        if comesUp(weather.unavailable) { return TransportResponse(status: .serviceUnavailable) }
        if comesUp(weather.rateLimited) { return TransportResponse(status: .tooManyRequests) }
        let response = try await inner.send(request)
        if comesUp(weather.losesResponse) { throw lost }
        if comesUp(weather.badGatewayAfter) { return TransportResponse(status: .badGateway) }
        return response
    }
}
