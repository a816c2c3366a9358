import NIOCore
import NIOSSL
import TestCertificate

/// The certificate of a server. All are fixed and their keys are public: for tests only.
public struct ServedCertificate: Sendable {
    let chain: String
    let privateKey: String
    /// Whether the client must present ``AcceptedClient``'s certificate.
    var asksForClient = false
    /// The authority that a client must trust to accept it, in PEM format.
    public let authority: String

    private init(chain: String, privateKey: String, authority: String) {
        (self.chain, self.privateKey, self.authority) = (chain, privateKey, authority)
    }

    /// For localhost and 127.0.0.1, valid until 2070.
    public static let valid = ServedCertificate(
        chain: TestCertificate.certificate, privateKey: TestCertificate.privateKey,
        authority: TestCertificate.authority)

    /// For localhost and 127.0.0.1, expired in 2021.
    public static let expired = ServedCertificate(
        chain: expiredPEM, privateKey: faultyPrivateKey, authority: faultyAuthority)

    /// For another host, elsewhere.test.
    public static let forAnotherHost = ServedCertificate(
        chain: otherHostPEM, privateKey: faultyPrivateKey, authority: faultyAuthority)

    /// For localhost and 127.0.0.1, self-signed.
    public static let selfSigned = ServedCertificate(
        chain: selfSignedPEM, privateKey: faultyPrivateKey, authority: selfSignedPEM)

    /// The SHA-256 hash of the public key of ``selfSigned`` in Base64, as in a pin.
    public static let selfSignedKeyHash = "k4WaqKvD+ItrWw8ONN0Sc1IRQ3LMLnEGmxWeLxp+YZo="

    private static let faultyAuthority = """
        -----BEGIN CERTIFICATE-----
        MIIBNDCB3KADAgECAgELMAoGCCqGSM49BAMCMBkxFzAVBgNVBAMMDmZhdWx0IHRl
        c3RzIENBMCAXDTIwMDEwMTAwMDAwMFoYDzIwNzAwMTAxMDAwMDAwWjAZMRcwFQYD
        VQQDDA5mYXVsdCB0ZXN0cyBDQTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABCut
        9C8sUr1+b41VOkdjJnrrn+yL2AjJLyKZpgx538jVTe8qsTp20kzAughDOc/+ED6M
        SLSzYJ7IKafDcfMPx8SjEzARMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwID
        RwAwRAIgDg9BRxQxFbXCcg8fclCDuiSAGnp/FmiRfskg6AYJEgcCIDa6MtUNXM1Y
        WVHrkBflDoy973aijyvKBIBaxbZjLn2f
        -----END CERTIFICATE-----
        """

    private static let expiredPEM = """
        -----BEGIN CERTIFICATE-----
        MIIBXjCCAQOgAwIBAgIBDDAKBggqhkjOPQQDAjAZMRcwFQYDVQQDDA5mYXVsdCB0
        ZXN0cyBDQTAeFw0yMDAxMDEwMDAwMDBaFw0yMTAxMDEwMDAwMDBaMBQxEjAQBgNV
        BAMMCWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABOtpIw5TuzY9
        /7M4zfUS78XCm8cVnU8l++l98PrKofVIlKm5Avx+pf9QoaWWHSMXHk7ntdMeEi3S
        dTscL+KyPfCjQTA/MAwGA1UdEwEB/wQCMAAwGgYDVR0RBBMwEYIJbG9jYWxob3N0
        hwR/AAABMBMGA1UdJQQMMAoGCCsGAQUFBwMBMAoGCCqGSM49BAMCA0kAMEYCIQD6
        iUISwaGWxQCPE13sH44mBtCCDG+2aphs3mHblZzhBQIhAM+U+BVNzlYO4pwJV6iu
        bYMlabSs73+DmS45je7yXoSu
        -----END CERTIFICATE-----
        """

    private static let otherHostPEM = """
        -----BEGIN CERTIFICATE-----
        MIIBZDCCAQmgAwIBAgIBDTAKBggqhkjOPQQDAjAZMRcwFQYDVQQDDA5mYXVsdCB0
        ZXN0cyBDQTAgFw0yMDAxMDEwMDAwMDBaGA8yMDcwMDEwMTAwMDAwMFowGTEXMBUG
        A1UEAwwOZWxzZXdoZXJlLnRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATr
        aSMOU7s2Pf+zOM31Eu/FwpvHFZ1PJfvpffD6yqH1SJSpuQL8fqX/UKGllh0jFx5O
        57XTHhIt0nU7HC/isj3wo0AwPjAMBgNVHRMBAf8EAjAAMBkGA1UdEQQSMBCCDmVs
        c2V3aGVyZS50ZXN0MBMGA1UdJQQMMAoGCCsGAQUFBwMBMAoGCCqGSM49BAMCA0kA
        MEYCIQDtvE2XjC/gNxljQSaOPyr6jYYLR6Ff+eZ6jcOIEmsX2AIhAKmuaB4speSk
        qBYSbMdhJL/rY4Cvl5VsqXMwR70qG8YX
        -----END CERTIFICATE-----
        """

    private static let selfSignedPEM = """
        -----BEGIN CERTIFICATE-----
        MIIBWjCCAQCgAwIBAgIBDjAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
        c3QwIBcNMjAwMTAxMDAwMDAwWhgPMjA3MDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
        CWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABOtpIw5TuzY9/7M4
        zfUS78XCm8cVnU8l++l98PrKofVIlKm5Avx+pf9QoaWWHSMXHk7ntdMeEi3SdTsc
        L+KyPfCjQTA/MAwGA1UdEwEB/wQCMAAwGgYDVR0RBBMwEYIJbG9jYWxob3N0hwR/
        AAABMBMGA1UdJQQMMAoGCCsGAQUFBwMBMAoGCCqGSM49BAMCA0gAMEUCIHUgruH9
        rCnlr7AxInF9saXw2tuA72XLN8F/VzUJiqrBAiEA7cD3FW4MXThsk+8lDRE7HCNf
        wJ/sOHS5jc949IHgiqs=
        -----END CERTIFICATE-----
        """

    private static let faultyPrivateKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgDXlLwHyi38euQ0lv
        juK9CZG0CwuWGfAurVOsZM/cI7ihRANCAATraSMOU7s2Pf+zOM31Eu/FwpvHFZ1P
        JfvpffD6yqH1SJSpuQL8fqX/UKGllh0jFx5O57XTHhIt0nU7HC/isj3w
        -----END PRIVATE KEY-----
        """
}

extension ServedCertificate {
    /// A server's TLS settings with this certificate.
    ///
    /// - Parameter protocols: The protocols to offer in ALPN, `h2` and `http/1.1` for example.
    func context(protocols: [String]) throws -> NIOSSLContext {
        let certificate = try NIOSSLCertificate(bytes: Array(chain.utf8), format: .pem)
        let key = try NIOSSLPrivateKey(bytes: Array(privateKey.utf8), format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(certificate)], privateKey: .privateKey(key))
        configuration.applicationProtocols = protocols
        if asksForClient {
            let accepted = try NIOSSLCertificate(bytes: Array(AcceptedClient.certificate.utf8), format: .pem)
            configuration.trustRoots = .certificates([accepted])
            configuration.certificateVerification = .noHostnameVerification
        }
        // A client does not reply to a TLS alert on an idle connection, so do not wait for it.
        configuration.shutdownTimeout = .milliseconds(100)
        return try NIOSSLContext(configuration: configuration)
    }
}
