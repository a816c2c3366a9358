#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// What the environment says about certificate authorities, in the variables of OpenSSL that Go's programs and curl
/// read too (<https://docs.openssl.org/3.0/man3/X509_get_default_cert_file/>, <https://curl.se/docs/sslcerts.html>).
package struct TrustEnvironment: Sendable, Hashable {
    /// `SSL_CERT_FILE`: a file in PEM format in the place of libcurl's own.
    package var certificateFile: String?
    /// `SSL_CERT_DIR`: a directory, with a file for each hash of a name, in the place of libcurl's own.
    package var certificateDirectory: String?

    package init(certificateFile: String? = nil, certificateDirectory: String? = nil) {
        self.certificateFile = certificateFile
        self.certificateDirectory = certificateDirectory
    }

    /// That of this process. A variable that is empty is taken for one that is not set.
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
