/// A transport that knows, before it sends anything, whether a proxy would read plaintext for a host.
///
/// A client checks it when it is created, to fail early. ``TransportRequest/allowsPlaintextProxy`` enforces it for each
/// request, also through transports that wrap this one.
package protocol ProxiedTransport: HTTPTransport {
    /// The proxy that would read plaintext for `origin`, as a message names it, or `nil`.
    func plaintextProxy(for origin: String) -> String?
}
