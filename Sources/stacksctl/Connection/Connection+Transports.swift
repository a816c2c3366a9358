import Foundation
import StacksCurl
import StacksTransport
import StacksURLSession

extension Connection {
    /// What the options mean to libcurl.
    static func curl(_ options: GlobalOptions) throws -> CurlTransport.Configuration {
        var configuration = CurlTransport.Configuration()
        if let timeout = options.timeout { configuration.requestTimeout = timeout.duration }
        if options.httpVersion == .http1_1 { configuration.httpVersion = .http1_1 }
        if let file = options.caFile { configuration.certificateAuthorities = .file(file) }
        switch options.proxy {
        case nil: break
        case "none": configuration.proxy = .none
        case let url?: configuration.proxy = .url(url)
        }
        return configuration
    }

    /// What the options mean to URLSession, which chooses the version of HTTP, the proxy and whom it trusts by itself.
    ///
    /// - Throws: ``Failure`` for an option that would have no effect.
    static func urlSession(_ options: GlobalOptions) throws -> URLSessionTransport.Configuration {
        let unavailable: [(name: String, isGiven: Bool)] = [
            ("--ca-file", options.caFile != nil), ("--proxy", options.proxy != nil),
            ("--http-version", options.httpVersion != .auto),
        ]
        if let option = unavailable.first(where: \.isGiven) {
            throw Failure.usage("\(option.name) needs '--transport curl': URLSession takes the system's settings.")
        }
        var configuration = URLSessionTransport.Configuration()
        if let timeout = options.timeout { configuration.requestTimeout = timeout.duration }
        return configuration
    }
}
