import Foundation
import Glibc
import TestServers
import Testing

#if os(Linux)
    /// A real sshd on a port of loopback, started as this user with keys of its own, and an ssh configuration in which it
    /// is the hosts mac-1 and mac-2, and mac-hangs, which runs nothing that it is told. Commands that it starts have the bed's
    /// programs, and `MACHINE`, the host's name.
    enum LoopbackSSHD {
        /// Where distributions have it, which is not on everybody's path.
        static let program = ["/usr/sbin/sshd", "/usr/bin/sshd", "/usr/local/sbin/sshd"]
            .first { FileManager.default.isExecutableFile(atPath: $0) }

        /// No machine is too busy for an answer in time.
        static let environment = ["STACKS_SSH_TIMEOUT": "600"]

        /// Calls `body` with the path of the configuration for ssh.
        static func use(in bed: EngineBed, _ body: (String) async throws -> Void) async throws {
            for key in ["host-key", "key"] {
                try await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", bed.path(key)])
            }
            // As root it wants the directory that a distribution's service makes.
            if geteuid() == 0 {
                try FileManager.default.createDirectory(
                    atPath: "/run/sshd", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
            }
            // Somebody else may take the port before the daemon does.
            for _ in 1...20 {
                if try await serve(in: bed, port: try BoundPort().number, body) { return }
            }
            Issue.record("sshd cannot bind any of twenty ports")
        }

        /// Calls `body` while a daemon listens at a port. Returns false, without having called it, when the port was taken.
        private static func serve(in bed: EngineBed, port: UInt16, _ body: (String) async throws -> Void) async throws
            -> Bool
        {
            try bed.write(
                """
                Port \(port)
                ListenAddress 127.0.0.1
                ListenAddress 127.0.0.2
                HostKey \(bed.path("host-key"))
                AuthorizedKeysFile \(bed.path("key.pub"))
                StrictModes no
                PidFile none
                UsePAM no
                PasswordAuthentication no
                KbdInteractiveAuthentication no
                PermitRootLogin prohibit-password
                AcceptEnv MACHINE BUILDKITE_*
                SetEnv PATH=\(bed.path("bin")):/usr/bin:/bin BED=\(bed.root.path)
                Match LocalAddress 127.0.0.2
                 ForceCommand while [ -d \(bed.root.path) ]; do /bin/sleep 0.02; done

                """, to: "sshd_config")
            try bed.write("mac \(bed["host-key.pub"])", to: "known_hosts")
            let hosts = ["mac-1": 1, "mac-2": 1, "mac-hangs": 2].map { name, number in
                "Host \(name)\n HostName 127.0.0.\(number)\n Port \(port)\n HostKeyAlias mac\n SetEnv MACHINE=\(name)\n"
            }
            // The port that is bound here is nobody else's, and nobody listens there.
            let bound = try BoundPort()
            let off = "Host mac-off\n HostName 127.0.0.1\n Port \(bound.number)\n"
            let all = """
                Host *
                 UserKnownHostsFile \(bed.path("known_hosts"))
                 IdentityFile \(bed.path("key"))
                 IdentitiesOnly yes
                 User \(NSUserName())
                 SendEnv BUILDKITE_*

                """
            try bed.write(hosts.joined() + off + all, to: "ssh_config")
            let daemon = try ChildProcess(
                URL(fileURLWithPath: try #require(program)), ["-D", "-e", "-f", bed.path("sshd_config")])
            defer { daemon.kill() }
            // It goes on when only one of its two addresses can be bound.
            let taken = ["Cannot bind", "Address already in use"]
            let ends = ["fatal", "terminating", "No such file"] + taken
            let listening = ["127.0.0.1", "127.0.0.2"].map { "Server listening on \($0)" }
            let hears = { listening.allSatisfy { daemon.errorText.contains($0) } }
            let says = { (words: [String]) in words.contains { daemon.errorText.contains($0) } }
            try await wait { hears() || says(ends) }
            if says(taken) { return false }
            try #require(hears(), "\(daemon.errorText)")
            try await body(bed.path("ssh_config"))
            _ = bound
            return true
        }

        private static func run(_ program: String, _ arguments: [String]) async throws {
            let child = try ChildProcess(URL(fileURLWithPath: "/usr/bin/env"), [program] + arguments, input: [])
            let outcome = try await child.outcome()
            try #require(outcome.exitStatus == 0, "\(outcome.errorText)")
        }
    }

    /// A port of loopback that is taken, and at which nobody listens, for as long as this lives.
    final class BoundPort {
        let number: UInt16
        private let descriptor: Int32

        init() throws {
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let descriptor = descriptor
            let failed = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                    bind(descriptor, generic, size) != 0 || getsockname(descriptor, generic, &size) != 0
                }
            }
            number = UInt16(bigEndian: address.sin_port)
            if failed { throw POSIXError(.EADDRNOTAVAIL) }
        }

        deinit { close(descriptor) }
    }
#endif
