/// Where a call goes: its operation, with the path that its arguments make.
struct CallTarget: Sendable {
    let operation: OperationDefinition
    /// Path and query, percent-encoded.
    var path: String
    /// The stack's key, unless the call is about none.
    let stack: String?
    /// The job, when it is in the path.
    let job: JobID?
}
