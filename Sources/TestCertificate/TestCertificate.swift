/// The TLS certificate of the simulator and the test servers. It is fixed and its private key is public, so use it only in
/// tests.
///
/// A fixed certificate needs no set-up step, as in Go's `httptest`. It is valid for `localhost`, `127.0.0.1` and `::1` from
/// 2020 to 2070. The key of its CA was deleted, so that nobody can issue another certificate of that CA.
package enum TestCertificate {
    /// The CA that a client must trust, PEM.
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
