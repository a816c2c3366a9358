#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The environment's certificate authorities, in OpenSSL's variables, which Go and curl read too
/// (<https://docs.openssl.org/3.0/man3/X509_get_default_cert_file/>, <https://curl.se/docs/sslcerts.html>).
package struct TrustEnvironment: Sendable, Hashable {
    /// `SSL_CERT_FILE`: a PEM file that replaces libcurl's default.
    package var certificateFile: String?
    /// `SSL_CERT_DIR`: a directory of files named by subject hash, which replaces libcurl's default.
    package var certificateDirectory: String?

    package init(certificateFile: String? = nil, certificateDirectory: String? = nil) {
        self.certificateFile = certificateFile
        self.certificateDirectory = certificateDirectory
    }

    /// The variables of this process. An empty variable counts as unset.
    package static var ofThisProcess: TrustEnvironment {
        TrustEnvironment(
            certificateFile: value(of: "SSL_CERT_FILE"), certificateDirectory: value(of: "SSL_CERT_DIR"))
    }

    private static func value(of variable: String) -> String? {
        guard let text = unsafe getenv(variable) else { return nil }
        let value = unsafe String(cString: text)
        return value.isEmpty ? nil : value
    }
}
