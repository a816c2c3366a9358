import HTTPTypes
import Hummingbird
import StacksTesting

/// Rate limits and outages, and the reset of all.
extension ControlRoute {
    static let switches: [ControlRoute] = [
        switching("rate-limits/on", "refuses requests beyond the limits") { $0.setEnforcesRateLimits(true) },
        switching("rate-limits/off", "refuses no requests for being too many") { $0.setEnforcesRateLimits(false) },
        outage("organization/available", "ends an outage", false),
        outage("organization/unavailable", "refuses every request of an organization with 503", true),
        ControlRoute(
            .post, "reset", "makes everything as it was at the start",
            body: [
                ControlMember(
                    name: "seed", kind: .integer(0...Int.max), about: "another seed, for other UUIDs and job tokens")
            ], status: .noContent
        ) { control, call in
            let seed = try call.read(ResetDocument.self).seed
            control.simulator.reset(seed: seed.map { UInt64($0) }, start: control.start)
            control.connections.reset()
            return Response(status: .noContent)
        },
    ]

    private static func outage(_ path: String, _ about: String, _ isUnavailable: Bool) -> ControlRoute {
        ControlRoute(.post, path, about, body: [.organization], status: .noContent) { control, call in
            control.simulator.setUnavailable(
                isUnavailable, organization: try call.read(OrganizationChoice.self).organization)
            return Response(status: .noContent)
        }
    }

    private static func switching(
        _ path: String, _ about: String, _ perform: @escaping @Sendable (StacksSimulator) -> Void
    ) -> ControlRoute {
        ControlRoute(.post, path, about, status: .noContent) { control, _ in
            perform(control.simulator)
            return Response(status: .noContent)
        }
    }
}
