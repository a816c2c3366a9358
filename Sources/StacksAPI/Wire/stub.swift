extension Stack { static func read(_ r: inout JSONReader) throws(JSONError) -> Stack { throw JSONError() } }
extension ScheduledJobsPage { static func read(_ r: inout JSONReader) throws(JSONError) -> Self { throw JSONError() } }
extension Reservation { static func read(_ r: inout JSONReader) throws(JSONError) -> Self { throw JSONError() } }
extension Job { static func read(_ r: inout JSONReader) throws(JSONError) -> Self { throw JSONError() } }
extension JobStates { static func read(_ r: inout JSONReader) throws(JSONError) -> Self { throw JSONError() } }
extension JobAcquisitionTokens {
    static func read(_ r: inout JSONReader) throws(JSONError) -> Self { throw JSONError() }
}
extension TokenIdentity { static func read(_ r: inout JSONReader) throws(JSONError) -> Self { throw JSONError() } }
enum RegisterRequest {
    static func encode(key: String, type: StackType, queue: QueueKey, metadata: [String: String]) -> [UInt8] { [] }
}
enum FinishRequest { static func encode(exitStatus: Int, detail: String) -> [UInt8] { [] } }
struct JobListRequest { init(parameter: String = "", seconds: Int? = nil) {} }
