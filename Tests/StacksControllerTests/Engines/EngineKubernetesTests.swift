#if os(Linux)
    import CommandLaunching
    import Foundation
    import StacksAPI
    import StacksController
    import Testing

    @Suite("The recipe for Kubernetes", .timeLimit(.minutes(5)))
    struct EngineKubernetesTests {
        private static let pod = "buildkite-\(EngineBed.job().id)"

        private func withCluster(
            _ arguments: [String] = [], _ body: (EngineBed, CommandLauncher) async throws -> Void
        ) async throws {
            try await EngineBed.use(
                programs: ["kubectl": kubectlStandIn],
                environment: ["BUILDKITE_AGENT_ENDPOINT": "http://localhost:1/v3"]
            ) { cluster in
                try await body(cluster, try cluster.launcher("run-in-pod", arguments))
            }
        }

        private func expectNoPod(_ cluster: EngineBed, _ sourceLocation: SourceLocation = #_sourceLocation) throws {
            #expect(try cluster.files(in: "pods") == [], sourceLocation: sourceLocation)
        }

        @Test(
            "the agent gets the token, the UUID and the endpoint, nothing that the cluster keeps has the token, and the agent's exit status is the recipe's",
            arguments: [0, 3, 27, 28] as [Int])
        func runs(status: Int) async throws {
            try await withCluster { cluster, launcher in
                try cluster.write("\(status)", to: "status")
                #expect(try await launcher.launch(EngineBed.job()).status == status, "\(cluster.log())")
                try cluster.expectAgentHadAll(and: ["BUILDKITE_AGENT_ENDPOINT=http://localhost:1/v3"])
                #expect(cluster.log() == "the agent writes\n")
                try expectNoPod(cluster)
            }
        }

        /// They do not agree on what backslashes are.
        private static let awks = ["gawk", "mawk", "original-awk"].map { "/usr/bin/\($0)" }
            .filter { FileManager.default.isExecutableFile(atPath: $0) }

        @Test("the script is the same with every awk", arguments: EngineKubernetesTests.awks)
        func awk(program: String) async throws {
            try await withCluster { cluster, launcher in
                try cluster.remove(program: "awk")
                try FileManager.default.createSymbolicLink(
                    atPath: cluster.path("bin/awk"), withDestinationPath: program)
                try cluster.write("3", to: "status")
                #expect(try await launcher.launch(EngineBed.job()).status == 3, "\(cluster.log())")
            }
        }

        @Test("cancelling deletes the pod, and so stops the agent")
        func cancels() async throws {
            try await withCluster { cluster, launcher in
                #expect(try await launcher.launch { cluster.hasStarted() }.status == 143)
                // The pod ends in its own time.
                try await wait { cluster.agent(EngineBed.job(), "end") == "stopped\n" }
                try expectNoPod(cluster)
            }
        }

        @Test("cancelling while the cluster has no room deletes the pod, and no agent is started")
        func cancelsWaiting() async throws {
            try await withCluster { cluster, launcher in
                try cluster.write("ContainerCreating", to: "waiting")
                #expect(try await launcher.launch { cluster.has("pods/\(Self.pod)/seen") }.status == 143)
                #expect(!cluster.hasStarted())
                try expectNoPod(cluster)
            }
        }

        @Test(
            "without kubectl, a cluster that responds, or a permission, no pod is created and the job is given back",
            arguments: ["kubectl", "unreachable", "no create", "no delete", "no get", "no create--subresource=attach"])
        func checks(what: String) async throws {
            try await withCluster { cluster, launcher in
                if what == "kubectl" { try cluster.remove(program: what) } else { try cluster.write(to: what) }
                try await cluster.expectNoStart(launcher, saying: "run-in-pod: ")
                #expect(!cluster["calls"].contains("--filename=-"))
            }
        }

        @Test(
            "a pod whose image cannot be pulled, or whose container cannot be created, is deleted and the job given back",
            arguments: ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError"],
            [false, true])
        func image(reason: String, isBesideTheAgent: Bool) async throws {
            try await withCluster { cluster, launcher in
                try cluster.write(
                    isBesideTheAgent ? #"{"waiting":{"reason":"\#(reason)"}}"# : reason,
                    to: isBesideTheAgent ? "sidecar" : "waiting")
                try await cluster.expectNoStart(
                    launcher,
                    saying: "run-in-pod: a container of the pod \(Self.pod) does not start: \(reason); "
                        + "its agent has the image buildkite/agent:3\n")
                try expectNoPod(cluster)
            }
        }

        @Test(
            "another container of the pod, whether it has ended first or runs on, does not end the job",
            arguments: [#"{"terminated":{"exitCode":9}}"#, #"{"running":{}}"#], [0, 3] as [Int])
        func sidecar(state: String, status: Int) async throws {
            try await withCluster { cluster, launcher in
                try cluster.write(state, to: "sidecar")
                try cluster.write("\(status)", to: "status")
                #expect(try await launcher.launch(EngineBed.job()).status == status, "\(cluster.log())")
                #expect(cluster.hasStarted())
                try expectNoPod(cluster)
            }
        }

        @Test(
            "a connection that breaks before the token has come, or after it, does not end the agent",
            arguments: ["breaks", "is lost"])
        func breaks(how: String) async throws {
            try await withCluster { cluster, launcher in
                try cluster.write(to: how)
                let launch = Task { try await launcher.launch(EngineBed.job()) }
                try await wait { cluster.hasStarted() }
                try cluster.write("3", to: "status")
                #expect(try await launch.value.status == 3, "\(cluster.log())")
                try cluster.expectAgentHadAll(and: ["BUILDKITE_AGENT_ENDPOINT=http://localhost:1/v3"])
            }
        }

        @Test(
            "a pod that the cluster ends, before its agent has started or later, gives the job back, whatever its status",
            arguments: ["Evicted", "NodeLost", "NodeShutdown", "Terminated", "Preempting"])
        func evicted(reason: String) async throws {
            try await withCluster { cluster, launcher in
                try cluster.write(reason, to: "evicted")
                try await cluster.expectNoStart(
                    launcher, saying: "the pod \(Self.pod) has ended before its agent has started: \(reason)\n")
                try expectNoPod(cluster)
            }
            try await withCluster { cluster, launcher in
                let launch = Task { try await launcher.launch(EngineBed.job()) }
                try await wait { cluster.hasStarted() }
                try cluster.write(reason, to: "evicted")
                #expect(try await launch.value.status == 75)
                #expect(cluster.log().contains("run-in-pod: the cluster has ended the pod \(Self.pod): \(reason)\n"))
                try expectNoPod(cluster)
            }
        }

        @Test(
            "a pod that somebody deletes, or that ends without an exit status, gives the job back",
            arguments: [
                ("gone", "is gone: somebody has deleted it, or its node was lost\n"),
                ("deleting", "has ended because it is being deleted\n"),
                ("no state", "has ended without an exit status: no reason is given\n"),
            ])
        func deleted(how: String, words: String) async throws {
            try await withCluster { cluster, launcher in
                let launch = Task { try await launcher.launch(EngineBed.job()) }
                try await wait { cluster.hasStarted() }
                if how == "gone" {
                    try FileManager.default.moveItem(
                        atPath: cluster.path("pods/\(Self.pod)"), toPath: cluster.path("gone"))
                } else {
                    try cluster.write(to: how)
                }
                #expect(try await launch.value.status == 75)
                #expect(cluster.log().contains("run-in-pod: the pod \(Self.pod) \(words)"))
                try expectNoPod(cluster)
            }
        }

        @Test("a pod that a killed recipe has left for the job is deleted first")
        func leftover() async throws {
            try await withCluster { cluster, launcher in
                try FileManager.default.createDirectory(
                    atPath: cluster.path("pods/\(Self.pod)"), withIntermediateDirectories: true)
                try cluster.write("0", to: "status")
                #expect(try await launcher.launch(EngineBed.job()).status == 0, "\(cluster.log())")
                #expect(cluster["calls"].contains("--timeout=60s"))
            }
        }

        @Test("a pod that is left and is not deleted gives its own job back, and says so")
        func stuck() async throws {
            try await withCluster { cluster, launcher in
                try FileManager.default.createDirectory(
                    atPath: cluster.path("pods/\(Self.pod)"), withIntermediateDirectories: true)
                try cluster.write(to: "stuck")
                try await cluster.expectNoStart(
                    launcher, status: 28, saying: "run-in-pod: the pod \(Self.pod), which is left, is not deleted\n")
            }
        }

        @Test("an image that has no agent gives the job back")
        func noAgent() async throws {
            try await withCluster { cluster, launcher in
                try cluster.remove(program: "buildkite-agent")
                try await cluster.expectNoStart(launcher, saying: "there is no buildkite-agent here\n")
                try expectNoPod(cluster)
            }
        }

        @Test("a job's rule chooses between the images that are offered, and nothing else")
        func offered() async throws {
            let hostile = "x\n  hostNetwork: true # $(touch hostile) `touch hostile` --kubeconfig=x"
            for (rules, image, status) in [
                ([], "registry/a:1", 0), (["image=debian-13"], "registry/b@sha256:0", 0), (["image=debian"], nil, 1),
                (["image=\(hostile)"], "registry/a:1", 0), (["image=$(touch hostile)"], nil, 1),
                (["image=--kubeconfig=x"], nil, 1), (["image=*"], nil, 1),
            ] as [([String], String?, Int)] {
                try await withCluster(["default=registry/a:1", "debian-13=registry/b@sha256:0"]) { cluster, launcher in
                    try cluster.write("0", to: "status")
                    let exit = try await launcher.launch(EngineBed.job(rules: rules))
                    #expect(exit.status == status, "\(rules) \(cluster.log())")
                    #expect(cluster.hasStarted() == (image != nil))
                    if let image { #expect(cluster["manifest"].contains("      image: \(image)\n")) }
                    #expect(!cluster.has("hostile") && !cluster["calls"].contains("hostile"))
                }
            }
        }
    }
#endif
