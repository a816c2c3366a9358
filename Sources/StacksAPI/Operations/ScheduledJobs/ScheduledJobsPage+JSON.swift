extension ScheduledJobsPage {
    static func read(_ reader: inout JSONReader) throws(JSONError) -> ScheduledJobsPage {
        var jobs: [ScheduledJob]?
        var unreadable: [UnreadableJob] = []
        var pageInfo = PageInfo()
        var clusterQueue = ClusterQueue()
        let object = try reader.beginObject()
        while let name = try reader.nextKey() {
            switch name {
            case "jobs": jobs = try readJobs(&reader, &unreadable)
            case "page_info": pageInfo = try reader.valueIfReadable(PageInfo.read) ?? PageInfo()
            case "cluster_queue":
                clusterQueue =
                    try reader.valueIfReadable(ClusterQueue.read) ?? ClusterQueue(isDispatchPaused: true)
            default: try reader.skip()
            }
        }
        return ScheduledJobsPage(
            jobs: try jobs.required("jobs", in: object), pageInfo: pageInfo, clusterQueue: clusterQueue,
            unreadableJobs: unreadable)
    }

    /// The jobs that can be decoded. One that cannot does not fail the page.
    private static func readJobs(
        _ reader: inout JSONReader, _ unreadable: inout [UnreadableJob]
    ) throws(JSONError) -> [ScheduledJob] {
        unreadable = []
        if try reader.null() { return [] }
        var jobs: [ScheduledJob] = []
        // A job takes some 345 bytes: reserves room for as many as can follow, but at most 1000.
        jobs.reserveCapacity(min((reader.end - reader.cursor) / 320, 1000))
        var memo = ScheduledJob.Memo()
        try reader.beginArray()
        while try reader.nextElement() {
            let place = reader.place
            do throws(JSONError) {
                try ScheduledJob.read(&reader, into: &jobs, memo: &memo)
            } catch {
                jobs.removeLast()
                guard unreadable.count < UnreadableJob.maximum else { throw error }
                let position = jobs.count + unreadable.count
                unreadable.append(try UnreadableJob.read(&reader, at: place, position: position, error))
            }
        }
        return jobs
    }
}

extension ScheduledJobsPage.PageInfo {
    static func read(_ reader: inout JSONReader) throws(JSONError) -> Self {
        var info = Self()
        var hasNextPage: Bool? = false
        if try reader.null() { return info }
        try reader.beginObject()
        while let name = try reader.nextKey() {
            switch name {
            case "has_next_page": hasNextPage = try reader.boolOrNil()
            case "end_cursor": info.endCursor = try reader.stringOrNil()
            default: try reader.skip()
            }
        }
        // Where the response does not say whether a page follows, its cursor leads to that page or to an empty one.
        info.hasNextPage = hasNextPage ?? (info.endCursor?.isEmpty == false)
        return info
    }
}

extension ScheduledJobsPage.ClusterQueue {
    static func read(_ reader: inout JSONReader) throws(JSONError) -> Self {
        var queue = Self()
        if try reader.null() { return queue }
        var isDispatchPaused = false
        var isPaused = false
        try reader.beginObject()
        while let name = try reader.nextKey() {
            switch name {
            case "id": queue.id = try reader.identifierOrNil()
            // Nothing may start on a queue that may be paused.
            case "dispatch_paused": isDispatchPaused = try reader.boolOrNil() ?? true
            case "paused": isPaused = try reader.boolOrNil() ?? true
            default: try reader.skip()
            }
        }
        queue.isDispatchPaused = isDispatchPaused || isPaused
        return queue
    }
}

extension UnreadableJob {
    /// The most unreadable jobs of a page: as many as a page has jobs.
    static let maximum = 1000

    /// Skips the job at `place`, which could not be decoded, and says why.
    static func read(
        _ reader: inout JSONReader, at place: JSONReader.Place, position: Int, _ error: JSONError
    ) throws(JSONError) -> UnreadableJob {
        // Throws when the document itself is malformed: then the next job's beginning is unknown.
        let bytes = try reader.passValue(at: place)
        let id: JobID? = reader.identifier(named: "id", at: place)
        let document = Array(bytes)
        var field = JSONPath.locate(offset: error.offset - (reader.offset - bytes.count), in: document)
        if case .missingField(let name) = error.reason { field = name }
        return UnreadableJob(position: position, id: id, field: printable(field), reason: "\(error.reason)")
    }

    /// The path contains the server's keys: only plain characters of them are shown.
    private static func printable(_ path: String) -> String {
        String(String.UnicodeScalarView(path.unicodeScalars.map { (" "..."~").contains($0) ? $0 : "\u{FFFD}" }))
    }
}
