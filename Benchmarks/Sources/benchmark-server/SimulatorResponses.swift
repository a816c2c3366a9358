import Contestant
import Foundation
import HTTPTypes
import NIOCore
import NIOHPACK
import StacksTesting
import StacksTransport
import Workload

/// The simulator's responses: for a controller, whose calls depend on each other.
struct SimulatorResponses: ResponseSource {
    private let simulator: StacksSimulator

    /// - Parameters:
    ///   - jobs: How many are scheduled.
    ///   - rule: The only rule of each; none when left out.
    ///   - time: What the simulator's clock shows.
    init(jobs: Int, rule: String?, time: SharedTime) {
        var configuration = StacksSimulator.Configuration()
        configuration.organizations[0].token = WireRequest.token
        simulator = StacksSimulator(configuration: configuration, clock: SharedClock(time: time))
        var template = SimulatedJob.Template()
        if let rule { template.agentQueryRules = [rule] }
        simulator.addJobs(jobs, queue: WireRequest.queue, template: template)
    }

    var readsBodies: Bool { true }

    func response(to request: ReceivedRequest) -> PreparedAnswer {
        var fields = HTTPFields()
        for name in [HTTPField.Name.authorization, .contentType] {
            if let value = request.fields.first(name: name.canonicalName) { fields[name] = value }
        }
        let method = request.fields.first(name: ":method").flatMap { HTTPRequest.Method($0) } ?? .get
        let body = request.bodySize > 0 ? Array(request.body.readableBytesView) : nil
        let transported = TransportRequest(
            method: method, origin: "", path: request.path, headerFields: fields, body: body)
        guard let response = try? simulator.respond(to: transported) else {
            return PreparedAnswer(status: 500, body: [])
        }
        return PreparedAnswer(
            status: response.status.code,
            fields: response.headerFields.fields.filter { $0.name != .contentLength }
                .map { ($0.name.canonicalName, $0.value) },
            body: response.body)
    }

    /// The time that the controller's process sets.
    private struct SharedClock: SimulatorClock {
        let time: SharedTime

        var date: Date { Date(timeIntervalSince1970: 1_767_225_600 + Double(time.nanoseconds) / 1e9) }
    }
}
