#if URLSessionTool
    import StacksTransport
    import StacksURLSession

    #if canImport(Glibc)
        import Glibc
    #elseif canImport(Musl)
        import Musl
    #endif

    extension Connection {
        /// The transport over URLSession, and how it is closed.
        static func urlSession(
            _ options: GlobalOptions, baseURL: String?
        ) throws -> (transport: any HTTPTransport, shutdown: @Sendable () async -> Void) {
            #if canImport(FoundationNetworking)
                if let baseURL { leaveProxyOut(baseURL) }
            #endif
            let transport = try URLSessionTransport(configuration: configuration(options))
            return (transport, { await transport.shutdown() })
        }

        /// The options as a configuration of URLSession, which chooses the version of HTTP, the proxy and the trusted
        /// authorities itself.
        ///
        /// - Throws: ``Failure`` for an option that would have no effect.
        private static func configuration(_ options: GlobalOptions) throws -> URLSessionTransport.Configuration {
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
            /// Makes URLSession bypass the environment's proxy for a base URL on loopback. On Linux only the environment
            /// can say so, and the commands started from here inherit it. Call it before another thread can read the
            /// environment.
            private static func leaveProxyOut(_ baseURL: String) {
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
#else
    import StacksTransport

    extension Connection {
        /// This tool was built without Foundation's networking, which makes it three times as large on Linux.
        ///
        /// - Throws: ``Failure``, which says how to get a tool with it.
        static func urlSession(
            _ options: GlobalOptions, baseURL: String?
        ) throws -> (transport: any HTTPTransport, shutdown: @Sendable () async -> Void) {
            throw Failure.usage(
                "this stacksctl was built without URLSession: use '--transport curl', or install it with "
                    + "'Scripts/install --with-urlsession'.")
        }
    }
#endif
