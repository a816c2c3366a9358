import Foundation
import Synchronization

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Hands what a session reports to the exchange that it is about, and refuses every redirect.
final class SessionDelegate: NSObject, URLSessionDataDelegate {
    private struct State {
        var exchanges: [Int: Exchange] = [:]
        /// Whether the session has had an answer, and so may hold a connection that it uses again. The engine reports
        /// in order, on one queue: an answer that freed a connection is known before the end of a call that got it.
        var hasHadAnswer = false
    }

    private let state = Mutex(State())

    /// From now on, what is reported about `task` goes to `exchange`, until the task completes.
    func follow(_ task: URLSessionTask, with exchange: Exchange) {
        state.withLock { $0.exchanges[task.taskIdentifier] = exchange }
    }

    private func exchange(of task: URLSessionTask) -> Exchange? {
        state.withLock { $0.exchanges[task.taskIdentifier] }
    }

    func urlSession(
        _ session: URLSession,
        task: URLSessionTask,
        didSendBodyData bytesSent: Int64,
        totalBytesSent: Int64,
        totalBytesExpectedToSend: Int64
    ) {
        exchange(of: task)?.tookBody()
    }

    func urlSession(
        _ session: URLSession,
        task: URLSessionTask,
        willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest,
        completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        // The credentials in the header would travel to wherever the answer points: the redirect is the answer.
        completionHandler(nil)
    }

    #if canImport(FoundationNetworking)
        func urlSession(
            _ session: URLSession,
            task: URLSessionTask,
            didReceive challenge: URLAuthenticationChallenge,
            completionHandler: @escaping @Sendable (URLSession.AuthChallengeDisposition, URLCredential?) -> Void
        ) {
            // On Linux a 401 with `WWW-Authenticate` is reported whole, and then the task waits for a credential, or
            // for ever. The 401 is the answer. (Elsewhere the default handling delivers it.)
            complete(task, with: nil)
            completionHandler(.cancelAuthenticationChallenge, nil)
        }
    #endif

    func urlSession(
        _ session: URLSession,
        dataTask: URLSessionDataTask,
        didReceive response: URLResponse,
        completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
    ) {
        let exchange = state.withLock { state in
            state.hasHadAnswer = true
            return state.exchanges[dataTask.taskIdentifier]
        }
        exchange?.received(response)
        completionHandler(.allow)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        exchange(of: dataTask)?.received(data)
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        complete(task, with: error)
    }

    private func complete(_ task: URLSessionTask, with error: (any Error)?) {
        let (exchange, hasHadAnswer) = state.withLock { state in
            (state.exchanges.removeValue(forKey: task.taskIdentifier), state.hasHadAnswer)
        }
        exchange?.complete(with: error, connectionIsCertainlyNew: !hasHadAnswer)
    }
}
