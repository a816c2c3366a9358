/// Which of the jobs in flight the status is to name: `/status?jobs=50&find=main`.
struct StatusQuery: Sendable, Hashable {
    /// How many at most: 1000 unless the request says otherwise, and never more than 10 000.
    var jobs = 1000
    /// A text that a job must have in what is known of it, in lowercase; empty for every job.
    var find = ""

    static let mostJobs = 10_000
    private static let longestText = 200

    init() {}

    /// - Returns: `nil` for a value that is none: the message says which.
    static func parsing(_ target: String) -> Result<StatusQuery, Problem> {
        var query = StatusQuery()
        guard let mark = target.firstIndex(of: "?") else { return .success(query) }
        for item in target[target.index(after: mark)...].split(separator: "&") {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let text = parts.count == 2 ? parts[1] : ""
            switch parts.first {
            case "jobs":
                guard let count = Int(text), (0...mostJobs).contains(count) else {
                    return .failure(Problem(message: "'jobs' must be a number from 0 to \(mostJobs)."))
                }
                query.jobs = count
            case "find":
                guard let decoded = decoded(text), decoded.unicodeScalars.count <= longestText else {
                    return .failure(
                        Problem(message: "'find' must be percent-encoded text of at most \(longestText) characters."))
                }
                query.find = decoded.lowercased()
            default:
                return .failure(Problem(message: "The parameters of /status are 'jobs' and 'find'."))
            }
        }
        return .success(query)
    }

    /// The text of a form's field; `nil` when it is not UTF-8 or a `%` is not followed by two hexadecimal digits.
    private static func decoded(_ field: Substring) -> String? {
        var (bytes, rest) = ([UInt8](), field.utf8)
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let digits = String(rest.prefix(2)), digits.utf8.count == 2, digits.first != "+",
                    let value = UInt8(digits, radix: 16)
                else { return nil }
                bytes.append(value)
                rest = rest.dropFirst(2)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// What is wrong with a request.
    struct Problem: Error {
        var message: String
    }
}
