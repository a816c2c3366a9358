import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Owns a `URLSession`, and alone speaks to it, on a queue of its own.
///
/// Almost every method of a session and of its tasks waits for the engine's own thread. On Linux that one stands still
/// when a call is given up while its host's name is looked up, until the look-up is over. So no caller ever waits for
/// the engine: a call that has been given up by then is not begun.
final class EngineSession: Sendable {
    private let session: URLSession
    private let delegate = SessionDelegate()
    private let queue = DispatchQueue(label: "stacks-urlsession")
    /// Whether the session was invalidated: it then traps when it is asked for a task.
    ///
    /// Unchecked, and safe because only blocks on `queue` read or write it, and that queue runs one at a time.
    private nonisolated(unsafe) var isInvalid = false

    /// - Parameter usesProxy: Whether the system's proxy is used. On Linux it is the environment's, whatever this says.
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
        // Delegate calls come one at a time and in order, which the counting of received bytes relies on.
        let reports = OperationQueue()
        reports.maxConcurrentOperationCount = 1
        session = URLSession(configuration: settings, delegate: delegate, delegateQueue: reports)
    }

    /// Begins a call, unless it is settled by then.
    func begin(_ request: URLRequest, for exchange: Exchange) {
        queue.async { [self] in
            guard !isInvalid else { return exchange.close() }
            guard !exchange.isSettled else { return }
            let task = session.dataTask(with: request)
            delegate.follow(task, with: exchange)
            if exchange.begin(task) { task.resume() } else { task.cancel() }
        }
    }

    /// Ends a task that nobody waits for any more.
    func cancel(_ task: URLSessionTask) {
        queue.async { task.cancel() }
    }

    /// Ends the session and its connections. Without it a session keeps itself and its delegate alive.
    func invalidate() {
        queue.async { [self] in
            isInvalid = true
            session.invalidateAndCancel()
        }
    }
}
