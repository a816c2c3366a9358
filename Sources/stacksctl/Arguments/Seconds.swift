import ArgumentParser

/// A time given in seconds, whole or with a fraction: more than 0, and at most a day, which keeps it far from where
/// arithmetic on deadlines could overflow.
struct Seconds {
    let duration: Duration

    /// - Throws: What the range is; the parser says itself which option it was, and what was given.
    init(parsing argument: String) throws {
        guard let seconds = Double(argument), seconds > 0, seconds <= 86_400 else {
            throw ValidationError("It has to be a number of seconds above 0 and at most 86400.")
        }
        duration = .milliseconds(Int64(max(1, (seconds * 1000).rounded())))
    }
}
