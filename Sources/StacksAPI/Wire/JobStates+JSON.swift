extension JobStates {
    static func read(_ reader: inout JSONReader) throws(JSONError) -> JobStates {
        var states: [JobID: JobState]?
        let object = try reader.beginObject()
        while let name = try reader.nextKey() {
            switch name {
            case "states": states = try readStates(&reader)
            default: try reader.skip()
            }
        }
        return JobStates(states: try states.required("states", in: object))
    }

    private static func readStates(_ reader: inout JSONReader) throws(JSONError) -> [JobID: JobState] {
        if try reader.null() { return [:] }
        // A UUID with its state takes some 50 bytes: room for as many as can follow, within reason. For one or two the
        // room is made with less work when they come.
        let expected = min((reader.end - reader.cursor) / 50, 1000)
        var states: [JobID: JobState] = expected > 2 ? Dictionary(minimumCapacity: expected) : [:]
        var memo = JSONMemo<JobState>(count: 8)
        try reader.beginObject()
        while let job: JobID = try reader.nextIdentifierKey() {
            if try reader.null() {
                states[job] = nil
                continue
            }
            states[job] = try reader.value(&memo) { (reader) throws(JSONError) in
                JobState(rawValue: try reader.string())
            }
        }
        return states
    }
}
