/// The job as an agent gets it.
extension SimulatorState {
    func describeForAgent(_ index: Int) -> [(String, JSONText)] {
        let (job, settings) = (jobs[index].job, configuration.agents)
        let environment = agentEnvironment(index).sorted { $0.key < $1.key }.map { ($0.key, JSONText.string($0.value)) }
        return [
            ("id", .string(job.id)), ("endpoint", .string("")), ("state", .string(job.state.rawValue)),
            ("env", .object(environment)), ("command", .string(job.template.command)),
            ("step", .object([("command", .string(job.template.command))])),
            ("chunks_max_size_bytes", .integer(settings.chunkLimit)), ("chunks_interval_seconds", .integer(1)),
            ("log_max_size_bytes", .integer(settings.logLimit)), ("token", .string("")),
            ("priority", .integer(job.listing.priority)),
        ]
    }

    /// The environment in which an agent runs the job's command. What the job was made with comes before it.
    ///
    /// An agent demands most of these, a repository too, though it has nothing to check out. The phases keep an old agent
    /// from trying, `BUILDKITE_SKIP_CHECKOUT` a new one; a job that was made with a repository is checked out.
    private func agentEnvironment(_ index: Int) -> [String: String] {
        let record = jobs[index]
        let (job, listing) = (record.job, record.job.listing)
        let organization = organizations[record.organization].settings.slug
        let pipeline = listing.pipelineSlug ?? "pipeline"
        let number = String(listing.buildNumber ?? 1)
        var environment = [
            "BUILDKITE": "true", "CI": "true", "BUILDKITE_COMMAND": job.template.command,
            "BUILDKITE_JOB_ID": job.id, "BUILDKITE_BUILD_ID": record.buildID, "BUILDKITE_BUILD_NUMBER": number,
            "BUILDKITE_BUILD_URL": "https://buildkite.com/\(organization)/\(pipeline)/builds/\(number)",
            "BUILDKITE_ORGANIZATION_SLUG": organization, "BUILDKITE_PIPELINE_SLUG": pipeline,
            "BUILDKITE_PIPELINE_PROVIDER": "git", "BUILDKITE_BRANCH": listing.branch ?? "main",
            "BUILDKITE_COMMIT": "HEAD", "BUILDKITE_MESSAGE": "Simulated build", "BUILDKITE_AGENT_NAME": "agent",
            "BUILDKITE_AGENT_META_DATA_QUEUE": job.queue,
        ]
        if let key = listing.stepKey { environment["BUILDKITE_STEP_KEY"] = key }
        if case .agent(let agent) = record.holder {
            environment["BUILDKITE_AGENT_ID"] = agents[agent].agent.id
            environment["BUILDKITE_AGENT_NAME"] = agents[agent].agent.name
        }
        if job.template.environment["BUILDKITE_REPO"] == nil {
            environment["BUILDKITE_REPO"] = "https://buildkite.invalid/none.git"
            environment["BUILDKITE_SKIP_CHECKOUT"] = "true"
            environment["BUILDKITE_BOOTSTRAP_PHASES"] = "plugin,command"
        }
        return environment.merging(job.template.environment) { $1 }
    }
}
