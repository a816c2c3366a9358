import CLibcurl
import StacksTransport

/// The libcurl that this process runs with.
enum CurlLibrary {
    /// Initializes libcurl once per process. Throws if it cannot be used.
    ///
    /// `curl_global_init` is not thread-safe in every version (<https://curl.se/libcurl/c/curl_global_init.html>); the
    /// initializer of a static property runs once.
    static func prepare() throws(ConfigurationError) {
        if let problem { throw problem }
    }

    /// The version in use, `8.5.0` for example.
    static let versionString: String = unsafe String(cString: stacks_version_info().pointee.version)

    /// The features of its version or of the build headers' version, whichever is older.
    static let features = CurlFeatures(
        version: unsafe min(stacks_version_info().pointee.version_num, stacks_header_version),
        runtimeVersion: unsafe stacks_version_info().pointee.version_num,
        resolvesOnThreads: unsafe stacks_version_info().pointee.ares_num == 0)

    /// The version of the headers that this was built with.
    static let headerVersion: UInt32 = stacks_header_version

    /// Whether it was built with HTTP/2.
    static let hasHTTP2: Bool = unsafe stacks_version_info().pointee.features & CURL_VERSION_HTTP2 != 0

    /// Its TLS library with the version, `OpenSSL/3.0.17` for example; `nil` without TLS.
    static let tlsLibrary: String? = unsafe stacks_version_info().pointee.ssl_version.map { unsafe String(cString: $0) }

    private static let problem: ConfigurationError? = {
        let result = curl_global_init(stacks_global_default)
        guard result == CURLE_OK else {
            return ConfigurationError(
                "libcurl could not be initialized: \(unsafe String(cString: curl_easy_strerror(result)))")
        }
        let info = unsafe stacks_version_info().pointee
        guard features.isSupported else {
            return ConfigurationError("libcurl \(versionString) is too old: 7.81.0 or newer is required")
        }
        guard unsafe info.features & CURL_VERSION_SSL != 0 else {
            return ConfigurationError("libcurl \(versionString) was built without TLS")
        }
        guard unsafe info.features & CURL_VERSION_ASYNCHDNS != 0 else {
            return ConfigurationError(
                "libcurl \(versionString) resolves names synchronously, which would block every call")
        }
        return nil
    }()
}
