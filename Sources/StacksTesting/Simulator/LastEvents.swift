/// The jobs in the order of their last events, so that what moved last is found without looking at all jobs.
struct LastEvents {
    /// The jobs of the events. The entries of a job before its last one are out of date.
    private var entries: [Int] = []
    /// The place of each job's last entry.
    private var places: [Int] = []
    /// How many events there have been.
    private(set) var count: Int

    init(count: Int = 0) { self.count = count }

    /// Adds an event of a job, which is known or the next one.
    mutating func append(_ job: Int) {
        count += 1
        if job == places.count { places.append(entries.count) } else { places[job] = entries.count }
        entries.append(job)
        // So that each entry is moved once on average.
        if entries.count > 2 * places.count + 64 { removeOutdated() }
    }

    private mutating func removeOutdated() {
        entries = entries.indices.filter { places[entries[$0]] == $0 }.map { entries[$0] }
        for (place, job) in entries.enumerated() { places[job] = place }
    }

    /// The jobs, the one that moved last first.
    var newestFirst: some Sequence<Int> {
        entries.indices.reversed().lazy.filter { places[entries[$0]] == $0 }.map { entries[$0] }
    }
}
