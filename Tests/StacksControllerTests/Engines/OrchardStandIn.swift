import Foundation
import Synchronization
import TestServers
import Testing

#if os(Linux)
    /// What stands in for Orchard's controller: the part of its REST API that the recipe uses, with the paths, members, values
    /// and statuses of its OpenAPI description (version 0.55), on a port of loopback. It refuses what the description does not
    /// have, and what the real one refuses beyond that: another account (401), and an empty or odd name (412).
    ///
    /// A machine runs for as long as there is a directory `orchard/NAME` in the bed, where ``orchardStandIn`` notes what it
    /// runs there. A deleted one takes all that with it.
    final class OrchardStandIn: Sendable {
        /// What becomes of a machine.
        enum Fate: Sendable {
            /// It is placed once it has been looked at so often.
            case runs(afterLooks: Int)
            case fails(String)
            /// Somebody else deletes it.
            case isDeleted
        }

        /// What keeps a machine from being deleted.
        enum Fault: Sendable {
            /// The controller says that it cannot.
            case isStuck
            /// The controller says nothing.
            case isSilent
        }

        private struct Machine {
            let image: String
            var looks = 0
            var failure: String?
            var fault: Fault?
        }

        private struct State {
            var machines: [String: Machine] = [:]
            var refused: [String] = []
            var deleted: [String] = []
            var unanswered = 0
            var failsCreations = false
        }

        /// The members of VMMeta and VMSpec that may be set.
        private static let members: Set<String> = [
            "name", "os", "arch", "runtime", "image", "imagePullPolicy", "cpu", "memory", "diskSize", "net-softnet",
            "netSoftnet", "netSoftnetAllow", "netSoftnetBlock", "suspendable", "net-bridged", "headless", "nested",
            "username", "password", "startup_script", "restart_policy", "resources", "labels", "hostDirs", "powerState",
        ]

        static let account = "buildkite:orchard-secret"

        /// What leads to it.
        static func environment(url: String) -> [String: String] {
            let parts = account.split(separator: ":").map(String.init)
            return [
                "ORCHARD_URL": url, "ORCHARD_SERVICE_ACCOUNT_NAME": parts[0], "ORCHARD_SERVICE_ACCOUNT_TOKEN": parts[1],
                "ACCOUNT": account, "STACKS_ORCHARD_INTERVAL": "1",
            ]
        }

        private let bed: EngineBed
        private let fate: Fate
        private let state = Mutex(State())

        /// Machines that are there, and their images.
        var images: [String: String] { state.withLock { $0.machines.mapValues(\.image) } }
        var deleted: [String] { state.withLock { $0.deleted } }
        /// Requests that the description does not have.
        var refused: [String] { state.withLock { $0.refused } }

        init(bed: EngineBed, fate: Fate) {
            self.bed = bed
            self.fate = fate
        }

        /// The next requests get no response.
        func hangUp(_ count: Int) { state.withLock { $0.unanswered = count } }

        /// A machine that is there already.
        func add(_ name: String, _ fault: Fault? = nil) {
            state.withLock { $0.machines[name] = Machine(image: "old", fault: fault) }
        }

        /// What creates a machine fails from now on after it has done so.
        func failCreations() { state.withLock { $0.failsCreations = true } }

        /// A machine can be deleted again.
        func free(_ name: String) { state.withLock { $0.machines[name]?.fault = nil } }

        /// The worker of a machine is lost, which the controller notices.
        func lose(_ name: String) {
            state.withLock {
                $0.machines[name]?.failure = "VM is assigned to a worker that lost connection with the controller"
            }
        }

        func reply(to request: String) -> LoopbackServer.Reply {
            let head = request.components(separatedBy: "\r\n\r\n")
            let line = head[0].components(separatedBy: "\r\n")[0].split(separator: " ").map(String.init)
            let fields = head[0].lowercased()
            return state.withLock { state in
                if state.unanswered > 0 {
                    state.unanswered -= 1
                    return .hangUp
                }
                let basic = "authorization: basic " + Data(Self.account.utf8).base64EncodedString().lowercased()
                guard fields.contains(basic) else { return .ok("", status: "401 Unauthorized") }
                let path = line[1].split(separator: "/", omittingEmptySubsequences: false).map(String.init)
                switch (line[0], path.count) {
                case ("POST", 3) where line[1] == "/v1/vms":
                    return create(head.dropFirst().joined(), isJSON: fields.contains("application/json"), &state)
                case ("GET", 4) where path[2] == "vms": return look(path[3], &state)
                case ("DELETE", 4) where path[2] == "vms": return delete(path[3], &state)
                default:
                    state.refused.append(line.joined(separator: " "))
                    return .ok("", status: "404 Not Found")
                }
            }
        }

        private func create(_ body: String, isJSON: Bool, _ state: inout State) -> LoopbackServer.Reply {
            guard isJSON, let vm = try? JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any] else {
                state.refused.append(body)
                return .ok(#"{"message":"invalid JSON was provided"}"#, status: "400 Bad Request")
            }
            let unknown = Set(vm.keys).subtracting(Self.members)
            guard unknown.isEmpty, vm["headless"] as? Bool == true,
                ["Never", "OnFailure"].contains(vm["restart_policy"] as? String)
            else {
                state.refused.append(body)
                return .ok(#"{"message":"not in the description"}"#, status: "412 Precondition Failed")
            }
            let name = vm["name"] as? String ?? ""
            let allowed = name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ":-_.".contains($0)) }
            guard !name.isEmpty, name.count <= 63, allowed, let image = vm["image"] as? String, !image.isEmpty else {
                state.refused.append(body)
                return .ok(#"{"message":"VM name or image"}"#, status: "412 Precondition Failed")
            }
            guard state.machines[name] == nil else {
                return .ok(#"{"message":"VM with this name already exists"}"#, status: "409 Conflict")
            }
            state.machines[name] = Machine(image: image)
            if state.failsCreations { return .ok("<html>", status: "502 Bad Gateway") }
            return .ok(document(name, image, "pending", "scheduling"))
        }

        private func look(_ name: String, _ state: inout State) -> LoopbackServer.Reply {
            guard var machine = state.machines[name] else { return .ok("", status: "404 Not Found") }
            machine.looks += 1
            state.machines[name] = machine
            if let failure = machine.failure { return .ok(document(name, machine.image, "failed", failure)) }
            switch fate {
            case .isDeleted:
                end(name, &state)
                return .ok("", status: "404 Not Found")
            case .fails(let message): return .ok(document(name, machine.image, "failed", message))
            case .runs(let looks):
                // A text that looks like a member.
                guard machine.looks > looks else {
                    return .ok(document(name, machine.image, "pending", #"waits, \"status\":\"running\""#))
                }
                try? FileManager.default.createDirectory(
                    atPath: bed.path("orchard/\(name)"), withIntermediateDirectories: true)
                return .ok(document(name, machine.image, "running", ""))
            }
        }

        private func delete(_ name: String, _ state: inout State) -> LoopbackServer.Reply {
            guard let machine = state.machines[name] else { return .ok("", status: "404 Not Found") }
            switch machine.fault {
            case .isStuck: return .ok(#"{"message":"no disk"}"#, status: "500 Internal Server Error")
            case .isSilent: return .hangUp
            case nil:
                end(name, &state)
                return .ok()
            }
        }

        private func end(_ name: String, _ state: inout State) {
            state.machines[name] = nil
            state.deleted.append(name)
            for guest in bed["orchard/\(name)/guests"].split(separator: "\n").compactMap({ pid_t($0) }) {
                kill(-guest, SIGKILL)
            }
            try? FileManager.default.removeItem(atPath: bed.path("orchard/\(name)"))
        }

        /// The members come in the real one's order, a text between the status and what else is called so.
        private func document(_ name: String, _ image: String, _ status: String, _ message: String) -> String {
            #"{"name":"\#(name)","createdAt":"2026-05-11T15:56:46Z","image":"\#(image)","imagePullPolicy":"IfNotPresent","#
                + #""headless":true,"status":"\#(status)","status_message":"\#(message)","restart_policy":"Never","#
                + #""uid":"5f0c","resources":{"org.cirruslabs.tart-vms":1},"generation":0,"os":"darwin","arch":"arm64","#
                + #""runtime":"tart","powerState":"running","localName":"orchard-\#(name)","observedGeneration":0,"#
                + #""conditions":[{"type":"scheduled","state":"false"}]}"#
        }
    }

    /// What stands in for the command `orchard`: `orchard ssh vm NAME COMMAND` with its options, which connects to machines
    /// that run. The real one ends with 1 whatever the command ended with, and this one does. `$BED/unreachable` is how often sshd does not
    /// answer yet; `$BED/hangs` has a connection take for ever; `$BED/deaf` keeps it from noticing the end of the machine, as with a lost worker.
    let orchardStandIn = [
        "orchard": """
        fail() { echo "$1" >&2; exit 1; }
        [ "$1 $2" = 'ssh vm' ] || fail "unknown command \\"$1\\" for \\"orchard\\""
        shift 2
        words=()
        while [ $# -gt 0 ]; do
            case $1 in
            -u | --username | -p | --password | -t | --wait) shift ;;
            -*) fail "unknown flag: $1" ;;
            *) words+=("$1") ;;
            esac
            shift
        done
        [ ${#words[@]} -ge 1 ] && [ ${#words[@]} -le 2 ] || fail "accepts between 1 and 2 arg(s), received ${#words[@]}"
        [ -n "$ORCHARD_URL" ] && [ "$ORCHARD_SERVICE_ACCOUNT_NAME:$ORCHARD_SERVICE_ACCOUNT_TOKEN" = "$ACCOUNT" ] ||
            fail 'API client encountered an error while attempting to make a request: 401 Unauthorized'
        vm=$BED/orchard/${words[0]}
        [ -d "$vm" ] || fail "ssh command failed: failed to setup port-forwarding to the VM \\"${words[0]}\\""
        left=$(cat "$BED/unreachable" 2>/dev/null)
        if [ "${left:-0}" -gt 0 ]; then
            echo $((left - 1)) >"$BED/unreachable"
            fail 'ssh command failed: failed to establish an SSH connection: EOF'
        fi
        while [ -e "$BED/hangs" ]; do sleep 0.02; done
        exec 3<&0
        setsid env -i PATH="$PATH" BED="$BED" MACHINE="${words[0]}" \\
            sh -c 'echo $$ >>"$0/guests"; exec sh -c "$1"' "$vm" "${words[1]}" <&3 3<&- &
        wait "$!"
        status=$?
        while [ -e "$BED/deaf" ] && [ "${words[1]}" != true ]; do sleep 0.02; done
        [ "$status" = 0 ] || fail "Process exited with status $status"
        """,
        // No machine is too busy for a response in time. `$BED/slow delete` has a deletion wait for `$BED/go`.
        "curl": #"""
        if [ -e "$BED/slow delete" ] && [[ "$*" == *' DELETE '* ]]; then
            echo >"$BED/deletes"
            until [ -e "$BED/go" ]; do [ -d "$BED" ] || exit; sleep 0.02; done
        fi
        for word; do
            [ "$word" != 5 ] || word=600
            words+=("$word")
        done
        exec /usr/bin/curl "${words[@]}"
        """#,
    ]
#endif
