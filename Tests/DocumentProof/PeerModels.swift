import Foundation
import StacksAPI

// The documents of the API as Codable types, written without a look at the client's readers: what may be null or
// missing is optional here.

struct PeerStack: Peer {
    var id: String
    var organization_uuid: String
    var cluster_queue_key: String?
    var key: String
    var type: String
    var metadata: [String: String?]?
    var last_connected_on: PeerDate?
    var state: String

    var value: Stack {
        Stack(
            id: StackID(id), organizationUUID: OrganizationID(organization_uuid),
            clusterQueueKey: cluster_queue_key.map { QueueKey($0) }, key: key, type: StackType(rawValue: type),
            metadata: (metadata ?? [:]).compactMapValues { $0 }, lastConnectedOn: last_connected_on?.date,
            state: StackState(rawValue: state))
    }
}

/// A list that has to be there, and can be null.
struct PeerList<Element: Decodable>: Decodable {
    var elements: [Element]

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        elements = container.decodeNil() ? [] : try container.decode([Element].self)
    }
}

/// A value of a list, which does not take the list with it when it is not what it should be.
struct PeerElement<Value: Decodable>: Decodable {
    var value: Value?

    init(from decoder: any Decoder) throws { value = try? decoder.singleValueContainer().decode(Value.self) }
}

/// A page, with what is comparable of the jobs that cannot be read: where they stand.
struct ComparedPage: Equatable {
    var page: ScheduledJobsPage
    var unreadable: [Int]

    init(_ page: ScheduledJobsPage) {
        self.page = page
        self.page.unreadableJobs = []
        unreadable = page.unreadableJobs.map(\.position)
    }
}

struct PeerPage: Peer {
    struct Job: Decodable {
        struct Pipeline: Decodable {
            var slug: String?
            var uuid: String?
        }
        struct Build: Decodable {
            var uuid: String?
            var number: Int?
            var branch: String?
        }
        struct Step: Decodable { var key: String? }

        var id: String
        var priority: Int?
        var agent_query_rules: [String]?
        var scheduled_at: PeerDate?
        var runnable_at: PeerDate?
        var pipeline: Pipeline?
        var build: Build?
        var step: Step?

        var value: ScheduledJob {
            ScheduledJob(
                id: JobID(id), priority: priority ?? 0, agentQueryRules: agent_query_rules ?? [],
                scheduledAt: scheduled_at?.date, runnableAt: runnable_at?.date,
                pipeline: .init(slug: pipeline?.slug, uuid: (pipeline?.uuid).map { PipelineID($0) }),
                build: .init(
                    uuid: (build?.uuid).map { BuildID($0) }, number: build?.number, branch: build?.branch),
                step: .init(key: step?.key))
        }
    }
    struct Info: Decodable {
        var has_next_page: Bool?
        var end_cursor: String?
    }
    struct Queue: Decodable {
        var id: String?
        var dispatch_paused: Bool?
        var paused: Bool?
    }

    var jobs: PeerList<PeerElement<Job>>
    var page_info: Info?
    var cluster_queue: Queue?

    /// The jobs; `nil` for one that cannot be read, or has no name.
    private var elements: [ScheduledJob?] { jobs.elements.map { $0.value.flatMap { $0.id.isEmpty ? nil : $0.value } } }

    var value: ComparedPage {
        var page = ScheduledJobsPage(
            jobs: elements.compactMap { $0 },
            pageInfo: .init(hasNextPage: page_info?.has_next_page ?? false, endCursor: page_info?.end_cursor),
            clusterQueue: .init(
                id: (cluster_queue?.id).map { ClusterQueueID($0) },
                isDispatchPaused: cluster_queue?.dispatch_paused ?? false || cluster_queue?.paused ?? false))
        page.unreadableJobs = elements.indices.filter { elements[$0] == nil }
            .map { UnreadableJob(position: $0, field: "", reason: "") }
        return ComparedPage(page)
    }
}

struct PeerReservation: Peer {
    var reserved: PeerList<String>
    var not_reserved: [String]?

    var value: Reservation {
        Reservation(
            reserved: reserved.elements.map { JobID($0) }, notReserved: (not_reserved ?? []).map { JobID($0) })
    }
}

struct PeerJob: Peer {
    var id: String
    var env: [String: String?]?
    var command: String?

    var value: Job {
        Job(id: JobID(id), environment: (env ?? [:]).compactMapValues { $0 }, command: command ?? "")
    }
}

struct PeerStates: Peer {
    /// A dictionary that has to be there, and can be null.
    struct States: Decodable {
        var states: [String: String?]

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            states = container.decodeNil() ? [:] : try container.decode([String: String?].self)
        }
    }

    var states: States

    var value: JobStates {
        var result: [JobID: JobState] = [:]
        for (job, state) in states.states { if let state { result[JobID(job)] = JobState(rawValue: state) } }
        return JobStates(states: result)
    }
}

struct PeerTokens: Peer {
    struct Token: Decodable {
        var job_uuid: String
        var job_acquisition_token: String
        var expires_at: PeerDate?
    }

    /// A token, or at least whose it is.
    struct Entry: Decodable {
        private struct Name: Decodable { var job_uuid: String }

        var token: Token?
        var job: String?

        init(from decoder: any Decoder) throws {
            token = try? Token(from: decoder)
            job = token == nil ? (try? Name(from: decoder))?.job_uuid : nil
        }
    }
    var job_acquisition_tokens: PeerList<PeerElement<Entry>>
    var not_issued: [String]?

    var value: JobAcquisitionTokens {
        let entries = job_acquisition_tokens.elements.compactMap(\.value)
        let issued = entries.compactMap(\.token).map { token in
            JobAcquisitionToken(
                job: JobID(token.job_uuid), token: Secret(token.job_acquisition_token),
                expiresAt: token.expires_at?.date)
        }
        let notIssued = (not_issued ?? []).map { JobID($0) }
        // Each job once, and none that has a token all the same.
        var named = Set(issued.map(\.job)).union(notIssued)
        let unreadable = entries.compactMap(\.job).map { JobID($0) }.filter { named.insert($0).inserted }
        return JobAcquisitionTokens(issued: issued, notIssued: notIssued + unreadable)
    }
}

struct PeerNotificationResult: Peer {
    struct Failure: Decodable {
        var error: String?
        var indexes: [Int]?
    }
    var errors: [Failure]?

    var value: NotificationResult {
        NotificationResult(
            failures: (errors ?? []).map { NotificationFailure(error: $0.error ?? "", indexes: $0.indexes ?? []) })
    }
}

struct PeerIdentity: Peer {
    var uuid: String?
    var description: String?
    var token_type: String?
    var organization_slug: String?
    var organization_uuid: String?
    var cluster_uuid: String?
    var cluster_name: String?
    var organization_queue_uuid: String?
    var organization_queue_key: String?

    var value: TokenIdentity {
        var identity = TokenIdentity()
        identity.uuid = uuid
        identity.description = description
        identity.tokenType = token_type
        identity.organizationSlug = organization_slug
        identity.organizationUUID = organization_uuid
        identity.clusterUUID = cluster_uuid
        identity.clusterName = cluster_name
        identity.organizationQueueUUID = organization_queue_uuid
        identity.organizationQueueKey = organization_queue_key
        return identity
    }
}
