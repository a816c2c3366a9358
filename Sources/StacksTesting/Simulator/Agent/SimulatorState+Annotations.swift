/// The annotations of a build, and of single jobs.
extension SimulatorState {
    private static let bodyLimit = 1 << 20
    private static let countLimit = 1000

    /// Creates an annotation, replaces the one with the same context, or appends to that.
    mutating func annotate(_ call: JobCall) throws(Refusal) -> Reply {
        let body = try RequestBody.decode(RequestBody.Annotation.self, from: call.call.body)
        try RequestBody.check(body.context, named: "context", atMost: 255)
        if let style = body.style, !["", "success", "info", "warning", "error"].contains(style) {
            throw .invalid("style must be success, info, warning or error.")
        }
        if let priority = body.priority { try RequestBody.check(priority, named: "priority", in: 1...10) }
        let context = body.context.flatMap { $0.isEmpty ? nil : $0 } ?? "default"
        let key = BuildRecord.AnnotationKey(context: context, job: try annotationJob(scope: body.scope, call))
        let buildKey = jobs[call.job].build
        // An update in place, so that appending copies no text that is there.
        var build = builds.removeValue(forKey: buildKey) ?? BuildRecord()
        defer { builds[buildKey] = build }
        // Not the annotation itself: with a second owner, its text would be copied to be appended to.
        let old = build.annotations[key].map { (bytes: $0.body.utf8.count, style: $0.style, priority: $0.priority) }
        let isAppended = body.append == true && old != nil
        let text = body.body ?? ""
        if text.isEmpty, old == nil { throw .invalid("body must not be empty.") }
        let size = text.utf8.count + (isAppended ? old?.bytes ?? 0 : 0)
        guard size <= Self.bodyLimit else {
            throw .invalid("body has \(size) bytes; it must have at most \(Self.bodyLimit).")
        }
        guard old != nil || build.annotations.count < Self.countLimit else {
            throw .invalid("The build has \(Self.countLimit) annotations, which is the most.")
        }
        try build.makeRoom(
            for: BuildRecord.size(size), insteadOf: old.map { BuildRecord.size($0.bytes) } ?? 0,
            limit: configuration.agents.buildDataLimit)
        let style = body.style.flatMap { $0.isEmpty ? nil : $0 } ?? (isAppended ? old?.style : nil)
        let priority = body.priority ?? (isAppended ? old?.priority : nil) ?? 3
        if isAppended {
            build.annotations[key]?.body += text
            build.annotations[key]?.style = style
            build.annotations[key]?.priority = priority
        } else {
            build.annotations[key] = SimulatedJob.Annotation(
                context: context, body: text, style: style, priority: priority, job: key.job)
        }
        return .created([("context", .string(context))])
    }

    mutating func removeAnnotation(_ call: JobCall) throws(Refusal) -> Reply {
        let context = call.call.route.context
        let job = try annotationJob(scope: call.call.route.query["scope"], call)
        let key = BuildRecord.AnnotationKey(context: context, job: job)
        let buildKey = jobs[call.job].build
        guard let old = builds[buildKey]?.annotations.removeValue(forKey: key) else {
            throw .notFound("There is no annotation with the context \"\(context)\".")
        }
        builds[buildKey]?.keptBytes -= BuildRecord.size(old.body.utf8.count)
        return .noContent
    }

    private func annotationJob(scope: String?, _ call: JobCall) throws(Refusal) -> String? {
        switch scope ?? "" {
        case "", "build": nil
        case "job": jobs[call.job].job.id
        default: throw .invalid("scope must be build or job.")
        }
    }
}
