extension StacksClient {
    /// Reads one page of the jobs that are ready to run on a queue, oldest first.
    ///
    /// A job stays in the list until its state changes; reserved jobs are not in it. Polling also keeps the queue shown
    /// as connected: go on while dispatch is paused.
    ///
    /// - Parameters:
    ///   - stack: The stack's key.
    ///   - queue: The queue to look at.
    ///   - limit: How many jobs at most, 1 to 1000; the server's choice when left out.
    ///   - after: The ``ScheduledJobsPage/PageInfo/endCursor`` of the page before.
    ///   - options: What this call does otherwise than the client.
    /// - Returns: The page, whether dispatch is paused, and where the next page begins.
    /// - Throws: ``StacksAPIError``: ``StacksAPIError/Code/notFound`` when there is no such stack or queue.
    public func scheduledJobs(
        stack: String,
        queue: QueueKey,
        limit: Int? = nil,
        after: String? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> StacksResponse<ScheduledJobsPage> {
        try Argument.check(stackKey: stack, for: .scheduledJobs)
        try Argument.check(queue: queue, for: .scheduledJobs)
        try Argument.check(limit: limit, for: .scheduledJobs)
        try Argument.check(cursor: after, for: .scheduledJobs)
        var target = core.target(.scheduledJobs, stack: stack)
        ScheduledJobsPage.appendQuery(queue, limit: limit, after: after, to: &target.path)
        return try await core.perform(target, options: options, decode: ScheduledJobsPage.read)
    }

    /// All pages of the jobs that are ready to run on a queue, one after the other.
    ///
    /// Pages are no snapshot. A controller does better to read the first page or few, reserve, and read again.
    ///
    /// - Parameters:
    ///   - stack: The stack's key.
    ///   - queue: The queue to look at.
    ///   - pageSize: How many jobs a page has at most, 1 to 1000.
    ///   - pageLimit: How many pages to read at most; all when left out.
    ///   - options: What these calls do otherwise than the client; a timeout holds for each page.
    /// - Returns: A sequence that reads a page when it is asked for one, and throws what
    ///   ``scheduledJobs(stack:queue:limit:after:options:)`` throws. The pages read before a failure stay good.
    public func allScheduledJobs(
        stack: String,
        queue: QueueKey,
        pageSize: Int = 1000,
        pageLimit: Int? = nil,
        options: CallOptions = CallOptions()
    ) -> ScheduledJobPages {
        ScheduledJobPages(
            client: self, stack: stack, queue: queue, pageSize: pageSize, pageLimit: pageLimit, options: options)
    }

    /// Reserves jobs for a stack, so that no other starts them. It is safe to repeat: that extends the reservation.
    ///
    /// More than 1000 jobs are reserved by several requests, some at the same time; see
    /// ``StacksResponse/failedBatches``.
    ///
    /// - Parameters:
    ///   - jobs: The jobs, at least one.
    ///   - stack: The stack's key.
    ///   - expiry: How long the reservation holds, 1 to 3600 whole seconds; the server's choice when left out.
    ///   - options: What this call does otherwise than the client.
    /// - Returns: Which jobs are reserved and which are not, in the order in which the server names them. That none is
    ///   reserved is no error.
    /// - Throws: ``StacksAPIError``.
    public func reserveJobs(
        _ jobs: [JobID],
        stack: String,
        expiry: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> StacksResponse<Reservation> {
        try Argument.check(stackKey: stack, jobs: jobs, for: .reserveJobs)
        let seconds = try Argument.seconds(expiry, named: "reservation expiry", for: .reserveJobs)
        return try await core.performInBatches(
            core.target(.reserveJobs, stack: stack), jobs: jobs, request: .reservations(expiry: seconds),
            options: options, decode: Reservation.read
        ) { parts in
            Reservation(reserved: parts.flatMap(\.reserved), notReserved: parts.flatMap(\.notReserved))
        }
    }
}
