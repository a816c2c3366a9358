import CLibcurl
import StacksTransport

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The I/O thread's work: it owns everything of libcurl, and nothing of it is named on any other thread.
///
/// A turn of the loop collects what callers posted, lets libcurl read, write and start transfers, ends the calls that
/// are done, cancelled or past their deadline, and sleeps in `poll` when there is nothing left to do. Every call that the
/// mailbox took is settled here, once: it waits in ``queue``, is in one of the multi handles, or waits in ``restarting`` to
/// be begun anew, and leaves that place in the same step in which it is settled. Its continuation is resumed later, by
/// ``resumeEnded()``.
///
/// It is a value that nobody else knows, not an object: its parts are reached without a look at who else might.
struct CurlLoop: ~Copyable {
    let configuration: CurlTransport.Configuration
    let library: CurlFeatures
    let mailbox: CurlMailbox
    let executor: CurlExecutor
    /// The multi handles: the last one takes new calls, unless it is given up like those before it, each of which goes
    /// with its last call.
    var multis: [CurlMulti] = []
    var queue: CallQueue<CurlCall>
    var headerLists = CurlHeaderLists()
    var idleTransfers: [CurlTransfer] = []
    /// No call's deadline is earlier. Finding the exact one takes a look at every call, so that is done only when this
    /// one passes.
    var earliestDeadline: Moment?
    /// When look-ups are to be looked at next, where libcurl would wait for them.
    var nextLookUpCheck: Moment?
    /// Callers whose calls have ended, and who are not resumed yet: that comes after the figures that count them were
    /// published.
    var ended: [WaitingCaller] = []
    var statistics = CurlTransport.Statistics()
    /// Calls that are begun anew in the next turn, and how often they have been.
    var restarting: [(call: CurlCall, times: Int)] = []
    /// Counts the turns.
    var tick: UInt64 = 0
    /// When the turn began.
    var now = Moment.now
    /// Whether `poll` has slept its longest, and found nothing.
    var hasSleptLong = false
    var inbox: [CurlMailbox.Command] = []
    /// Whether tasks have run here: what they post is then looked for in the same turn.
    private var runsTasks = false
    var ready: [pollfd] = []

    init(
        configuration: CurlTransport.Configuration, library: CurlFeatures, mailbox: CurlMailbox, executor: CurlExecutor
    ) {
        self.configuration = configuration
        self.library = library
        self.mailbox = mailbox
        self.executor = executor
        queue = CallQueue { configuration.initialCallLimit(origin: $0) }
    }

    /// Works until the mailbox is closed, then fails what is left and frees everything.
    mutating func run() {
        while true {
            let isTimerDue = isTimerDue
            var order = collect(maySleep: ended.isEmpty && restarting.isEmpty && !isTimerDue)
            resumeEnded()
            ready.removeAll(keepingCapacity: true)
            if order == .sleep {
                pollSockets(sleeps: true)
                // Awake again: whoever posts from here on need not write to the waker.
                order = collect(maySleep: false)
            } else if tick % Self.turnsBetweenPolls == 0 || isTimerDue {
                // Callers who post without a pause, and timers that are always due, must not keep the sockets waiting.
                pollSockets(sleeps: false)
            }
            if order == .stop { break }
            tick += 1
            now = .now
            for multi in multis { multi.begin(turn: tick, at: now) }
            checkLookUps()
            restart()
            if handleInbox() == .stop { break }
            drive()
            expireCalls()
        }
        stop()
    }

    static var turnsBetweenPolls: UInt64 { 16 }

    mutating func collect(maySleep: Bool) -> CurlMailbox.Order {
        statistics.queued = queue.count
        statistics.inFlight = multis.reduce(0) { $0 + $1.transfers.count }
        return mailbox.collect(into: &inbox, statistics: statistics, maySleep: maySleep)
    }

    /// Handles what was collected, and what that leads to at once: a task that runs here makes its next call, and a call
    /// that ended lets its task go on.
    ///
    /// - Returns: ``CurlMailbox/Order/stop`` when the mailbox was closed meanwhile; what is in ``inbox`` is then not handled.
    private mutating func handleInbox() -> CurlMailbox.Order {
        // One round for tasks and one for the calls they make: then sockets and timers have their turn.
        for _ in 0..<2 {
            if inbox.isEmpty {
                guard runsTasks else { break }
                if collect(maySleep: false) == .stop { return .stop }
                if inbox.isEmpty { break }
                // A task may have computed for long: no call is to be begun after its deadline for that.
                now = .now
                for multi in multis { multi.begin(turn: tick, at: now) }
            }
            handleCollected()
        }
        return .work
    }

    private mutating func handleCollected() {
        // Taken out one by one, in their order: a copy of each would count references for nothing.
        inbox.reverse()
        while let command = inbox.popLast() {
            switch command {
            case .start(let call): enqueue(call)
            case .cancel(let id): cancel(id)
            case .run(let job):
                runsTasks = true
                executor.run(job)
            }
        }
    }
}
