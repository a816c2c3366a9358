import StacksAPI

/// Names of the files that are kept for jobs.
enum JobFile {
    /// A name that stays in its directory, whatever the job is called.
    static func name(for job: JobID, extension suffix: String) -> String {
        let safe = job.description.map { character in
            character.isASCII && (character.isLetter || character.isNumber || character == "-") ? character : "_"
        }
        return "\(String(safe)).\(suffix)"
    }
}
