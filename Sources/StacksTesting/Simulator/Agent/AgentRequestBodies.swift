#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The bodies of an agent's requests. What the simulator does not use of them is not decoded.
extension RequestBody {
    struct AgentRegister: Decodable {
        var name: String?
        var hostname: String?
        var os: String?
        var version: String?
        var meta_data: [String]?
    }

    struct Heartbeat: Decodable {
        var sent_at: String
    }

    struct AgentStop: Decodable {
        var force: Bool?
    }

    struct AgentPause: Decodable {
        var note: String?
        var timeout_in_minutes: Int?
    }

    struct AgentStart: Decodable {
        var started_at: String?
    }

    struct AgentFinish: Decodable {
        var exit_status: AgentExitStatus
        var signal: String?
        var signal_reason: String?
        var finished_at: String?
        var chunks_failed_count: Int?
    }

    /// An exit status: a string from an agent, a number the short way.
    struct AgentExitStatus: Decodable {
        var value: Int

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Int.self) {
                value = number
            } else if let number = Int(try container.decode(String.self)) {
                value = number
            } else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a whole number")
            }
        }
    }

    struct HeaderTimes: Decodable {
        var header_times: [String: String]
    }

    struct PromisedFailure: Decodable {
        var exit_status: Int
        var reason: String?
    }

    struct MetaDataItem: Decodable {
        var key: String
        /// An agent leaves an empty value out.
        var value: String?
    }

    struct MetaDataKey: Decodable {
        var key: String
    }

    struct MetaDataBatch: Decodable {
        var items: [MetaDataItem]
    }

    struct Annotation: Decodable {
        var body: String?
        var context: String?
        var style: String?
        var append: Bool?
        var priority: Int?
        var scope: String?
    }

    struct Artifacts: Decodable {
        struct Artifact: Decodable {
            var path: String
            var absolute_path: String?
            var glob_path: String?
            var file_size: Int64
            var sha1sum: String?
            var sha256sum: String?
            var content_type: String?
            var upload_destination: String?
        }

        var artifacts: [Artifact]
        var upload_destination: String?
    }

    struct ArtifactStates: Decodable {
        struct Artifact: Decodable {
            var id: String
            var state: String
        }

        var artifacts: [Artifact]
    }

    /// Checks that a text is a time as agents write it (RFC 3339): `2026-01-01T00:00:00.123456789+01:00`.
    static func checkTime(_ text: String?, named name: String) throws(Refusal) {
        guard let text, !isTime(Array(text.utf8.prefix(65))) else { return }
        throw .badRequest("\(name) is not a time as in 2026-01-01T00:00:00Z.")
    }

    private static func isTime(_ bytes: [UInt8]) -> Bool {
        guard bytes.count <= 64 else { return false }
        func matches(_ bytes: some Collection<UInt8>, _ pattern: String) -> Bool {
            bytes.count == pattern.utf8.count
                && zip(bytes, pattern.utf8).allSatisfy { $1 == UInt8(ascii: "0") ? isDigit($0) : $0 == $1 }
        }
        guard matches(bytes.prefix(19), "0000-00-00T00:00:00") else { return false }
        var rest = bytes.dropFirst(19)
        if rest.first == UInt8(ascii: ".") {
            let fraction = rest.dropFirst().prefix(while: isDigit)
            guard !fraction.isEmpty else { return false }
            rest = rest[fraction.endIndex...]
        }
        if rest.elementsEqual("Z".utf8) { return true }
        guard let sign = rest.first, [UInt8(ascii: "+"), UInt8(ascii: "-")].contains(sign) else { return false }
        return matches(rest.dropFirst(), "00:00")
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
