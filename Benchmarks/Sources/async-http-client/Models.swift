#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The API's documents as one writes them for JSONDecoder and JSONEncoder.
enum Models {
    struct JobList: Encodable {
        var jobUuids: [String]

        enum CodingKeys: String, CodingKey {
            case jobUuids = "job_uuids"
        }
    }

    struct Finish: Encodable {
        var exitStatus: Int
        var detail: String

        enum CodingKeys: String, CodingKey {
            case exitStatus = "exit_status"
            case detail
        }
    }

    struct Notifications: Encodable {
        struct Item: Encodable {
            var jobUuid: String
            var detail: String

            enum CodingKeys: String, CodingKey {
                case jobUuid = "job_uuid"
                case detail
            }
        }
        var notifications: [Item]
    }

    struct States: Decodable {
        var states: [String: String]
    }

    struct Job: Decodable {
        var id: String
        var env: [String: String]
        var command: String
    }

    struct Reservation: Decodable {
        var reserved: [String]
        var notReserved: [String]

        enum CodingKeys: String, CodingKey {
            case reserved
            case notReserved = "not_reserved"
        }
    }

    struct NotificationResult: Decodable {
        struct Failure: Decodable {
            var error: String
            var indexes: [Int]
        }
        var errors: [Failure]
    }

    struct Page: Decodable {
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
            struct Step: Decodable {
                var key: String?
            }
            var id: String
            var priority: Int
            var agentQueryRules: [String]
            var scheduledAt: Date?
            var runnableAt: Date?
            var pipeline: Pipeline
            var build: Build
            var step: Step

            enum CodingKeys: String, CodingKey {
                case id, priority, pipeline, build, step
                case agentQueryRules = "agent_query_rules"
                case scheduledAt = "scheduled_at"
                case runnableAt = "runnable_at"
            }
        }
        struct PageInfo: Decodable {
            var hasNextPage: Bool
            var endCursor: String?

            enum CodingKeys: String, CodingKey {
                case hasNextPage = "has_next_page"
                case endCursor = "end_cursor"
            }
        }
        struct ClusterQueue: Decodable {
            var id: String?
            var dispatchPaused: Bool

            enum CodingKeys: String, CodingKey {
                case id
                case dispatchPaused = "dispatch_paused"
            }
        }
        var jobs: [Job]
        var pageInfo: PageInfo
        var clusterQueue: ClusterQueue

        enum CodingKeys: String, CodingKey {
            case jobs
            case pageInfo = "page_info"
            case clusterQueue = "cluster_queue"
        }
    }
}

extension JSONDecoder {
    /// One for all calls.
    static let forAPI: JSONDecoder = {
        let decoder = JSONDecoder()
        // `.iso8601` refuses the fractions that the API sends.
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        decoder.dateDecodingStrategy = .custom { decoder in
            try style.parse(decoder.singleValueContainer().decode(String.self))
        }
        return decoder
    }()
}
