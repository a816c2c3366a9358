import StacksAPI

/// The names of the files of a job: its log, its record, and what the command is told of it.
enum JobFileName {
    /// The longest part of a file's name that comes from the job's UUID, in bytes: file systems accept names of 255.
    private static let longestName = 200

    /// A name without a slash, whatever the server calls the job. A UUID that is too long is cut in the middle.
    static func name(for job: JobID, extension suffix: String) -> String {
        let safe = job.description.map { character in
            character.isASCII && (character.isLetter || character.isNumber || character == "-") ? character : "_"
        }
        guard safe.count > longestName else { return "\(String(safe)).\(suffix)" }
        let half = longestName / 2
        return "\(String(safe.prefix(half)))_\(String(safe.suffix(half))).\(suffix)"
    }

    /// The job whose file has a name, when that is certain: of a UUID, which is in its name unchanged.
    static func job(in name: String) -> JobID? {
        let job = JobID(String(name.prefix { $0 != "." }))
        return job.uuid == nil ? nil : job
    }
}
