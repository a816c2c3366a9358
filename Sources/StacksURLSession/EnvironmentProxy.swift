#if canImport(FoundationNetworking)
    import Foundation
    import StacksTransport

    /// The environment's proxy, selected like in the libcurl that URLSession uses on Linux
    /// (<https://curl.se/libcurl/c/CURLOPT_PROXY.html>). URLSession has no setting to bypass it there; only `no_proxy` does.
    package enum EnvironmentProxy {
        /// The name of the variable with the proxy for `origin`, or `nil` when no proxy applies.
        package static func variable(for origin: String) -> String? {
            let scheme = origin.prefix { $0 != ":" }.lowercased()
            var names = ["\(scheme)_proxy"]
            // Not HTTP_PROXY, which CGI servers set from a request's header field.
            if scheme != "http" { names.append(names[0].uppercased()) }
            guard let name = (names + ["all_proxy", "ALL_PROXY"]).first(where: { value(of: $0) != nil }) else {
                return nil
            }
            let exceptions = ProxyExceptions(exceptions)
            return exceptions.names(HostAddress.host(of: origin)) ? nil : name
        }

        /// The value of `no_proxy`.
        package static var exceptions: String { value(of: "no_proxy") ?? value(of: "NO_PROXY") ?? "" }

        private static func value(of variable: String) -> String? {
            guard let text = getenv(variable) else { return nil }
            let value = String(cString: text)
            return value.isEmpty ? nil : value
        }
    }
#endif
