/// How many jobs go into one request: as many as the API allows, and fewer while it is not known which of them makes
/// Buildkite refuse a request as a whole.
struct BatchLimit {
    /// Between a request that was refused and a smaller one.
    static let pauseAfterRefusal = Duration.seconds(1)

    private(set) var count = SharedState.maximumBatch

    /// Records that a request for `jobs` jobs was refused, and returns whether a smaller one can tell more.
    mutating func refused(_ jobs: Int) -> Bool {
        guard jobs > 1 else { return false }
        count = max(1, jobs / 2)
        return true
    }

    /// Records that a request for `jobs` jobs was accepted.
    mutating func accepted(_ jobs: Int) {
        if jobs >= count { count = min(SharedState.maximumBatch, count * 2) }
    }
}
