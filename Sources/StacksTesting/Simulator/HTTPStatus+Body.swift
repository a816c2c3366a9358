package import HTTPTypes

extension HTTPResponse.Status {
    /// Whether a response with this status can have a body. What followed the head of one that cannot would be taken for the
    /// next response.
    package var allowsBody: Bool { kind != .informational && ![204, 205, 304].contains(code) }
}
