import StacksAPI

/// Names of the files that are kept for jobs.
enum JobFile {
    /// The longest part of a file's name that comes from a job's, in bytes: file systems take names of 255.
    private static let longestName = 200

    /// A name that stays in its directory, whatever the job is called. Of a job whose name is too long it has the beginning
    /// and the end.
    static func name(for job: JobID, extension suffix: String) -> String {
        let safe = job.description.map { character in
            character.isASCII && (character.isLetter || character.isNumber || character == "-") ? character : "_"
        }
        guard safe.count > longestName else { return "\(String(safe)).\(suffix)" }
        let half = longestName / 2
        return "\(String(safe.prefix(half)))_\(String(safe.suffix(half))).\(suffix)"
    }
}
