import ArgumentParser

/// A time given in seconds, whole or with a fraction: more than 0, and at most a day, which keeps it far from where
/// arithmetic on deadlines could overflow.
struct Seconds: ExpressibleByArgument {
    let duration: Duration

    init?(argument: String) {
        guard let seconds = Double(argument), seconds > 0, seconds <= 86_400 else { return nil }
        duration = .milliseconds(Int64(max(1, (seconds * 1000).rounded())))
    }
}
