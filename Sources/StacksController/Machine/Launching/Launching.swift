import Logging
import StacksAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Gets tokens for reserved jobs, and launches the jobs with them.
struct Launching {
    /// How long reserved jobs are kept for which no token is issued: other stacks may be able to start them.
    private static let longestWithoutToken = Duration.seconds(30)

    private(set) var pacing = Pacing()
    private var limit = BatchLimit()
    /// When the first of the requests for tokens failed that have all failed since; `nil` when the last one has succeeded, or no
    /// job waits for a token any more: a failure of long ago says nothing of the next one.
    private var tokenlessSince: Duration?
    /// Whether requests have failed for long, so that one job at a time is tried, until one succeeds.
    private(set) var isOutage = false

    /// Whether nothing gets a token, for long or because there is no endpoint for it: one job shows when that is over.
    func triesOneJob(_ shared: SharedState) -> Bool { isOutage || shared.failures.lacksTokens }

    private func isWanted(_ shared: SharedState, isPaused: Bool, isStackKnown: Bool) -> Bool {
        shared.phase == .running && isStackKnown && !isPaused && !shared.ledger.awaitingToken.isEmpty
    }

    func wakeAt(_ shared: SharedState, isPaused: Bool, isStackKnown: Bool) -> Duration? {
        let next = pacing.due(if: isWanted(shared, isPaused: isPaused, isStackKnown: isStackKnown))
        return earliest(next, nextCheck(shared))
    }

    /// When jobs are given back that wait for a token.
    private func nextCheck(_ shared: SharedState) -> Duration? {
        guard shared.phase == .running, !shared.ledger.awaitingToken.isEmpty else { return nil }
        return tokenlessSince.map { $0 + Self.longestWithoutToken }
    }

    /// Asks for tokens when that is due. Returns true when it gave the reserved jobs back for want of them; the caller then
    /// gives back those that may be reserved.
    mutating func advance(_ shared: inout SharedState, isPaused: Bool, isStackKnown: Bool) -> Bool {
        // In an outage the next job is given back as soon as it gets no token.
        if !isOutage, shared.ledger.awaitingToken.isEmpty, !pacing.isInFlight { tokenlessSince = nil }
        if shared.phase == .running, isPaused, !shared.ledger.awaitingToken.isEmpty {
            // While the queue is paused nothing may be started; others may serve the job when it no longer is.
            for id in shared.ledger.awaitingToken.sorted() { shared.letGo(id, .paused) }
            return false
        }
        let isWanted = isWanted(shared, isPaused: isPaused, isStackKnown: isStackKnown)
        guard isWanted, pacing.isDue(at: shared.now) else { return giveUpIfDue(&shared) }
        let asked = shared.ledger.nextToLaunch(limit.count)
        for id in asked { shared.ledger.move(id, to: .issuing, at: shared.now) }
        pacing.isInFlight = true
        shared.asks(.issueTokens(asked))
        return false
    }

    /// Gives back jobs that get no token for long. From then on one job is tried at a time, with growing waits.
    private mutating func giveUpIfDue(_ shared: inout SharedState) -> Bool {
        guard let due = nextCheck(shared), due <= shared.now else { return false }
        if !isOutage {
            isOutage = true
            let seconds = (shared.now - (tokenlessSince ?? shared.now)).formattedSeconds
            shared.log(
                .warning,
                "Buildkite issued no token for \(seconds) s: giving back the reserved jobs, trying one at a time"
            )
        }
        for id in shared.ledger.awaitingToken.sorted() { shared.letGo(id, .noToken) }
        return true
    }

    mutating func issued(
        _ asked: [JobID], _ result: Result<JobAcquisitionTokens, CallFailure>, serverTime: Date?,
        _ shared: inout SharedState, launcher: inout LauncherHealth, isPaused: Bool
    ) {
        switch result {
        case .success(let response):
            (tokenlessSince, isOutage) = (nil, false)
            pacing.succeeded(next: shared.now)
            limit.accepted(asked.count)
            shared.succeeded(.issueTokens)
            guard shared.phase == .running, !isPaused else {
                let reason: ReturnReason = isPaused ? .paused : .ending
                for id in asked where shared.ledger[id]?.stage == .issuing { shared.letGo(id, reason) }
                return
            }
            for token in response.issued {
                guard launcher.trouble == nil || launcher.isTrying else { break }
                launch(token, serverTime: serverTime, &shared, &launcher)
            }
            for id in asked where shared.ledger[id]?.stage == .issuing {
                // What cannot be started right now is no fault of the token's.
                if let trouble = launcher.trouble {
                    shared.letGo(id, trouble.returnReason)
                } else {
                    shared.log(.warning, "No token was issued for the job; it is not launched", id)
                    shared.letGo(id, .noToken, coolFor: .unissued)
                }
            }
        case .failure(let failure):
            pacing.failed(at: shared.now, retryAfter: failure.retryAfter, jitter: &shared.jitter)
            tokenlessSince = tokenlessSince ?? shared.now
            for id in asked where shared.ledger[id]?.stage == .issuing {
                shared.ledger.move(id, to: .awaitingToken, at: shared.now)
                shared.tell(id, .waitsForToken)
            }
            shared.note(failure, of: .issueTokens)
            if failure.kind == .rejected {
                // One of them is at fault: the others are tried in smaller batches until it is found.
                if !limit.refused(asked.count) {
                    for id in asked where shared.ledger.awaitingToken.contains(id) {
                        shared.letGo(id, .noToken, coolFor: .refused)
                    }
                }
                pacing.succeeded(next: shared.now + BatchLimit.pauseAfterRefusal)
            }
            if shared.phase != .running {
                for id in asked where shared.ledger.awaitingToken.contains(id) { shared.letGo(id, .ending) }
            }
        }
    }

    private func launch(
        _ token: JobAcquisitionToken, serverTime: Date?, _ shared: inout SharedState, _ launcher: inout LauncherHealth
    ) {
        guard let entry = shared.ledger[token.job], entry.stage == .issuing, let job = entry.job else { return }
        let now = shared.now
        launcher.launches(token.job, at: now)
        shared.ledger.move(token.job, to: .launched, at: now)
        let wait = shared.configuration.startLimit(tokenExpiresAt: token.expiresAt, serverTime: serverTime)
        shared.ledger.update(token.job) { entry in
            entry.launchedAt = now
            entry.startBy = now + wait
            // The token was issued because it is.
            entry.isSeenReserved = true
        }
        shared.totals.launched += 1
        shared.tell(token.job, .launching)
        shared.wants(.measure(.dispatch, now - entry.listedAt))
        shared.wants(
            .launch(
                LaunchedJob(
                    scheduled: job, acquisitionToken: token.token, tokenExpiresAt: token.expiresAt,
                    stack: shared.configuration.stackKey, queue: shared.configuration.queue)))
    }
}
