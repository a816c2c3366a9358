import ArgumentParser

/// A time in seconds, with or without a fraction: more than 0, and at most a day, so that arithmetic on deadlines cannot
/// overflow.
struct Seconds {
    /// The most seconds that are accepted.
    static let most = 86_400

    let duration: Duration

    init(_ duration: Duration) { self.duration = duration }

    /// `nil` for what is no such number.
    init?(_ text: some StringProtocol) {
        guard let seconds = Double(text), seconds > 0, seconds <= Double(Self.most) else { return nil }
        duration = .milliseconds(Int64(max(1, (seconds * 1000).rounded())))
    }

    /// - Throws: An error that states the range; the parser adds the option and its value.
    init(parsing argument: String) throws {
        guard let seconds = Seconds(argument) else {
            throw ValidationError("It must be a number of seconds above 0 and at most \(Self.most).")
        }
        self = seconds
    }
}
