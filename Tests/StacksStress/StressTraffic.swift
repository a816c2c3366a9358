import HTTPTypes
import SeededRandom
import StacksCurl
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

    /// How late a call may end: far more than a busy machine needs, far less than a hang.
    static let patience = Duration.seconds(5)

    /// Makes the calls with these numbers.
    func run(_ numbers: Range<Int>, concurrency: Int, over transport: CurlTransport) async -> StressOutcomes {
        await withTaskGroup(of: StressOutcomes.self) { group in
            for worker in 0..<concurrency {
                group.addTask {
                    var outcomes = StressOutcomes()
                    for number in stride(from: numbers.lowerBound + worker, to: numbers.upperBound, by: concurrency) {
                        await make(plan(number), over: transport, &outcomes)
                    }
                    return outcomes
                }
            }
            return await group.reduce(into: StressOutcomes()) { $0 += $1 }
        }
    }

    /// What a call asks for, and what is done to it.
    struct Plan: Sendable {
        var request: TransportRequest
        /// The body that answers this call and no other; `nil` when it cannot have an answer.
        var answer: [UInt8]?
        /// After how many turns of the other tasks, or microseconds, it is cancelled.
        var cancellation: (turns: Int, microseconds: Int)?
        var isHurried = false
        var isBroken = false
    }

    private func plan(_ number: Int) -> Plan {
        var random = StressRandom(seed: seed, number: number)
        let body = Array("{\"call\":\(number),\"padding\":\"\(String(repeating: "p", count: random.upTo(600)))\"}".utf8)
        var plan = Plan(
            request: TransportRequest(
                method: .post, origin: origin, path: "/once/\(firstNumber + UInt64(number))",
                headerFields: [.contentType: "application/json"], body: body, replay: .never),
            answer: body)
        switch random.upTo(1000) {
        case ..<hurried:
            plan.isHurried = true
            plan.answer = nil
            plan.request.path = random.upTo(2) == 0 ? "/never" : "/delay/10000"
        case ..<(hurried + faults):
            plan.isBroken = true
            plan.answer = nil
            plan.request.path = random.upTo(10) == 0 ? "/hang-up" : "/reset"
        default:
            switch random.upTo(20) {
            case 0:
                let size = random.upTo(200_000)
                plan.request = TransportRequest(method: .get, origin: origin, path: "/bytes/\(size)")
                plan.answer = Array(repeating: UInt8(ascii: "x"), count: size)
            case 1:
                plan.request = TransportRequest(method: .get, origin: origin, path: "/delay/\(random.upTo(20))")
                plan.answer = Array(#"{"ok":true}"#.utf8)
            case 2: plan.request.body = body + [UInt8](repeating: UInt8(ascii: " "), count: random.upTo(300_000))
            default: break
            }
            if plan.request.method == .post { plan.answer = plan.request.body }
        }
        if random.upTo(1000) < cancelled {
            // From before the call is posted until after its answer came.
            plan.cancellation = random.upTo(4) == 0 ? (0, random.upTo(5000)) : (random.upTo(200), 0)
        }
        plan.request.deadline = .now + (plan.isHurried ? .milliseconds(1 + random.upTo(40)) : .seconds(60))
        return plan
    }

    private func make(_ plan: Plan, over transport: CurlTransport, _ outcomes: inout StressOutcomes) async {
        outcomes.begun += 1
        let call = Task { try await transport.send(plan.request) }
        if let cancellation = plan.cancellation {
            for _ in 0..<cancellation.turns { await Task.yield() }
            if cancellation.microseconds > 0 { try? await Task.sleep(for: .microseconds(cancellation.microseconds)) }
            call.cancel()
        }
        let result = await call.result
        if let deadline = plan.request.deadline, .now > deadline + Self.patience { outcomes.late += 1 }
        switch result {
        case .success(let response):
            outcomes.answered += 1
            if response.status != .ok || response.body != plan.answer { outcomes.wrong += 1 }
        case .failure(is CancellationError):
            outcomes.cancelled += 1
            if plan.cancellation == nil { outcomes.note("a call that nobody cancelled was cancelled") }
        case .failure(let error as TransportError):
            outcomes.failed[error.code.description, default: 0] += 1
            if !isAllowed(error, plan) { outcomes.note("\(plan.request): \(error)") }
        case .failure(let error):
            outcomes.failed["unknown", default: 0] += 1
            outcomes.note("\(plan.request): \(error)")
        }
    }

    /// A call may fail because it was in a hurry or because the server broke it off; and because the server broke off
    /// another one on the same connection.
    private func isAllowed(_ error: TransportError, _ plan: Plan) -> Bool {
        switch error.code {
        case .timeout: plan.isHurried
        case .connectionClosed, .http2: faults > 0
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
