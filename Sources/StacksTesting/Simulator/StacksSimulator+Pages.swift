extension StacksSimulator {
    /// Which of a list are wanted. The others are not built.
    package struct Page: Sendable {
        /// The slug of an organization: only what belongs to it.
        package var organization: String?
        /// How many are left out first.
        package var skip = 0
        package var limit = Int.max

        package static let all = Page()

        package init() {}

        /// What is on the page of those for which `isWanted` holds.
        func of<Elements: Sequence>(
            _ all: Elements, where isWanted: (Elements.Element) -> Bool = { _ in true }
        ) -> [Elements.Element] {
            var (skipped, found): (Int, [Elements.Element]) = (0, [])
            for element in all where isWanted(element) {
                if skipped < skip {
                    skipped += 1
                } else if found.count < limit {
                    found.append(element)
                } else {
                    break
                }
            }
            return found
        }

        func isFor(_ slug: String) -> Bool { organization.map { $0 == slug } ?? true }
    }

    package func organizations(_ page: Page) -> [SimulatedOrganization] {
        withState { state, _ in page.of(state.organizations).map(SimulatedOrganization.init) }
    }

    /// The queues. The first one of each organization is its default queue.
    package func queues(_ page: Page) -> [SimulatedQueue] {
        withState { state, _ in
            let all = state.organizations.lazy.filter { page.isFor($0.settings.slug) }
                .flatMap { organization in organization.queues.lazy.map { (organization.settings.slug, $0) } }
            return page.of(all).map { slug, queue in
                SimulatedQueue(
                    organization: slug, key: queue.key, isPaused: queue.isPaused,
                    scheduledJobs: queue.jobCounts[.scheduled] ?? 0)
            }
        }
    }

    /// The stacks that were ever registered, by their keys.
    package func stacks(_ page: Page) -> [SimulatedStack] {
        withState { state, now in
            let all = state.organizations.lazy.filter { page.isFor($0.settings.slug) }
                .flatMap { organization in organization.stacks.keys.sorted().lazy.map { (organization, $0) } }
            return page.of(all).compactMap { organization, key in SimulatedStack(key, in: organization, at: now) }
        }
    }

    /// The agents that have registered, in that order.
    package func agents(_ page: Page) -> [RegisteredAgent] {
        withState { state, now in
            page.of(state.agents.indices) { page.isFor(state.agents[$0].agent.organization) }
                .map { state.shownAgent($0, at: now) }
        }
    }

    /// The faults for an organization or for all, with numbers that stay theirs.
    package func faults(_ page: Page) -> [(number: Int, fault: SimulatorFault)] {
        withState { state, _ in
            page.of(state.faults) { $0.fault.organization.map(page.isFor) ?? true }
                .map { ($0.number, $0.remaining) }
        }
    }
}
