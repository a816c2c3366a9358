/// A client certificate that a server can require. It is fixed and its key is public: for tests only.
public enum AcceptedClient {
    /// The self-signed certificate in PEM format.
    public static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBjjCCATSgAwIBAgIUeWT/o3+hsrvh8MZfjafMMI7+BhcwCgYIKoZIzj0EAwIw
        ETEPMA0GA1UEAwwGY2xpZW50MCAXDTI2MTEyMjAzNTEzNloYDzIwNzAwMjI0MDM1
        MTM2WjARMQ8wDQYDVQQDDAZjbGllbnQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
        AATraSMOU7s2Pf+zOM31Eu/FwpvHFZ1PJfvpffD6yqH1SJSpuQL8fqX/UKGllh0j
        Fx5O57XTHhIt0nU7HC/isj3wo2gwZjAdBgNVHQ4EFgQU9Rd8gPDlmqNb6pfCIshT
        eTrEBzAwHwYDVR0jBBgwFoAU9Rd8gPDlmqNb6pfCIshTeTrEBzAwEwYDVR0lBAww
        CgYIKwYBBQUHAwIwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEA
        ycte+NzNugA9vACz6p6nXgKHcbAHVtttG9Yv00IHfPsCIBygB1SfMPuSrckLmMhx
        uRPVWPjXS6WID7pzhYvHdSGQ
        -----END CERTIFICATE-----
        """

    /// Its private key, encrypted with ``password``, in PEM format.
    public static let encryptedKey = """
        -----BEGIN ENCRYPTED PRIVATE KEY-----
        MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjIfIHDtcG/NgICCAAw
        DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEMJmlb05LTykXtfcInjFzN4EgZDl
        fUHTfcgHkJvYOb8QRLtzIlZ6ijLCx1DaSPfIMDLszIMknqf0ttSAAVBgLlZNtEgP
        ZJNlUOzAiG+NOn3lA5LGkF+G56vi9YStJ6BIBdQ58ckwUtYMNAODXwrC3JM7GpPx
        O7HZp6U3n+y+sbK5Lb8QfMaOWCCgC3oZMsqc+esqZT+/WZf29BAlsbG4mujINsg=
        -----END ENCRYPTED PRIVATE KEY-----
        """

    public static let password = "client-secret"
}

extension ServedCertificate {
    /// The same, for a server that accepts only ``AcceptedClient``.
    public var askingForClient: ServedCertificate {
        var certificate = self
        certificate.asksForClient = true
        return certificate
    }
}
