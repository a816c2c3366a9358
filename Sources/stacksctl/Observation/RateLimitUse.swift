import StacksAPI
import StacksTransport
import Synchronization

/// How much of each rate limit was used in the last minute, as the responses said: by other programs with the same stack's
/// key too.
final class RateLimitUse: Sendable {
    /// One limit of one stack.
    struct Use: Sendable, Equatable {
        var stack: String
        var scope: String
        /// How many requests a window of one second allows.
        var limit: Int
        /// The most that any response of the last minute said to be used of it.
        var used: Int
    }

    private struct Key: Hashable {
        var stack: String
        var scope: String
    }

    /// The most used in each of the last seconds, a few of them together.
    private struct Peaks {
        static let slots = 6
        static let secondsPerSlot: Int64 = 10

        var limit: Int
        private var peaks = Array(repeating: 0, count: slots)
        private var slot: Int64 = 0

        init(limit: Int) { self.limit = limit }

        mutating func note(_ used: Int, at second: Int64) {
            advance(to: second)
            let place = Int(slot % Int64(Self.slots))
            peaks[place] = max(peaks[place], used)
        }

        mutating func most(at second: Int64) -> Int {
            advance(to: second)
            return peaks.max() ?? 0
        }

        private mutating func advance(to second: Int64) {
            let now = second / Self.secondsPerSlot
            for passed in stride(from: 1, through: min(now - slot, Int64(Self.slots)), by: 1) {
                peaks[Int((slot + passed) % Int64(Self.slots))] = 0
            }
            slot = max(slot, now)
        }
    }

    /// More than there are for fifty stacks. Names of scopes are a server's.
    private static let most = 512

    private let peaks = Mutex<[Key: Peaks]>([:])
    private let now: @Sendable () -> Duration

    init(now: @escaping @Sendable () -> Duration = RunHistory.timeSinceStart()) { self.now = now }

    /// Notes what a response says of the limit of its request.
    func note(_ response: TransportResponse, to request: TransportRequest) {
        guard let limit = RateLimit(response.headerFields), let stack = Self.stack(in: request.path) else { return }
        note(limit, stack: stack)
    }

    func note(_ rate: RateLimit, stack: String) {
        guard let scope = rate.scope, let limit = rate.limit, let remaining = rate.remaining, limit > 0 else { return }
        let key = Key(stack: stack, scope: VisibleText.escaped(scope, limit: 64))
        let used = min(limit, max(0, limit - min(limit, max(0, remaining))))
        let second = now().components.seconds
        peaks.withLock { peaks in
            guard peaks[key] != nil || peaks.count < Self.most else { return }
            peaks[key, default: Peaks(limit: limit)].limit = limit
            peaks[key]?.note(used, at: second)
        }
    }

    /// All limits, in the order of their names.
    var uses: [Use] {
        let second = now().components.seconds
        let all = peaks.withLock { peaks in
            peaks.map { key, value in
                var value = value
                return Use(stack: key.stack, scope: key.scope, limit: value.limit, used: value.most(at: second))
            }
        }
        return all.sorted { ($0.stack, $0.scope) < ($1.stack, $1.scope) }
    }

    /// The key of the stack that a request is about: what follows `/stacks/` in its path.
    static func stack(in path: String) -> String? {
        guard let start = path.firstRange(of: "/stacks/")?.upperBound else { return nil }
        let key = path[start...].prefix { $0 != "/" && $0 != "?" }
        return key.isEmpty || key.utf8.count > 80 ? nil : String(key)
    }
}
