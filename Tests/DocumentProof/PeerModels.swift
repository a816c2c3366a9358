import Foundation
import StacksAPI

// The documents of the API as Codable types, written without a look at the client's readers: what may be null or
// missing is optional here.

struct PeerStack: Peer {
    var id: String
    var organization_uuid: String
    var cluster_queue_key: PeerElement<String>?
    var key: String
    var type: String
    var metadata: PeerElement<[String: PeerElement<String>]>?
    var last_connected_on: PeerElement<PeerDate>?
    var state: String

    var value: Stack {
        Stack(
            id: StackID(id), organizationUUID: OrganizationID(organization_uuid),
            clusterQueueKey: (cluster_queue_key?.value).map { QueueKey($0) }, key: key, type: StackType(rawValue: type),
            metadata: (metadata?.value ?? [:]).compactMapValues(\.value),
            lastConnectedOn: last_connected_on?.value?.date,
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

/// An element of a list or an optional field, which does not fail the document when it is something else.
struct PeerElement<Value: Decodable>: Decodable {
    var value: Value?
    var isNull: Bool

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        isNull = container.decodeNil()
        value = try? container.decode(Value.self)
    }
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
        var has_next_page: PeerElement<Bool>?
        var end_cursor: PeerElement<String>?

        var value: ScheduledJobsPage.PageInfo {
            let cursor = end_cursor?.value
            let isUnknown = has_next_page.map { $0.value == nil && !$0.isNull } ?? false
            return .init(
                hasNextPage: isUnknown ? cursor?.isEmpty == false : has_next_page?.value ?? false, endCursor: cursor)
        }
    }
    struct Queue: Decodable {
        var id: PeerElement<String>?
        var dispatch_paused: PeerElement<Bool>?
        var paused: PeerElement<Bool>?

        var value: ScheduledJobsPage.ClusterQueue {
            // What is no boolean counts as a pause.
            func isPause(_ element: PeerElement<Bool>?) -> Bool { element.map { $0.value ?? !$0.isNull } ?? false }
            return .init(
                id: (id?.value).map { ClusterQueueID($0) },
                isDispatchPaused: isPause(dispatch_paused) || isPause(paused))
        }
    }

    var jobs: PeerList<PeerElement<Job>>
    var page_info: PeerElement<Info>?
    var cluster_queue: PeerElement<Queue>?

    /// The jobs; `nil` for one that cannot be read, or has no name.
    private var elements: [ScheduledJob?] { jobs.elements.map { $0.value.flatMap { $0.id.isEmpty ? nil : $0.value } } }

    var value: ComparedPage {
        var page = ScheduledJobsPage(
            jobs: elements.compactMap { $0 },
            pageInfo: page_info?.value?.value ?? .init(),
            clusterQueue: cluster_queue.map { $0.value?.value ?? .init(isDispatchPaused: !$0.isNull) } ?? .init())
        page.unreadableJobs = elements.indices.filter { elements[$0] == nil }
            .map { UnreadableJob(position: $0, field: "", reason: "") }
        return ComparedPage(page)
    }
}

struct PeerReservation: Peer {
    var reserved: PeerList<PeerElement<String>>
    var not_reserved: PeerElement<[PeerElement<String>]>?

    var value: Reservation {
        Reservation(reserved: identifiers(reserved.elements), notReserved: identifiers(not_reserved?.value))
    }
}

/// The identifiers of a list, without elements that are something else.
private func identifiers(_ elements: [PeerElement<String>]?) -> [JobID] {
    (elements ?? []).compactMap(\.value).map { JobID($0) }
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
        var states: [String: PeerElement<String>]

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            states = container.decodeNil() ? [:] : try container.decode([String: PeerElement<String>].self)
        }
    }

    var states: States

    var value: JobStates {
        var result = JobStates(states: [:])
        for (job, state) in states.states {
            if let name = state.value {
                result.states[JobID(job)] = JobState(rawValue: name)
            } else if !state.isNull {
                result.unreadableJobs.insert(JobID(job))
            }
        }
        return result
    }
}

struct PeerTokens: Peer {
    struct Token: Decodable {
        var job_uuid: String
        var job_acquisition_token: String
        var expires_at: PeerElement<PeerDate>?
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
    var not_issued: PeerElement<[PeerElement<String>]>?

    var value: JobAcquisitionTokens {
        let entries = job_acquisition_tokens.elements.compactMap(\.value)
        let issued = entries.compactMap(\.token).map { token in
            JobAcquisitionToken(
                job: JobID(token.job_uuid), token: Secret(token.job_acquisition_token),
                expiresAt: token.expires_at?.value?.date)
        }
        let notIssued = identifiers(not_issued?.value)
        // Each job once, and none that has a token all the same.
        var named = Set(issued.map(\.job)).union(notIssued)
        let unreadable = entries.compactMap(\.job).map { JobID($0) }.filter { named.insert($0).inserted }
        return JobAcquisitionTokens(issued: issued, notIssued: notIssued + unreadable)
    }
}

struct PeerNotificationResult: Peer {
    struct Failure: Decodable {
        var error: PeerElement<String>?
        var indexes: PeerElement<[PeerElement<Int>]>?

        var value: NotificationFailure {
            NotificationFailure(error: error?.value ?? "", indexes: (indexes?.value ?? []).compactMap(\.value))
        }
    }
    var errors: PeerElement<[PeerElement<Failure>]>?

    var value: NotificationResult {
        NotificationResult(failures: (errors?.value ?? []).compactMap(\.value?.value))
    }
}

struct PeerIdentity: Peer {
    var uuid: PeerElement<String>?
    var description: PeerElement<String>?
    var token_type: PeerElement<String>?
    var organization_slug: PeerElement<String>?
    var organization_uuid: PeerElement<String>?
    var cluster_uuid: PeerElement<String>?
    var cluster_name: PeerElement<String>?
    var organization_queue_uuid: PeerElement<String>?
    var organization_queue_key: PeerElement<String>?

    var value: TokenIdentity {
        var identity = TokenIdentity()
        identity.uuid = uuid?.value
        identity.description = description?.value
        identity.tokenType = token_type?.value
        identity.organizationSlug = organization_slug?.value
        identity.organizationUUID = organization_uuid?.value
        identity.clusterUUID = cluster_uuid?.value
        identity.clusterName = cluster_name?.value
        identity.organizationQueueUUID = organization_queue_uuid?.value
        identity.organizationQueueKey = organization_queue_key?.value
        return identity
    }
}
