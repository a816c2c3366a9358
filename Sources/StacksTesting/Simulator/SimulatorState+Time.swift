#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What time does.
extension SimulatorState {
    /// What happens at a time.
    private enum TimedEvent {
        case arrival, reservationExpiry, agentLoss, playStep
    }

    /// Applies all effects of time, each at its own time and in their order, so that a leap of the clock is the same as many
    /// small steps. What they lead to is among them.
    mutating func passTime(at now: Date) {
        // The rounding error of dates in this century is below a microsecond.
        let moment = now.addingTimeInterval(1e-6)
        while let (date, event) = nextTimedEvent(), date <= moment {
            switch event {
            case .arrival: addNextArrival()
            case .reservationExpiry: expireNextReservation()
            case .agentLoss: loseNextAgent()
            case .playStep: performNextPlayStep()
            }
        }
    }

    private mutating func nextTimedEvent() -> (date: Date, event: TimedEvent)? {
        var next: (date: Date, event: TimedEvent)?
        func consider(_ date: Date?, _ event: TimedEvent) {
            guard let date, next.map({ date < $0.date }) ?? true else { return }
            next = (date, event)
        }
        // In the order in which they happen when several do at the same time.
        consider(arrivals.nextDate, .arrival)
        consider(reservationExpiries.first()?.date, .reservationExpiry)
        consider(agentLosses.first()?.date, .agentLoss)
        consider(playSteps.first?.date, .playStep)
        return next
    }

    /// Moves the job whose reservation expires next back to `scheduled`.
    private mutating func expireNextReservation() {
        // The event has the date of the expiry, not of the request that discovers it.
        guard let (expiry, index) = reservationExpiries.first() else { return }
        reservationExpiries.remove(index)
        guard jobs[index].job.state == .reserved else { return }
        if !jobs[index].isGivenBack {
            jobs[index].unusedReservations += 1
            jobs[index].lastReservationWasUnused = true
        }
        move(index, to: .scheduled, .reservationExpired, at: expiry, stack: jobs[index].job.reservedBy)
    }
}
