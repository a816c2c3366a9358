import HTTPTypes

@testable import StacksAPI
@testable import StacksController

/// Who comes between the controller and Buildkite for a while, and what they say.
extension RandomWorld {
    enum Interference: Hashable {
        /// A proxy answers for the API, with a page of its own or with nothing.
        case proxy(status: Int)
        /// Whoever answers asks for waits that nobody can mean.
        case absurdWaits
        /// One kind of request is answered with 404, as the API does for what is not there.
        case missingEndpoint(String)
        /// Some of the jobs that are listed cannot be read.
        case unreadableJobs
        /// Jobs are reserved, and no response says so that can be read.
        case unreadableReservations
        /// Finishes are refused by a proxy.
        case refusedFinishes
    }

    /// What can be missing. A registration or a list that is not there is rightly the end of a controller.
    private static let endpoints = ["reserve", "renew", "give back", "issue tokens", "get states", "finish"]

    /// What is to come: each kind in about every fourth world.
    static func interferences(_ random: inout Jitter) -> [(begin: Double, length: Double, what: Interference)] {
        let statuses = [401, 403, 404, 502]
        let kinds: [Interference] = [
            .proxy(status: statuses[Int(random.next(in: 0..<4))]), .absurdWaits,
            .missingEndpoint(endpoints[Int(random.next(in: 0..<6))]), .unreadableJobs,
            .unreadableReservations, .refusedFinishes,
        ]
        return kinds.compactMap { kind in
            let begin = random.next(in: 0..<90)
            let length = random.next(in: 1..<120)
            return random.next(in: 0..<1) < 0.25 ? (begin, length, kind) : nil
        }
    }

    /// What somebody between the two says to a request, `nil` when it gets through.
    mutating func interjection(to action: ControllerRequest) -> CallFailure? {
        for interference in interferences.sorted(by: { "\($0)" < "\($1)" }) {
            switch interference {
            case .proxy(let status): return Self.page(status)
            case .missingEndpoint(let name) where name == Self.name(of: action): return .notFound
            case .refusedFinishes where Self.name(of: action) == "finish": return Self.page(413)
            case .absurdWaits where chance(0.3):
                let waits: [Duration] = [.seconds(Int64.max), .seconds(86_400), .seconds(1_784_623_777), .zero]
                let wait = waits[Int(random.next(in: 0..<4))]
                return CallFailure(chance(0.5) ? .rateLimited : .transient, retryAfter: wait, message: "later")
            default: continue
            }
        }
        return nil
    }

    /// A response that is not the API's, classified as that of a real call is.
    private static func page(_ code: Int) -> CallFailure {
        let status = HTTPResponse.Status(code: code)
        return CallFailure(
            StacksAPIError(
                code: .init(status),
                status: status,
                message: "HTML, from a proxy perhaps",
                mayHaveTakenEffect: code >= 500
            )
        )
    }

    private static func name(of action: ControllerRequest) -> String {
        switch action {
        case .reserve: "reserve"
        case .renew: "renew"
        case .giveBack: "give back"
        case .issueTokens: "issue tokens"
        case .queryStates: "get states"
        case .finish: "finish"
        default: ""
        }
    }
}
