#if os(Linux)
    import CommandLaunching
    import StacksAPI
    import StacksController
    import Testing

    @Suite("The recipe for Kubernetes", .timeLimit(.minutes(5)))
    struct EngineKubernetesTests {
        /// A kubectl with a cluster of one pod. It knows the words that the recipe needs, and refuses all others, as kubectl
        /// does; a pod that is deleted is stopped, whoever is attached to it.
        private static let programs = [
            "kubectl": """
            printf '%s\\n' "$0" "$@" >>"$REMOTE/calls"
            ! env | grep -q bkjat_ || echo "$0" >>"$REMOTE/leaks"
            [ ! -e "$REMOTE/unreachable" ] || { echo 'The connection to the server was refused' >&2; exit 1; }
            words=()
            for word; do [[ $word == --request-timeout=5s ]] || words+=("$word"); done
            set -- "${words[@]}"
            name=buildkite-01989c5e-0000-7000-8000-00000000000a
            case "$*" in
            'auth can-i --quiet '*)
                [[ " create get delete " == *" $4 "* && $5 == pods && ${6:-} =~ ^(|--subresource=attach)$ ]] || exit 1
                [ ! -e "$REMOTE/no $4${6:-}" ]
                ;;
            'create --output=name --filename=-')
                [ ! -e "$REMOTE/pod" ] || {
                    echo "Error from server (AlreadyExists): error when creating \\"STDIN\\": pods \\"$name\\" already exists" >&2
                    exit 1
                }
                cat >"$REMOTE/pod"
                cat "$REMOTE/pod" >"$REMOTE/manifest"
                grep -q "name: $name\\$" "$REMOTE/pod" || exit 1
                echo "pod/$name"
                ;;
            "get pod $name --ignore-not-found --output=jsonpath="*)
                [ -e "$REMOTE/pod" ] || exit 0
                if [ -e "$REMOTE/waiting" ]; then printf 'Pending||%s|' "$(cat "$REMOTE/waiting")"
                elif [ ! -e "$REMOTE/seen" ]; then printf 'Pending||ContainerCreating|'
                elif [ -e "$REMOTE/evicted" ]; then printf 'Failed|Evicted||137'
                elif [ -e "$REMOTE/exit" ]; then printf 'Failed|||%s' "$(cat "$REMOTE/exit")"
                else printf 'Running|||'; fi
                echo >"$REMOTE/seen"
                ;;
            "attach --stdin --quiet --container=agent $name")
                exec 3<&0
                if [ ! -e "$REMOTE/container" ]; then
                    [ ! -e "$REMOTE/breaks" ] || { rm "$REMOTE/breaks"; echo 'error: lost connection to pod' >&2; exit 1; }
                    echo >"$REMOTE/container"
                    script=$(sed -n 's/^ *- \\("IFS.*\\)/\\1/p; s/^ *- \\("\\\\n.*\\)/\\1/p' "$REMOTE/pod" | jq -r .)
                    setsid bash -c 'exec 3<&0
                        env -i PATH="$PATH" REMOTE="$REMOTE" sh -c "$1" <&3 3<&- & echo "$!" >"$REMOTE/container"
                        wait "$!"; echo "$?" >"$REMOTE/exit.new"; mv "$REMOTE/exit.new" "$REMOTE/exit"' - "$script" <&3 3<&- &
                    [ ! -e "$REMOTE/is lost" ] || { until [ -e "$REMOTE/started" ]; do sleep; done; exit 1; }
                fi
                until [ -e "$REMOTE/exit" ] || [ ! -e "$REMOTE/pod" ]; do sleep; done
                ;;
            "delete pod $name --wait=false --ignore-not-found" | "delete pod $name --ignore-not-found --timeout=60s")
                [ ! -e "$REMOTE/container" ] || kill "$(cat "$REMOTE/container")" 2>/dev/null
                rm -f "$REMOTE/pod"
                ;;
            *) echo "error: unknown command or flag: $*" >&2; exit 1 ;;
            esac
            """,
            "mv": "exec /bin/mv \"$@\"",
        ]

        private func withCluster(_ arguments: [String] = [], _ body: (EngineBed) async throws -> Void) async throws {
            try await EngineBed.with(
                ["run-in-pod"] + arguments, Self.programs,
                environment: ["BUILDKITE_AGENT_ENDPOINT": "http://localhost:1/v3"], body)
        }

        @Test(
            "the agent gets the token, the UUID and the endpoint, nothing that the cluster keeps has the token, and the agent's exit status is the recipe's",
            arguments: [0, 3, 27, 28] as [Int])
        func runs(status: Int) async throws {
            try await withCluster { cluster in
                try cluster.write("\(status)", to: "status")
                let exit = try await cluster.launch()
                #expect(exit.status == status, "\(cluster.log)")
                #expect(cluster.contents(of: "agent") == "bkjat_travels \(EngineBed.job.id) http://localhost:1/v3\n")
                #expect(try cluster.filesWithToken() == ["agent"])
                #expect(!cluster.has("leaks"))
                #expect(!cluster.has("pod"))
                #expect(cluster.log == "")
            }
        }

        @Test("cancelling deletes the pod, and so stops the agent")
        func cancels() async throws {
            try await withCluster { cluster in
                let exit = try await cluster.launch { $0.has("started") }
                #expect(exit.status == 143)
                // The pod ends in its own time.
                try await wait { cluster.contents(of: "end") == "stopped\n" }
                #expect(!cluster.has("pod"))
            }
        }

        @Test("cancelling while the cluster has no room deletes the pod, and no agent is started")
        func cancelsWaiting() async throws {
            try await withCluster { cluster in
                try cluster.write("", to: "waiting")
                let exit = try await cluster.launch { $0.has("seen") }
                #expect(exit.status == 143)
                #expect(!cluster.has("pod") && !cluster.has("agent"))
            }
        }

        @Test(
            "without kubectl, a cluster that responds, or a permission, no pod is created and the job is given back",
            arguments: ["kubectl", "unreachable", "no create", "no delete", "no get", "no create--subresource=attach"])
        func checks(what: String) async throws {
            try await withCluster { cluster in
                if what == "kubectl" { try cluster.remove(program: what) } else { try cluster.write("", to: what) }
                let exit = try await cluster.launch()
                #expect(exit.status == 75)
                #expect(cluster.log.contains("\nrun-in-pod: ") || cluster.log.hasPrefix("run-in-pod: "))
                #expect(!cluster.calls.contains("--filename=-"))
            }
        }

        @Test(
            "a pod whose image cannot be pulled, or whose container cannot be created, is deleted and the job given back",
            arguments: ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError"])
        func image(reason: String) async throws {
            try await withCluster { cluster in
                try cluster.write(reason, to: "waiting")
                let exit = try await cluster.launch()
                #expect(exit.status == 75)
                #expect(cluster.log.contains("does not start with the image buildkite/agent:3: \(reason)\n"))
                #expect(!cluster.has("pod"))
            }
        }

        @Test(
            "a connection that breaks before the token has come, or after it, does not end the agent",
            arguments: ["breaks", "is lost"])
        func breaks(how: String) async throws {
            try await withCluster { cluster in
                try cluster.write("", to: how)
                try cluster.write("3", to: "status")
                #expect(try await cluster.launch().status == 3, "\(cluster.log)")
                #expect(cluster.contents(of: "agent").split(separator: "\n").count == 1)
            }
        }

        @Test("an evicted pod ends the recipe with its status and says why")
        func evicted() async throws {
            try await withCluster { cluster in
                try cluster.write("", to: "evicted")
                #expect(try await cluster.launch().status == 137)
                #expect(cluster.log.contains("the pod buildkite-\(EngineBed.job.id): Evicted"))
            }
        }

        @Test("a pod that a killed recipe has left for the job is deleted first")
        func leftover() async throws {
            try await withCluster { cluster in
                try cluster.write("left", to: "pod")
                try cluster.write("0", to: "status")
                #expect(try await cluster.launch().status == 0, "\(cluster.log)")
                #expect(cluster.calls.contains("--timeout=60s"))
            }
        }

        @Test("an image that has no agent gives the job back")
        func noAgent() async throws {
            try await withCluster { cluster in
                try cluster.remove(program: "buildkite-agent")
                #expect(try await cluster.launch().status == 75)
                #expect(!cluster.has("pod"))
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
                try await withCluster(["default=registry/a:1", "debian-13=registry/b@sha256:0"]) { cluster in
                    try cluster.write("0", to: "status")
                    let exit = try await cluster.launch(EngineBed.job(rules: rules))
                    #expect(exit.status == status, "\(rules) \(cluster.log)")
                    #expect(cluster.has("agent") == (image != nil))
                    if let image { #expect(cluster.contents(of: "manifest").contains("      image: \(image)\n")) }
                    #expect(!cluster.has("hostile") && !cluster.calls.contains { $0.contains("hostile") })
                }
            }
        }
    }
#endif
