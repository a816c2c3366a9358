extension JobAcquisitionTokens {
    static func read(_ reader: inout JSONReader) throws(JSONError) -> JobAcquisitionTokens {
        var issued: [JobAcquisitionToken]?
        var notIssued: [JobID] = []
        let object = try reader.beginObject()
        while let name = try reader.nextKey() {
            switch name {
            case "job_acquisition_tokens": issued = try readTokens(&reader)
            case "not_issued": notIssued = try reader.identifiers() ?? []
            default: try reader.skip()
            }
        }
        return JobAcquisitionTokens(
            issued: try issued.required("job_acquisition_tokens", in: object), notIssued: notIssued)
    }

    private static func readTokens(_ reader: inout JSONReader) throws(JSONError) -> [JobAcquisitionToken]? {
        if try reader.null() { return nil }
        var tokens: [JobAcquisitionToken] = []
        try reader.beginArray()
        while try reader.nextElement() { tokens.append(try JobAcquisitionToken.read(&reader)) }
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
            // One that is null is no reason to lose the others: like an empty one it counts as not issued.
            case "job_acquisition_token": token = try reader.optionalString() ?? ""
            case "expires_at": result.expiresAt = try reader.optionalDate()
            default: try reader.skip()
            }
        }
        result.job = try job.required("job_uuid", in: object)
        result.token = Secret(try token.required("job_acquisition_token", in: object))
        return result
    }
}
