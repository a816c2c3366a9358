import ArgumentParser

/// A time in seconds, with or without a fraction: more than 0, and at most a day, so that arithmetic on deadlines cannot
/// overflow.
struct Seconds {
    let duration: Duration

    /// - Throws: An error that states the range; the parser adds the option and its value.
    init(parsing argument: String) throws {
        guard let seconds = Double(argument), seconds > 0, seconds <= 86_400 else {
            throw ValidationError("It must be a number of seconds above 0 and at most 86400.")
        }
        duration = .milliseconds(Int64(max(1, (seconds * 1000).rounded())))
    }
}
