import Foundation
import Synchronization

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Forwards a session's events to their calls, and declines every redirect.
final class SessionDelegate: NSObject, URLSessionDataDelegate {
    private struct State {
        var calls: [Int: URLSessionCall] = [:]
        /// Whether the session has had a response, and so may reuse a connection. The engine reports in order, on one
        /// queue: the response that freed a connection arrives here before the end of the call that reused it.
        var hasHadResponse = false
    }

    private let state = Mutex(State())

    /// Forwards the events of `task` to `call` until the task completes.
    func follow(_ task: URLSessionTask, with call: URLSessionCall) {
        state.withLock { $0.calls[task.taskIdentifier] = call }
    }

    private func call(of task: URLSessionTask) -> URLSessionCall? {
        state.withLock { $0.calls[task.taskIdentifier] }
    }

    func urlSession(
        _ session: URLSession,
        task: URLSessionTask,
        didSendBodyData bytesSent: Int64,
        totalBytesSent: Int64,
        totalBytesExpectedToSend: Int64
    ) {
        call(of: task)?.tookBody()
    }

    func urlSession(
        _ session: URLSession,
        task: URLSessionTask,
        willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest,
        completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        // Following it would send the credentials to another host. The redirect is the response.
        completionHandler(nil)
    }

    #if canImport(FoundationNetworking)
        func urlSession(
            _ session: URLSession,
            task: URLSessionTask,
            didReceive challenge: URLAuthenticationChallenge,
            completionHandler: @escaping @Sendable (URLSession.AuthChallengeDisposition, URLCredential?) -> Void
        ) {
            // On Linux, a task whose response is a 401 with `WWW-Authenticate` waits for a credential after the complete
            // response. The 401 is the response. (On other systems, the default handling delivers it.)
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
        let call = state.withLock { state in
            state.hasHadResponse = true
            return state.calls[dataTask.taskIdentifier]
        }
        call?.received(response)
        completionHandler(.allow)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        call(of: dataTask)?.received(data)
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        complete(task, with: error)
    }

    private func complete(_ task: URLSessionTask, with error: (any Error)?) {
        let (call, hasHadResponse) = state.withLock { state in
            (state.calls.removeValue(forKey: task.taskIdentifier), state.hasHadResponse)
        }
        call?.complete(with: error, connectionIsCertainlyNew: !hasHadResponse)
    }
}
