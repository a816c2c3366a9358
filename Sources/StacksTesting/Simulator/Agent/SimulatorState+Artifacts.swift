import HTTPTypes
import StacksTransport

/// The artifacts of a build: what is said of them. Their bytes are not kept.
extension SimulatorState {
    private static let batchLimit = 1000

    mutating func createArtifacts(_ call: JobCall) throws(Refusal) -> Reply {
        let body = try RequestBody.decode(RequestBody.Artifacts.self, from: call.call.body)
        try RequestBody.check(body.artifacts.count, named: "artifacts", atMost: Self.batchLimit)
        let destination = body.upload_destination ?? ""
        try RequestBody.check(destination, named: "upload_destination", atMost: 1024)
        var room = BuildRecord.size(0)
        for (index, artifact) in body.artifacts.enumerated() {
            room += try Self.check(artifact, named: "artifacts.\(index)", destination: destination)
        }
        let buildKey = jobs[call.job].build
        var build = builds.removeValue(forKey: buildKey) ?? BuildRecord()
        defer { builds[buildKey] = build }
        try build.makeRoom(for: room, limit: configuration.agents.buildDataLimit)

        let batch = generator.uuid()
        artifactBatches[batch] = buildKey
        var ids: [String] = []
        for artifact in body.artifacts {
            let id = generator.uuid()
            ids.append(id)
            build.artifactIndexes[id] = build.artifacts.count
            build.artifactsOfJob[jobs[call.job].job.id, default: []].append(build.artifacts.count)
            build.artifacts.append(
                SimulatedJob.Artifact(
                    id: id, job: jobs[call.job].job.id, path: artifact.path, size: artifact.file_size,
                    sha1: artifact.sha1sum, sha256: artifact.sha256sum, contentType: artifact.content_type,
                    state: "new", absolutePath: artifact.absolute_path ?? "", globPath: artifact.glob_path ?? "",
                    uploadDestination: artifact.upload_destination ?? destination, createdAt: call.now.iso8601))
        }
        return .created([
            ("id", .string(batch)), ("artifact_ids", .strings(ids)),
            ("upload_instructions", uploadInstructions(batch: batch, origin: call.call.request.origin)),
        ])
    }

    /// Where an agent sends the files to: to the simulator, which takes note of them and forgets them.
    private func uploadInstructions(batch: String, origin: String) -> JSONText {
        .object([
            ("data", .object([("path", .string("${artifact:path}"))])),
            (
                "action",
                .object([
                    ("url", .string(origin)), ("method", .string("POST")),
                    ("path", .string("\(configuration.basePath)/artifacts/\(batch)")), ("file_input", .string("file")),
                ])
            ),
        ])
    }

    /// - Returns: How much room the artifact takes.
    private static func check(
        _ artifact: RequestBody.Artifacts.Artifact, named name: String, destination: String
    ) throws(Refusal) -> Int {
        guard !artifact.path.isEmpty else { throw .invalid("\(name).path must not be empty.") }
        guard artifact.file_size >= 0 else {
            throw .invalid("\(name).file_size is \(artifact.file_size); it must not be negative.")
        }
        var room = BuildRecord.size(256)
        for (member, text, limit) in [
            ("path", artifact.path, 1024), ("absolute_path", artifact.absolute_path, 4096),
            ("glob_path", artifact.glob_path, 4096), ("sha1sum", artifact.sha1sum, 40),
            ("sha256sum", artifact.sha256sum, 64), ("content_type", artifact.content_type, 255),
            ("upload_destination", artifact.upload_destination ?? destination, 1024),
        ] {
            try RequestBody.check(text, named: "\(name).\(member)", atMost: limit)
            room += text?.utf8.count ?? 0
        }
        return room
    }

    mutating func updateArtifacts(_ call: JobCall) throws(Refusal) -> Reply {
        let states = try RequestBody.decode(RequestBody.ArtifactStates.self, from: call.call.body).artifacts
        try RequestBody.check(states.count, named: "artifacts", atMost: Self.batchLimit)
        let buildKey = jobs[call.job].build
        var indexes: [Int] = []
        for (index, artifact) in states.enumerated() {
            guard ["new", "finished", "error"].contains(artifact.state) else {
                throw .invalid("artifacts.\(index).state must be new, finished or error.")
            }
            guard let place = builds[buildKey]?.artifactIndexes[artifact.id],
                builds[buildKey]?.artifacts[place].job == jobs[call.job].job.id
            else { throw .notFound("artifacts.\(index).id is none of the job's artifacts.") }
            indexes.append(place)
        }
        for (place, artifact) in zip(indexes, states) { builds[buildKey]?.artifacts[place].state = artifact.state }
        return .ok([("id", .string(jobs[call.job].job.id))])
    }

    func uploadArtifact(_ call: AgentCall) throws(Refusal) -> Reply {
        guard artifactBatches[call.route.batch.lowercased()] != nil else {
            throw .notFound("There is no such batch of artifacts.")
        }
        return .noContent
    }

    func searchArtifacts(_ call: JobCall) throws(Refusal) -> Reply {
        let query = call.call.route.query
        let pattern = query["query"] ?? "*"
        try RequestBody.check(pattern, named: "query", atMost: 256)
        // The scope is a job's UUID or a step's key; steps have no artifacts of their own here.
        let scope = query["scope"].flatMap { $0.isEmpty ? nil : $0.lowercased() }
        let state = query["state"].flatMap { $0.isEmpty ? nil : $0 } ?? "finished"
        let build = builds[jobs[call.job].build] ?? BuildRecord()
        let glob = ArtifactGlob(pattern)
        let found = build.artifacts.filter {
            $0.state == state && (scope == nil || $0.job == scope || stepKey(ofJob: $0.job) == scope)
                && glob.matches($0.path)
        }
        return Reply(status: .ok, body: .array(found.map(\.json)))
    }

    private func stepKey(ofJob id: String) -> String? {
        jobIndexes[id].flatMap { jobs[$0].job.listing.stepKey?.lowercased() }
    }
}

extension SimulatedJob.Artifact {
    var json: JSONText {
        .object([
            ("id", .string(id)), ("job_id", .string(job)), ("path", .string(path)),
            ("absolute_path", .string(absolutePath)), ("glob_path", .string(globPath)),
            ("file_size", .integer(Int(size))), ("sha1sum", .string(sha1 ?? "")),
            ("sha256sum", .string(sha256 ?? "")), ("content_type", .string(contentType ?? "")),
            ("upload_destination", .string(uploadDestination)), ("created_at", .string(createdAt)),
            ("state", .string(state)),
        ])
    }
}
