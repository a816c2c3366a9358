/// The version of this package.
public enum StacksAPIVersion {
    /// The version as it goes into the user agent, `0.1.0` for example. This is the one place where it is written.
    public static let current = "0.1.0"
}
