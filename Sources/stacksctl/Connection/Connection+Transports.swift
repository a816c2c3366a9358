import Foundation
import StacksCurl
import StacksTransport
import StacksURLSession

extension Connection {
    /// The options as a configuration of libcurl.
    static func curl(_ options: GlobalOptions) throws -> CurlTransport.Configuration {
        var configuration = CurlTransport.Configuration()
        if let timeout = options.timeout { configuration.requestTimeout = timeout.duration }
        if options.httpVersion == .http1_1 { configuration.httpVersion = .http1_1 }
        configuration.trustAdvice = "use --ca-file or SSL_CERT_FILE to trust other authorities"
        if let file = options.caFile { configuration.certificateAuthorities = .file(file) }
        switch options.proxy {
        case nil: break
        case "none": configuration.proxy = .none
        case let url?: configuration.proxy = .url(url)
        }
        return configuration
    }

    /// The options as a configuration of URLSession, which chooses the version of HTTP, the proxy and the trusted
    /// authorities itself.
    ///
    /// - Throws: ``Failure`` for an option that would have no effect.
    static func urlSession(_ options: GlobalOptions) throws -> URLSessionTransport.Configuration {
        let unavailable: [(name: String, isGiven: Bool)] = [
            ("--ca-file", options.caFile != nil), ("--proxy", options.proxy != nil),
            ("--http-version", ![nil, .auto].contains(options.httpVersion)),
        ]
        if let option = unavailable.first(where: \.isGiven) {
            throw Failure.usage("\(option.name) needs '--transport curl': URLSession uses the system's settings.")
        }
        var configuration = URLSessionTransport.Configuration()
        if let timeout = options.timeout { configuration.requestTimeout = timeout.duration }
        return configuration
    }

    #if canImport(FoundationNetworking)
        /// Makes URLSession bypass the environment's proxy for a base URL on loopback. On Linux only the environment can say
        /// so, and the commands started from here inherit it. Call it before another thread can read the environment.
        static func leaveProxyOut(_ baseURL: String) {
            guard HostAddress.isLoopback(hostOf: baseURL), EnvironmentProxy.variable(for: baseURL) != nil else {
                return
            }
            var host = HostAddress.host(of: baseURL).drop { $0 == "[" }.prefix { $0 != "]" }
            if host.hasSuffix(".") { host = host.dropLast() }
            let exceptions = EnvironmentProxy.exceptions
            setenv("no_proxy", exceptions.isEmpty ? String(host) : "\(exceptions),\(host)", 1)
        }
    #endif
}
