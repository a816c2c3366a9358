/// A build of an organization.
struct BuildKey: Hashable {
    var organization: Int
    var id: String
}

/// What the jobs of a build have stored.
struct BuildRecord {
    struct AnnotationKey: Hashable {
        var context: String
        /// The job's UUID, or `nil` when the annotation belongs to the build.
        var job: String?
    }

    var metaData: [String: String] = [:]
    var annotations: [AnnotationKey: SimulatedJob.Annotation] = [:]
    /// The artifacts in the order in which they were created.
    var artifacts: [SimulatedJob.Artifact] = []
    var artifactIndexes: [String: Int] = [:]
    var artifactsOfJob: [String: [Int]] = [:]
    /// How much of `Agents.buildDataLimit` is taken.
    var keptBytes = 0

    /// The room that a value takes whose texts have `bytes` bytes.
    static func size(_ bytes: Int) -> Int { bytes + 256 }

    /// Takes room, and gives back the room of what is replaced.
    mutating func makeRoom(for size: Int, insteadOf old: Int = 0, limit: Int) throws(Refusal) {
        guard keptBytes + size - old <= limit else {
            throw .invalid("The meta-data, annotations and artifacts of a build have at most \(limit) bytes.")
        }
        keptBytes += size - old
    }
}

extension JobRecord {
    /// The ID of the job's build. A job that was made without one has one of its own.
    var buildID: String { job.listing.buildUUID?.lowercased() ?? job.id }
    var build: BuildKey { BuildKey(organization: organization, id: buildID) }
}

extension SimulatorState {
    /// The job with what its build keeps, for a test's expectations.
    func inspected(_ index: Int) -> SimulatedJob {
        var job = jobs[index].job
        guard let build = builds[jobs[index].build] else { return job }
        job.metaData = build.metaData
        job.annotations = build.annotations.values.filter { $0.job == nil || $0.job == job.id }
            .sorted { ($0.priority, $1.context) > ($1.priority, $0.context) }
        job.artifacts = (build.artifactsOfJob[job.id] ?? []).map { build.artifacts[$0] }
        return job
    }
}
