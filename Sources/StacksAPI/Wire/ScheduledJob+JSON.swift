extension ScheduledJob {
    /// What the jobs of one page are likely to have in common with the one before.
    struct Memo {
        var rules = JSONMemo<[String]>()
        var pipeline = JSONMemo<Pipeline>()
        var build = JSONMemo<Build>()
        var step = JSONMemo<Step>()
    }

    static func read(_ reader: inout JSONReader, memo: inout Memo) throws(JSONError) -> ScheduledJob {
        var id: JobID?
        var job = ScheduledJob(id: JobID(storage: .uuid(high: 0, low: 0)))
        let object = try reader.beginObject()
        while let name = try reader.nextKey() {
            switch name {
            case "id": id = try reader.optionalIdentifier()
            case "priority": job.priority = try reader.optionalInt() ?? 0
            case "agent_query_rules":
                job.agentQueryRules = try reader.value(&memo.rules) { (reader) throws(JSONError) in
                    try reader.strings()
                }
            case "scheduled_at": job.scheduledAt = try reader.optionalDate()
            case "runnable_at": job.runnableAt = try reader.optionalDate()
            case "pipeline": job.pipeline = try reader.value(&memo.pipeline, Pipeline.read)
            case "build": job.build = try reader.value(&memo.build, Build.read)
            case "step": job.step = try reader.value(&memo.step, Step.read)
            default: try reader.skip()
            }
        }
        job.id = try id.required("id", in: object)
        return job
    }
}

extension ScheduledJob.Pipeline {
    static func read(_ reader: inout JSONReader) throws(JSONError) -> Self {
        var pipeline = Self()
        if try reader.null() { return pipeline }
        try reader.beginObject()
        while let name = try reader.nextKey() {
            switch name {
            case "slug": pipeline.slug = try reader.optionalString()
            case "uuid": pipeline.uuid = try reader.optionalIdentifier()
            default: try reader.skip()
            }
        }
        return pipeline
    }
}

extension ScheduledJob.Build {
    static func read(_ reader: inout JSONReader) throws(JSONError) -> Self {
        var build = Self()
        if try reader.null() { return build }
        try reader.beginObject()
        while let name = try reader.nextKey() {
            switch name {
            case "uuid": build.uuid = try reader.optionalIdentifier()
            case "number": build.number = try reader.optionalInt()
            case "branch": build.branch = try reader.optionalString()
            default: try reader.skip()
            }
        }
        return build
    }
}

extension ScheduledJob.Step {
    static func read(_ reader: inout JSONReader) throws(JSONError) -> Self {
        var step = Self()
        if try reader.null() { return step }
        try reader.beginObject()
        while let name = try reader.nextKey() {
            switch name {
            case "key": step.key = try reader.optionalString()
            default: try reader.skip()
            }
        }
        return step
    }
}
