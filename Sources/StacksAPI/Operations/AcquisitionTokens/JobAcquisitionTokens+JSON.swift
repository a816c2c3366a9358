extension JobAcquisitionTokens {
    static func read(_ reader: inout JSONReader) throws(JSONError) -> JobAcquisitionTokens {
        var issued: [JobAcquisitionToken]?
        var unreadable: [JobID] = []
        var notIssued: [JobID] = []
        let object = try reader.beginObject()
        while let name = try reader.nextKey() {
            switch name {
            case "job_acquisition_tokens": issued = try readTokens(&reader, &unreadable)
            case "not_issued": notIssued = try reader.identifiersOrEmpty()
            default: try reader.skip()
            }
        }
        var tokens = JobAcquisitionTokens(
            issued: try issued.required("job_acquisition_tokens", in: object), notIssued: notIssued)
        if !unreadable.isEmpty { tokens.addNotIssued(unreadable) }
        return tokens
    }

    /// The tokens that can be decoded. One that cannot counts as not issued.
    private static func readTokens(
        _ reader: inout JSONReader, _ unreadable: inout [JobID]
    ) throws(JSONError) -> [JobAcquisitionToken] {
        unreadable = []
        if try reader.null() { return [] }
        var tokens: [JobAcquisitionToken] = []
        try reader.beginArray()
        while try reader.nextElement() {
            let place = reader.place
            do throws(JSONError) {
                tokens.append(try JobAcquisitionToken.read(&reader))
            } catch {
                _ = try reader.passValue(at: place)
                if let job: JobID = reader.identifier(named: "job_uuid", at: place) { unreadable.append(job) }
            }
        }
        return tokens
    }
}

extension JobAcquisitionToken {
    static func read(_ reader: inout JSONReader) throws(JSONError) -> JobAcquisitionToken {
        var job: JobID?
        var token: String?
        var result = JobAcquisitionToken(job: JobID(storage: .uuid(high: 0, low: 0)), token: Secret(""))
        let object = try reader.beginObject()
        while let name = try reader.nextKey() {
            switch name {
            case "job_uuid": job = try reader.optionalIdentifier()
            case "job_acquisition_token": token = try reader.optionalString()
            case "expires_at": result.expiresAt = try reader.dateOrNil()
            default: try reader.skip()
            }
        }
        result.job = try job.required("job_uuid", in: object)
        result.token = Secret(try token.required("job_acquisition_token", in: object))
        return result
    }
}

extension JobListRequest {
    /// A request for tokens that expire after so many seconds, or after the server's default.
    static func acquisitionTokens(lifetime seconds: Int?) -> JobListRequest {
        JobListRequest(field: #","token_lifetime_seconds":"#, seconds: seconds)
    }
}
