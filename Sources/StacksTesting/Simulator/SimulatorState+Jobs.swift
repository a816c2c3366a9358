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
            job: job, organization: organization, queue: queue,
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

    /// Adds the job to its queue's list, unless it is there.
    mutating func enlist(_ index: Int) {
        guard !jobs[index].isInQueueList else { return }
        jobs[index].isInQueueList = true
        let (organization, queue) = (jobs[index].organization, jobs[index].queue)
        if let last = organizations[organization].queues[queue].jobs.last, jobs[index].position < jobs[last].position {
            organizations[organization].queues[queue].returnedJobs.append(index)
        } else {
            organizations[organization].queues[queue].jobs.append(index)
        }
    }

    /// Merges the jobs that have come back into the queue's list at their positions, so that what each one costs is small
    /// however many come back at once.
    mutating func mergeReturnedJobs(of queue: Int, organization: Int) {
        let returned = organizations[organization].queues[queue].returnedJobs
        guard !returned.isEmpty else { return }
        organizations[organization].queues[queue].returnedJobs = []
        let sorted = returned.sorted { jobs[$0].position < jobs[$1].position }
        if sorted.count <= 8 {
            for index in sorted {
                let place = place(of: index, in: queue, organization: organization)
                organizations[organization].queues[queue].jobs.insert(index, at: place)
            }
            return
        }
        let list = organizations[organization].queues[queue].jobs
        var merged: [Int] = []
        merged.reserveCapacity(list.count + sorted.count)
        var next = sorted.startIndex
        for index in list {
            while next < sorted.endIndex, jobs[sorted[next]].position < jobs[index].position {
                merged.append(sorted[next])
                next += 1
            }
            merged.append(index)
        }
        organizations[organization].queues[queue].jobs = merged + sorted[next...]
    }

    /// Where a job that has come back belongs in its queue's list. A function of its own, so that nothing holds the list when
    /// the job is inserted, which would copy it.
    private func place(of index: Int, in queue: Int, organization: Int) -> Int {
        Self.firstIndex(in: organizations[organization].queues[queue].jobs) { jobs[$0].position > jobs[index].position }
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
        let (organization, queue, after) = (jobs[index].organization, jobs[index].queue, jobs[index].job.state)
        organizations[organization].queues[queue].jobCounts[before, default: 0] -= 1
        organizations[organization].queues[queue].jobCounts[after, default: 0] += 1
    }

    private mutating func endReservation(_ index: Int) {
        reservationExpiries.remove(index)
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
