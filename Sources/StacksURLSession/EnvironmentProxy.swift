#if canImport(FoundationNetworking)
    import Foundation
    import StacksTransport

    /// The proxy that the environment names, as the libcurl below URLSession on Linux finds it
    /// (<https://curl.se/libcurl/c/CURLOPT_PROXY.html>). It can be left out by the environment's `no_proxy` alone:
    /// URLSession has no setting for it there.
    package enum EnvironmentProxy {
        /// The variable that names a proxy for `origin`, or `nil` when it is reached without one.
        package static func variable(for origin: String) -> String? {
            let scheme = origin.prefix { $0 != ":" }.lowercased()
            var names = ["\(scheme)_proxy"]
            // Not HTTP_PROXY: a web server sets it for the programs it starts, from a request's header field.
            if scheme != "http" { names.append(names[0].uppercased()) }
            guard let name = (names + ["all_proxy", "ALL_PROXY"]).first(where: { value(of: $0) != nil }) else {
                return nil
            }
            let exceptions = ProxyExceptions(exceptions)
            return exceptions.names(HostAddress.host(of: origin)) ? nil : name
        }

        /// What `no_proxy` says.
        package static var exceptions: String { value(of: "no_proxy") ?? value(of: "NO_PROXY") ?? "" }

        private static func value(of variable: String) -> String? {
            guard let text = getenv(variable) else { return nil }
            let value = String(cString: text)
            return value.isEmpty ? nil : value
        }
    }
#endif
