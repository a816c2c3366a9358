@testable import StacksAPI
@testable import StacksController

/// What can change of a controller while it runs.
extension RandomWorld {
    struct Settings {
        /// What every third job asks for.
        static let rule = "os=linux"

        /// How many jobs may be in flight.
        var capacity: Int
        /// How many slots of a pool are kept for it.
        var least = 0
        /// Whether those jobs match that ask for something.
        var matchesAll = true

        init(capacity: Int) { self.capacity = capacity }

        init(_ random: inout Jitter) {
            capacity = Int(random.next(in: 1..<30))
            least = min(capacity, max(0, Int(random.next(in: -4..<4))))
            matchesAll = random.next(in: 0..<1) < 0.6
        }

        func apply(to configuration: inout StackController.Configuration) {
            configuration.maximumInFlight = capacity
            configuration.minimumSlots = least
            configuration.tags = matchesAll ? ["os": "linux"] : ["os": "macos"]
        }

        /// A new controller with these.
        func driver(sharesSlots: Bool) -> MachineDriver {
            MachineDriver(sharesSlots: sharesSlots) { apply(to: &$0) }
        }
    }

    /// Somebody changes the configuration, and a controller that is restarted has the new one too.
    mutating func isConfigured(_ settings: Settings, at time: Duration) {
        self.settings = settings
        bound = max(bound, settings.capacity)
        guard !ended else { return }
        now = max(now, time)
        var configuration = driver.machine.shared.configuration
        settings.apply(to: &configuration)
        step([.configured(configuration)])
    }

    /// Somebody drains it, whatever is still to be run.
    mutating func isDrained(at time: Duration) {
        guard !ended else { return }
        now = max(now, time)
        isDraining = true
        step([.drain])
    }

    /// Whether what is reserved for the first time matches the configuration of now.
    mutating func checkMatches(_ ids: [JobID]) {
        guard !settings.matchesAll else { return }
        for id in ids where jobs[id]?.listed.agentQueryRules == [Settings.rule] {
            // One that was requested before may be reserved: that is asked once more.
            guard driver.machine.ledger[id]?.since == now else { continue }
            violations.append("\(id) is reserved, and does not match")
        }
    }
}
