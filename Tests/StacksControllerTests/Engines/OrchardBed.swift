import CommandLaunching
import Foundation
import StacksController
import TestServers
import Testing

#if os(Linux)
    /// A bed with what stands in for Orchard.
    struct OrchardBed {
        static let image = "ghcr.io/cirruslabs/macos-tahoe-base:latest"
        static let vm = "buildkite-\(EngineBed.job().id)"

        let bed: EngineBed
        let controller: OrchardStandIn
        let url: String

        static func use(
            _ fate: OrchardStandIn.Fate = .runs(afterLooks: 0), _ body: (OrchardBed) async throws -> Void
        ) async throws {
            try await EngineBed.use(programs: orchardStandIn) { bed in
                let controller = OrchardStandIn(bed: bed, fate: fate)
                let server = try LoopbackServer { request, _ in controller.reply(to: request) }
                defer { server.stop() }
                try await body(OrchardBed(bed: bed, controller: controller, url: server.origin))
            }
        }

        func launcher(
            shell: String = "/bin/sh",
            images: [String] = ["default=\(OrchardBed.image)", "xcode=xcode-16"],
            environment: [String: String?] = [:]
        ) throws -> CommandLauncher {
            let own: [String: String?] = OrchardStandIn.environment(url: url + "/")
            return try bed.launcher(
                "run-in-orchard", [bed.path("slots")] + images, shell: shell,
                environment: own.merging(environment) { $1 })
        }

        /// That no machine and no file is left, and nothing was asked for that the description does not have.
        func expectNothingLeft(_ sourceLocation: SourceLocation = #_sourceLocation) throws {
            #expect(controller.images.isEmpty, sourceLocation: sourceLocation)
            #expect(controller.refused == [], sourceLocation: sourceLocation)
            #expect(try bed.files(in: "slots") == [], sourceLocation: sourceLocation)
        }
    }
#endif
