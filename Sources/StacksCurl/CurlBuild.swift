/// What there is to say of the libcurl that this process runs with, for people who report a problem.
package struct CurlBuild: Sendable, Hashable {
    /// Its version, `8.5.0` for example.
    package var version: String

    /// The version of the headers that this program was built with.
    package var headerVersion: String

    /// The oldest version that is supported.
    package var oldestVersion: String

    /// Its TLS library with the version, `OpenSSL/3.0.17` for example; `nil` without TLS.
    package var tlsLibrary: String?

    /// Whether it was built with HTTP/2.
    package var supportsHTTP2: Bool

    /// The libcurl of this process.
    package static var ofThisProcess: CurlBuild {
        CurlBuild(
            version: CurlLibrary.versionString,
            headerVersion: text(CurlLibrary.headerVersion),
            oldestVersion: text(CurlFeatures.oldestVersion),
            tlsLibrary: CurlLibrary.tlsLibrary,
            supportsHTTP2: CurlLibrary.hasHTTP2
        )
    }

    /// A version as people write it: `0x080500` is 8.5.0.
    private static func text(_ version: UInt32) -> String {
        "\(version >> 16 & 0xff).\(version >> 8 & 0xff).\(version & 0xff)"
    }
}
