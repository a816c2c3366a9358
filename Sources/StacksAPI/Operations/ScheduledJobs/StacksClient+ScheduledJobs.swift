extension StacksClient {
    /// Reads one page of the jobs that are ready to run on a queue, oldest first.
    ///
    /// A job stays in the list until its state changes; the list has no reserved jobs. Polling also keeps the queue
    /// connected, so go on polling while dispatch is paused.
    ///
    /// - Parameters:
    ///   - stack: The stack's key.
    ///   - queue: The queue.
    ///   - limit: The most jobs of the page, 1 to 1000; the server's default when left out.
    ///   - after: The ``ScheduledJobsPage/PageInfo/endCursor`` of the previous page.
    ///   - options: Options of this call.
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

    /// All pages of the jobs that are ready to run on a queue.
    ///
    /// The pages are not a snapshot. A controller should read the first page or a few, reserve jobs, and start again.
    ///
    /// - Parameters:
    ///   - stack: The stack's key.
    ///   - queue: The queue.
    ///   - pageSize: The most jobs of a page, 1 to 1000.
    ///   - pageLimit: The most pages to read; all when left out.
    ///   - options: Options of these calls; a timeout applies to each page.
    /// - Returns: A sequence that requests each page when it is iterated, and throws what
    ///   ``scheduledJobs(stack:queue:limit:after:options:)`` throws. Pages before a failure remain valid.
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

    /// Reserves jobs for a stack, so that no other stack starts them. It is safe to repeat: that extends the
    /// reservation.
    ///
    /// More than 1000 jobs take several requests, some at the same time; see ``StacksResponse/failedBatches``.
    ///
    /// - Parameters:
    ///   - jobs: The jobs, at least one.
    ///   - stack: The stack's key.
    ///   - expiry: When the reservation expires, after 1 to 3600 whole seconds; the server's default when left out.
    ///   - options: Options of this call.
    /// - Returns: Which jobs are reserved and which are not, in the server's order. It is not an error when none is.
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
