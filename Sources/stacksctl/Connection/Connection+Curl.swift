import StacksCurl

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
}
