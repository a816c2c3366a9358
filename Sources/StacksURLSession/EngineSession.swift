import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Owns a `URLSession`, and calls it only on a queue of its own.
///
/// Almost every method of a session and its tasks waits for the engine's thread. On Linux, that thread blocks when a call is
/// cancelled during a name resolution, until the resolution ends. Therefore no caller waits for the engine, and a call that
/// ends before the queue reaches it is not started.
final class EngineSession: Sendable {
    private let session: URLSession
    private let delegate = SessionDelegate()
    private let queue = DispatchQueue(label: "stacks-urlsession")
    /// Whether the session was invalidated. Creating a task then traps.
    ///
    /// Unchecked, and safe because only blocks on the serial `queue` read or write it.
    private nonisolated(unsafe) var isInvalid = false

    /// - Parameter usesProxy: Whether to use the system's proxy. On Linux, the engine always uses the environment's.
    init(_ configuration: URLSessionTransport.Configuration, usesProxy: Bool = true) {
        let settings = URLSessionConfiguration.ephemeral
        if !usesProxy { settings.connectionProxyDictionary = [:] }
        settings.httpShouldSetCookies = false
        settings.httpCookieAcceptPolicy = .never
        settings.httpCookieStorage = nil
        settings.urlCache = nil
        settings.urlCredentialStorage = nil
        settings.requestCachePolicy = .reloadIgnoringLocalCacheData
        settings.httpMaximumConnectionsPerHost = configuration.maximumConnectionsPerHost
        // Serial, because counting the received bytes relies on the order of the delegate calls.
        let reports = OperationQueue()
        reports.maxConcurrentOperationCount = 1
        session = URLSession(configuration: settings, delegate: delegate, delegateQueue: reports)
    }

    /// Starts a call unless it is settled by then.
    func begin(_ request: URLRequest, for call: URLSessionCall) {
        queue.async { [self] in
            guard !isInvalid else { return call.close() }
            guard !call.isSettled else { return }
            let task = session.dataTask(with: request)
            delegate.follow(task, with: call)
            if call.begin(task) { task.resume() } else { task.cancel() }
        }
    }

    /// Cancels a task.
    func cancel(_ task: URLSessionTask) {
        queue.async { task.cancel() }
    }

    /// Ends the session and its connections. Until then, a session keeps itself and its delegate alive.
    func invalidate() {
        queue.async { [self] in
            isInvalid = true
            session.invalidateAndCancel()
        }
    }
}
