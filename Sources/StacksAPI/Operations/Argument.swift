/// Checks a call's arguments before anything is sent. Each error names the value and the limit.
enum Argument {
    static func failure(_ message: String, for operation: StacksOperation) -> StacksAPIError {
        StacksAPIError(code: .invalidArgument, operation: operation, message: message)
    }

    static func check(stackKey key: String, for operation: StacksOperation) throws(StacksAPIError) {
        var key = key
        let isValid = key.withUTF8 { bytes in
            bytes.count >= 1 && bytes.count <= 80 && bytes.allSatisfy(\.isWordByte)
        }
        if isValid { return }
        throw failure(
            "A stack key must have 1 to 80 bytes of A-Z, a-z, 0-9, _ and -; \(quoted(key)) has \(key.utf8.count) bytes"
                + (key.utf8.allSatisfy(\.isWordByte) ? "." : " and other characters."),
            for: operation
        )
    }

    static func check(stackType type: StackType, for operation: StacksOperation) throws(StacksAPIError) {
        try checkText(type.rawValue, named: "stack type", for: operation)
    }

    static func check(queue: QueueKey, for operation: StacksOperation) throws(StacksAPIError) {
        try checkText(queue.rawValue, named: "queue key", for: operation)
    }

    static func check(job: JobID, for operation: StacksOperation) throws(StacksAPIError) {
        guard case .text(let text) = job.storage else { return }
        try checkText(text, named: "job's identifier", for: operation)
    }

    static func check(jobs: [JobID], for operation: StacksOperation) throws(StacksAPIError) {
        if jobs.isEmpty { throw failure("The list of jobs is empty; it must have at least one.", for: operation) }
        for job in jobs { try check(job: job, for: operation) }
    }

    static func check(
        stackKey: String, jobs: [JobID], for operation: StacksOperation
    ) throws(StacksAPIError) {
        try check(stackKey: stackKey, for: operation)
        try check(jobs: jobs, for: operation)
    }

    static func check(stackKey: String, job: JobID, for operation: StacksOperation) throws(StacksAPIError) {
        try check(stackKey: stackKey, for: operation)
        try check(job: job, for: operation)
    }

    static func check(limit: Int?, for operation: StacksOperation) throws(StacksAPIError) {
        guard let limit, !(1...1000).contains(limit) else { return }
        throw failure("A page's limit must be 1 to 1000 jobs, not \(limit).", for: operation)
    }

    static func check(pageLimit: Int, for operation: StacksOperation) throws(StacksAPIError) {
        if pageLimit < 1 { throw failure("The limit of pages must be at least 1, not \(pageLimit).", for: operation) }
    }

    static func check(cursor: String?, for operation: StacksOperation) throws(StacksAPIError) {
        if let cursor { try checkText(cursor, named: "cursor", for: operation) }
    }

    static func check(exitStatus: Int, for operation: StacksOperation) throws(StacksAPIError) {
        guard Int32(exactly: exitStatus) == nil else { return }
        throw failure("An exit status must fit in 32 bits; \(exitStatus) does not.", for: operation)
    }

    static func check(failureStatus: Int, for operation: StacksOperation) throws(StacksAPIError) {
        if failureStatus == 0 {
            throw failure(
                "A failed job needs an exit status other than 0: 0 means that it passed.", for: operation)
        }
    }

    static func check(detail: String, for operation: StacksOperation) throws(StacksAPIError) {
        if detail.isEmpty { throw failure("The detail is empty; it must have at least one character.", for: operation) }
    }

    static func check(
        notifications: [JobNotification], for operation: StacksOperation
    ) throws(StacksAPIError) {
        if notifications.isEmpty {
            throw failure("The list of notifications is empty; it must have at least one.", for: operation)
        }
        for (index, notification) in notifications.enumerated() {
            try check(job: notification.job, for: operation)
            if notification.detail.isEmpty {
                throw failure(
                    "The detail of notification \(index) is empty; it must have 1 to 256 characters.", for: operation)
            }
            if let timestamp = notification.timestamp, ISO8601.text(timestamp) == nil {
                throw failure(
                    "The timestamp of notification \(index) is outside the years 0 to 9999.", for: operation)
            }
        }
    }

    static func check(metadata: [String: String], for operation: StacksOperation) throws(StacksAPIError) {
        if metadata.count > 100 {
            throw failure("Metadata can have at most 100 keys, not \(metadata.count).", for: operation)
        }
        for (key, value) in metadata {
            // A text of at most 64 bytes has at most 64 characters: only longer ones need counting.
            if key.isEmpty { throw failure("A metadata key is empty.", for: operation) }
            if key.utf8.count > 64, key.unicodeScalars.count > 64 {
                throw failure(
                    "A metadata key can have at most 64 characters; \(quoted(key)) has \(key.unicodeScalars.count).",
                    for: operation)
            }
            if value.utf8.count > 256, value.unicodeScalars.count > 256 {
                throw failure(
                    "A metadata value can have at most 256 characters; that of \(quoted(key)) has "
                        + "\(value.unicodeScalars.count).",
                    for: operation)
            }
        }
    }

    static func seconds(reservationExpiry: Duration?) throws(StacksAPIError) -> Int? {
        try seconds(reservationExpiry, named: "reservation expiry", for: .reserveJobs)
    }

    static func seconds(tokenLifetime: Duration?) throws(StacksAPIError) -> Int? {
        try seconds(tokenLifetime, named: "token lifetime", for: .issueJobAcquisitionTokens)
    }

    /// Whole seconds in ``StackSettings/seconds``, or `nil` for the server's default.
    private static func seconds(
        _ duration: Duration?, named name: String, for operation: StacksOperation
    ) throws(StacksAPIError) -> Int? {
        guard let duration else { return nil }
        let (seconds, attoseconds) = duration.components
        let accepted = StackSettings.seconds
        guard let seconds = Int(exactly: seconds), accepted.contains(seconds), attoseconds == 0 else {
            // A duration of 3601 s describes itself as 3600.9999999999995 seconds.
            let value = attoseconds == 0 ? "\(seconds)" : "\(duration)"
            throw failure(
                "A \(name) must be \(accepted.lowerBound) to \(accepted.upperBound) whole seconds, not \(value).",
                for: operation)
        }
        return seconds
    }

    /// A value for a path or a query must not be empty or contain control characters.
    private static func checkText(
        _ text: String, named name: String, for operation: StacksOperation
    ) throws(StacksAPIError) {
        if text.isEmpty { throw failure("The \(name) is empty.", for: operation) }
        if text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
            throw failure("The \(name) \(quoted(text)) contains a control character.", for: operation)
        }
    }

    /// The value as an error shows it: escaped, and truncated when it is long.
    static func quoted(_ text: String) -> String {
        let shown = text.unicodeScalars.prefix(100).map { $0.escaped(asASCII: false) }.joined()
        return text.unicodeScalars.count > 100 ? "\"\(shown)…\"" : "\"\(shown)\""
    }
}

/// Checks a stack's settings as the operations that use them do, before any of these is called.
package enum StackSettings {
    /// How many whole seconds a reservation may hold, and a job acquisition token live.
    package static let seconds = 1...3600

    /// - Throws: ``StacksAPIError/Code/invalidArgument``, naming the value and its limit.
    package static func check(
        key: String, type: StackType, queue: QueueKey, metadata: [String: String]
    ) throws(StacksAPIError) {
        try Argument.check(stackKey: key, for: .registerStack)
        try Argument.check(stackType: type, for: .registerStack)
        try Argument.check(queue: queue, for: .registerStack)
        try Argument.check(metadata: metadata, for: .registerStack)
    }

    /// - Throws: ``StacksAPIError/Code/invalidArgument``, naming the value and its limit.
    package static func check(reservationExpiry: Duration, tokenLifetime: Duration?) throws(StacksAPIError) {
        _ = try Argument.seconds(reservationExpiry: reservationExpiry)
        _ = try Argument.seconds(tokenLifetime: tokenLifetime)
    }
}
