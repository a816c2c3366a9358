import CLibcurl
import StacksTransport

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The event loop of the I/O thread. It owns all of libcurl's handles; no other thread accesses them.
///
/// A turn of the loop collects what callers posted, drives libcurl, ends the calls that are done, cancelled or past their
/// deadline, and sleeps in `poll` when there is nothing left to do. Every call that the mailbox accepted is settled here,
/// once: it is in ``queue``, in a multi handle or in ``restarting``, and is removed from there in the step in which it is
/// settled. ``resumeEnded()`` resumes its continuation afterwards.
///
/// It is a value in a local variable of the thread, so that accesses need no exclusivity checks.
struct CurlLoop: ~Copyable {
    let configuration: CurlTransport.Configuration
    let library: CurlFeatures
    let mailbox: CurlMailbox
    let executor: CurlExecutor
    /// The multi handles. The last one takes new calls unless it is retired. The others are retired, and each is freed
    /// after its last call.
    var multis: [CurlMulti] = []
    var queue: CallQueue<CurlCall>
    var headerLists = CurlHeaderLists()
    var idleTransfers: [CurlTransfer] = []
    /// A lower bound of the deadlines. The exact minimum takes a scan of all calls, which happens only when this passes.
    var earliestDeadline: Moment?
    /// When to check name resolutions next, where they must be awaited.
    var nextResolutionCheck: Moment?
    /// Callers of ended calls that are not resumed yet: the statistics that count their calls are published first.
    var ended: [WaitingCaller] = []
    var statistics = CurlTransport.Statistics()
    /// Calls to restart in the next turn, and how often they have been restarted.
    var restarting: [(call: CurlCall, times: Int)] = []
    /// The number of the turn.
    var tick: UInt64 = 0
    /// When the turn began.
    var now = Moment.now
    /// Whether the last `poll` reached the longest sleep without an event.
    var hasSleptLong = false
    var inbox: [CurlMailbox.Command] = []
    /// Whether tasks have run on this thread. The loop then collects what they post in the same turn.
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

    /// Runs until the mailbox is closed, then fails the remaining calls and frees all resources.
    mutating func run() {
        while true {
            let isTimerDue = isTimerDue
            let isDone = ended.isEmpty && restarting.isEmpty && multis.allSatisfy(\.leaving.isEmpty)
            var order = collect(maySleep: isDone && !isTimerDue)
            resumeEnded()
            ready.removeAll(keepingCapacity: true)
            if order == .sleep {
                pollSockets(sleeps: true)
                // Tells the mailbox that the thread is awake, so that callers do not write to the waker.
                order = collect(maySleep: false)
            } else if tick % Self.turnsBetweenPolls == 0 || isTimerDue {
                // Keeps callers that post without pause, and timers that are always due, from starving the sockets.
                pollSockets(sleeps: false)
            }
            if order == .stop { break }
            tick += 1
            takeTime()
            checkResolutions()
            restart()
            if handleInbox() == .stop { break }
            removeLeaving()
            drive()
            expireCalls()
            endTurn()
        }
        stop()
    }

    static var turnsBetweenPolls: UInt64 { 16 }

    /// Sets the current time, to which deadlines and timers are compared.
    mutating func takeTime() {
        now = .now
        for multi in multis { multi.begin(turn: tick, at: now) }
    }

    mutating func collect(maySleep: Bool) -> CurlMailbox.Order {
        statistics.queued = queue.count
        statistics.inFlight = multis.reduce(0) { $0 + $1.transfers.count }
        return mailbox.collect(into: &inbox, statistics: statistics, maySleep: maySleep)
    }

    /// Handles the collected commands, and the calls that tasks on this thread make meanwhile.
    ///
    /// - Returns: ``CurlMailbox/Order/stop`` when the mailbox was closed; ``inbox`` is then not handled.
    private mutating func handleInbox() -> CurlMailbox.Order {
        // One round for tasks and one for their calls, so that sockets and timers are not starved.
        for _ in 0..<2 {
            if inbox.isEmpty {
                guard runsTasks else { break }
                if collectAgain() == .stop { return .stop }
                if inbox.isEmpty { break }
            }
            handleCollected()
        }
        // The callers of cancelled calls do not wait for libcurl.
        if ended.isEmpty { return .work }
        if collectAgain() == .stop { return .stop }
        resumeEnded()
        handleCollected()
        return .work
    }

    /// Collects once more in the same turn.
    private mutating func collectAgain() -> CurlMailbox.Order {
        let order = collect(maySleep: false)
        if !inbox.isEmpty {
            // A task may have run for long; `start` compares deadlines with the current time.
            takeTime()
        }
        return order
    }

    private mutating func handleCollected() {
        // Popped in order rather than iterated, which would retain and release each command.
        inbox.reverse()
        while let command = inbox.popLast() {
            switch command {
            case .start(let call): enqueue(call)
            case .cancel(let call): cancel(call)
            case .run(let job):
                runsTasks = true
                executor.run(job)
            }
        }
    }
}
