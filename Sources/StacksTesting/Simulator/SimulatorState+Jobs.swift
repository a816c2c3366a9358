#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The life of a job.
extension SimulatorState {
    /// The common properties of jobs that were added together.
    struct Build {
        var uuid: String
        var number: Int
        var pipeline: String
    }

    mutating func addJob(
        _ template: SimulatedJob.Template, queue: Int, organization: Int, scheduledAt: Date, now: Date, build: Build
    ) -> String {
        let id = generator.uuid()
        let index = jobs.count
        let key = organizations[organization].queues[queue].key
        let listing = SimulatedJob.Listing(
            template, queueRule: "queue=\(key)", scheduledAt: scheduledAt, build: build)
        let job = SimulatedJob(
            id: id, organization: organizations[organization].settings.slug, queue: key, template: template,
            listing: listing, state: template.state)
        let record = JobRecord(
            job: job, organization: organization,
            position: QueuePosition(scheduledAt: listing.scheduledAt ?? scheduledAt, sequence: index),
            listing: listing.json(id: id).bytes
        )
        jobs.append(record)
        jobIndexes[id] = index
        organizations[organization].queues[queue].jobCounts[template.state, default: 0] += 1
        addEvent(.created, to: index, at: now)
        if template.state == .scheduled { enlist(index) }
        return id
    }

    /// Inserts the job into the queue's list at its position, unless it is there.
    mutating func enlist(_ index: Int) {
        guard !jobs[index].isInQueueList else { return }
        let organization = jobs[index].organization
        guard let queue = queue(jobs[index].job.queue, organization: organization) else { return }
        jobs[index].isInQueueList = true
        let place = place(of: jobs[index].position, organization: organization, queue: queue)
        organizations[organization].queues[queue].jobs.insert(index, at: place)
    }

    private func place(of position: QueuePosition, organization: Int, queue: Int) -> Int {
        // Separate from the insertion, so that the list is not copied.
        let list = organizations[organization].queues[queue].jobs
        guard let last = list.last, position < jobs[last].position else { return list.count }
        return Self.firstIndex(in: list) { jobs[$0].position > position }
    }

    /// The first index of a sorted list for which `isPast` holds, by binary search.
    static func firstIndex(in list: [Int], where isPast: (Int) -> Bool) -> Int {
        var (low, high) = (0, list.count)
        while low < high {
            let middle = (low + high) / 2
            if isPast(list[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    mutating func move(
        _ index: Int, to state: SimulatedJob.State, _ kind: SimulatedJob.Event.Kind, at now: Date, stack: String? = nil
    ) {
        let before = jobs[index].job.state
        jobs[index].job.state = state
        count(index, before: before)
        addEvent(kind, to: index, at: now, stack: stack)
        if before == .reserved, state != .reserved { endReservation(index) }
        if state.isTerminal {
            revokeTokens(index, except: nil)
        } else if !state.isLocked, state != .reserved {
            // An agent of a job that was locked meanwhile is told to wait, so that its token must still be good.
            revokeTokens(index, except: acquiringToken(index))
        }
        if state == .scheduled { enlist(index) }
        followWithPlay(index, at: now)
    }

    /// Writes an event into the history of a job.
    mutating func addEvent(
        _ kind: SimulatedJob.Event.Kind, to index: Int, at now: Date, stack: String? = nil
    ) {
        jobs[index].job.history.append(.init(kind: kind, date: now, state: jobs[index].job.state, stack: stack))
        lastEvents.append(index)
    }

    private mutating func count(_ index: Int, before: SimulatedJob.State) {
        let (job, organization) = (jobs[index].job, jobs[index].organization)
        guard let queue = queue(job.queue, organization: organization) else { return }
        organizations[organization].queues[queue].jobCounts[before, default: 0] -= 1
        organizations[organization].queues[queue].jobCounts[job.state, default: 0] += 1
    }

    private mutating func endReservation(_ index: Int) {
        reservedJobs.remove(index)
        jobs[index].job.reservedBy = nil
        jobs[index].job.reservationExpiresAt = nil
    }

    private mutating func revokeTokens(_ index: Int, except kept: String?) {
        for token in jobs[index].tokens where token != kept { tokens[token]?.isRevoked = true }
    }

    /// The token that acquired the job, or whose agent did.
    private func acquiringToken(_ index: Int) -> String? {
        switch jobs[index].holder {
        case .token(let token): token
        case .agent(let agent): agents[agent].acquisitionToken
        case nil: nil
        }
    }

    /// Applies all effects of time.
    mutating func passTime(at now: Date) {
        // The rounding error of dates in this century is below a microsecond.
        let moment = now.addingTimeInterval(1e-6)
        addArrivals(at: moment)
        while let step = playSteps.first, step.date <= moment {
            playSteps.removeFirst()
            // What happened before it, so that a leap of the clock is the same as many small steps.
            endOverdue(at: step.date)
            perform(step)
        }
        endOverdue(at: moment)
    }

    private mutating func endOverdue(at now: Date) {
        expireReservations(at: now)
        loseAgents(at: now)
    }

    /// Moves jobs with an expired reservation back to `scheduled`.
    private mutating func expireReservations(at now: Date) {
        guard now >= nextReservationExpiry else { return }
        var next = Date.distantFuture
        // Sorted, because the order of a set differs between processes.
        for index in reservedJobs.sorted() {
            guard let expiry = jobs[index].job.reservationExpiresAt else { continue }
            if expiry <= now {
                if !jobs[index].isGivenBack {
                    jobs[index].unusedReservations += 1
                    jobs[index].lastReservationWasUnused = true
                }
                // The event has the date of the expiry, not of the request that discovers it.
                move(index, to: .scheduled, .reservationExpired, at: expiry, stack: jobs[index].job.reservedBy)
            } else {
                next = min(next, expiry)
            }
        }
        nextReservationExpiry = next
    }

    /// Cancels a job, as a person does in Buildkite.
    ///
    /// - Returns: Whether the job could be cancelled.
    mutating func cancel(_ index: Int, at now: Date) -> Bool {
        switch jobs[index].job.state {
        case .running: move(index, to: .canceling, .cancelled, at: now)
        case let state where state.isTerminal || state == .canceling: return false
        default: move(index, to: .canceled, .cancelled, at: now)
        }
        return true
    }
}
