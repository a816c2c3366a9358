/// The certificate that the simulator and the tests' servers serve over TLS: fixed, published here with its key, and
/// therefore good for tests alone.
///
/// A fixed one lets a test name the CA file without a set-up step, as Go's `httptest` does. The certificate is for
/// `localhost`, `127.0.0.1` and `::1`, valid from 2020 to 2070, and signed by a CA whose own key was thrown away, so
/// nobody can make another certificate that those who trust this CA would accept.
package enum TestCertificate {
    /// The CA that a client has to trust, PEM.
    package static let authority = """
        -----BEGIN CERTIFICATE-----
        MIIBizCCATCgAwIBAgIBATAKBggqhkjOPQQDAjAqMSgwJgYDVQQDDB9zdGFja3Mt
        c2ltdWxhdG9yIHB1YmxpYyB0ZXN0IENBMCAXDTIwMDEwMTAwMDAwMFoYDzIwNzAw
        MTAxMDAwMDAwWjAqMSgwJgYDVQQDDB9zdGFja3Mtc2ltdWxhdG9yIHB1YmxpYyB0
        ZXN0IENBMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEAYbOLvSosHi/baX9UGXc
        uc4Y80YB4x5MSm7waXLtifk8Y/OMV/GNLhmrOXI32XwdJxb5R4tuzscSdiqNsHwl
        LKNFMEMwEgYDVR0TAQH/BAgwBgEB/wIBADAOBgNVHQ8BAf8EBAMCAQYwHQYDVR0O
        BBYEFNMpTTtfA0EG+hW79xu/uhvivPF4MAoGCCqGSM49BAMCA0kAMEYCIQCr4/yo
        vd2Gql1Inr1MEiOilBbspnRNbgcLy1mqlSDz0AIhAJgqkQzKQ/2jWDM5/7DO4UwK
        QVnDZ4pJm3XtxRgxHJPj
        -----END CERTIFICATE-----
        """

    /// The server's certificate, PEM.
    package static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIB1DCCAXqgAwIBAgIBAjAKBggqhkjOPQQDAjAqMSgwJgYDVQQDDB9zdGFja3Mt
        c2ltdWxhdG9yIHB1YmxpYyB0ZXN0IENBMCAXDTIwMDEwMTAwMDAwMFoYDzIwNzAw
        MTAxMDAwMDAwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggq
        hkjOPQMBBwNCAARfR+qFsZNprxe94/mrPj812z5a2Mw8W7wJXgBhMHK1XV/wFXKH
        e4s/dbhWfV9pWlHEMtx7/wYI52xIPXKsFolgo4GkMIGhMAwGA1UdEwEB/wQCMAAw
        DgYDVR0PAQH/BAQDAgeAMBMGA1UdJQQMMAoGCCsGAQUFBwMBMCwGA1UdEQQlMCOC
        CWxvY2FsaG9zdIcEfwAAAYcQAAAAAAAAAAAAAAAAAAAAATAdBgNVHQ4EFgQUd1Zi
        0AYRGGopN6ohdLrV3E73uywwHwYDVR0jBBgwFoAU0ylNO18DQQb6Fbv3G7+6G+K8
        8XgwCgYIKoZIzj0EAwIDSAAwRQIhAPilaG92krdwyo4go5MGei8cO8yfYjGsWUQm
        2uxPVp3UAiA149H3iw5AwjepHds8VKwXPDsIaB6cMfaZtVqKWu/G7w==
        -----END CERTIFICATE-----
        """

    /// The server's private key (EC P-256), PEM. It is public.
    package static let privateKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgzKkY6hEQrgkxSxan
        +T7Ui3WIcl0cFwuzk92DMkwapmahRANCAARfR+qFsZNprxe94/mrPj812z5a2Mw8
        W7wJXgBhMHK1XV/wFXKHe4s/dbhWfV9pWlHEMtx7/wYI52xIPXKsFolg
        -----END PRIVATE KEY-----
        """
}
