import HTTPTypes
import StacksAPI
import StacksTransport

/// Calls made from a seed: the same seed makes the same calls, if not at the same moments.
struct StressTraffic: Sendable {
    let origin: String
    let seed: UInt64
    /// Where the numbers of requests that must not be repeated begin: no two runs against a server may share one.
    let firstNumber = UInt64.random(in: 0...(.max / 2))
    /// Parts in a thousand.
    let cancelled: Int
    let hurried: Int
    let faults: Int

    /// How late a call may end: far more than the busiest machine needs. The other calls have an hour.
    static let patience = Duration.seconds(120)

    /// Makes the calls with these numbers.
    func run(_ numbers: Range<Int>, concurrency: Int, over clients: StressClients) async -> StressOutcomes {
        await withTaskGroup(of: StressOutcomes.self) { group in
            for worker in 0..<concurrency {
                group.addTask {
                    var outcomes = StressOutcomes()
                    for number in stride(from: numbers.lowerBound + worker, to: numbers.upperBound, by: concurrency) {
                        await make(number, over: clients, &outcomes)
                    }
                    return outcomes
                }
            }
            return await group.reduce(into: StressOutcomes()) { $0 += $1 }
        }
    }

    /// What a call asks for, and what is done to it.
    struct Plan: Sendable {
        var call: StressCall
        var manner = StressManner.answers
        /// After how many turns of the other tasks, or microseconds, it is cancelled.
        var cancellation: (turns: Int, microseconds: Int)?
        var isHurried = false
    }

    private func plan(_ number: Int, _ random: inout StressRandom) -> Plan {
        var plan = Plan(call: .job(JobID("")))
        switch random.upTo(1000) {
        case ..<hurried:
            plan.isHurried = true
            plan.manner = random.upTo(2) == 0 ? .staysSilent : .isSlow
        case ..<(hurried + faults):
            plan.manner = random.upTo(10) == 0 ? .hangsUp : .resets
        default: break
        }
        plan.call = random.upTo(2) == 0 ? typedCall(number, &random) : request(number, plan.manner, &random)
        if random.upTo(1000) < cancelled {
            // From before the call is posted until after its answer came.
            plan.cancellation = random.upTo(4) == 0 ? (0, random.upTo(5000)) : (random.upTo(200), 0)
        }
        return plan
    }

    /// A call through the client. One in three is a finish, which must not arrive twice.
    private func typedCall(_ number: Int, _ random: inout StressRandom) -> StressCall {
        let digits = String(firstNumber + UInt64(number), radix: 16)
        let padded = String(repeating: "0", count: 16 - digits.count) + digits
        let id = JobID("0190f7a0-\(padded.prefix(4))-4000-8000-\(padded.suffix(12))")
        switch random.upTo(3) {
        case 0: return .states(id)
        case 1: return .job(id)
        default: return .finish(id)
        }
    }

    /// A call over the transport alone. Most must not arrive twice.
    private func request(_ number: Int, _ manner: StressManner, _ random: inout StressRandom) -> StressCall {
        let body = Array("{\"call\":\(number),\"padding\":\"\(String(repeating: "p", count: random.upTo(600)))\"}".utf8)
        var request = TransportRequest(
            method: .post, origin: origin, path: "/once/\(firstNumber + UInt64(number))",
            headerFields: [.contentType: "application/json"], body: body, replay: .never)
        guard manner == .answers else {
            request.path = manner.prefix
            return .request(request, answer: nil)
        }
        switch random.upTo(20) {
        case 0:
            let size = random.upTo(200_000)
            request = TransportRequest(method: .get, origin: origin, path: "/bytes/\(size)")
            return .request(request, answer: Array(repeating: UInt8(ascii: "x"), count: size))
        case 1:
            request = TransportRequest(method: .get, origin: origin, path: "/delay/\(random.upTo(20))")
            return .request(request, answer: Array(#"{"ok":true}"#.utf8))
        case 2:
            request.body = body + [UInt8](repeating: UInt8(ascii: " "), count: random.upTo(300_000))
            return .request(request, answer: request.body)
        default:
            return .request(request, answer: body)
        }
    }

    private func make(_ number: Int, over clients: StressClients, _ outcomes: inout StressOutcomes) async {
        outcomes.begun += 1
        var random = StressRandom(seed: seed, number: number)
        let plan = plan(number, &random)
        let deadline = ContinuousClock.now + (plan.isHurried ? .milliseconds(1 + random.upTo(40)) : .seconds(3600))
        let call = Task { try await clients.make(plan.call, plan.manner, deadline: deadline) }
        if let cancellation = plan.cancellation {
            for _ in 0..<cancellation.turns { await Task.yield() }
            if cancellation.microseconds > 0 { try? await Task.sleep(for: .microseconds(cancellation.microseconds)) }
            call.cancel()
        }
        let result = await call.result
        if .now > deadline + Self.patience { outcomes.late += 1 }
        switch result {
        case .success(let isRight):
            outcomes.completed += 1
            if !isRight || plan.manner != .answers { outcomes.wrong += 1 }
        case .failure(is CancellationError):
            outcomes.cancelled += 1
            if plan.cancellation == nil { outcomes.note("a call that nobody cancelled was cancelled") }
        case .failure(let error):
            let code = Self.transportCode(of: error)
            outcomes.failed[code?.description ?? "unknown", default: 0] += 1
            if !isAllowed(code, plan) { outcomes.note("\(plan.call): \(error)") }
        }
    }

    private static func transportCode(of error: any Error) -> TransportError.Code? {
        guard let error = error as? StacksAPIError else { return (error as? TransportError)?.code }
        return error.code == .deadlineExceeded ? .timeout : error.underlying?.code
    }

    /// A call may fail because it was in a hurry or because the server broke it off; and because the server broke off
    /// another one on the same connection.
    private func isAllowed(_ code: TransportError.Code?, _ plan: Plan) -> Bool {
        switch code {
        case .timeout?: plan.isHurried
        case .connectionClosed?, .http2?: faults > 0
        default: false
        }
    }
}

/// The random numbers of one call.
struct StressRandom {
    private var random: SplitMix64

    init(seed: UInt64, number: Int) {
        random = SplitMix64(seed: seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(number) &* 0xD1B5_4A32_D192_ED03)
    }

    /// A number from 0 to below `limit`.
    mutating func upTo(_ limit: Int) -> Int { Int(random.next() % UInt64(limit)) }
}
