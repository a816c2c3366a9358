import Foundation
import HTTPTypes
import StacksCurl
import StacksTransport
import Testing

@Suite("Features of libcurl by version")
struct CurlFeaturesTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var name: String
        var version: UInt32
        var isSupported = true
        var namesProtocols = true
        var canAbandonResolution = true
        var resolvesPerMulti = false

        var testDescription: String { name }
    }

    static let table = [
        Row(
            name: "7.80.0", version: 0x07_50_00, isSupported: false, namesProtocols: false, canAbandonResolution: false),
        Row(name: "7.81.0", version: 0x07_51_00, namesProtocols: false, canAbandonResolution: false),
        Row(name: "7.84.0", version: 0x07_54_00, namesProtocols: false, canAbandonResolution: false),
        Row(name: "7.85.0", version: 0x07_55_00, canAbandonResolution: false),
        Row(name: "7.86.0", version: 0x07_56_00, canAbandonResolution: false),
        Row(name: "7.87.0", version: 0x07_57_00),
        Row(name: "7.88.1", version: 0x07_58_01),
        Row(name: "8.0.0", version: 0x08_00_00),
        Row(name: "8.10.0", version: 0x08_0A_00),
        Row(name: "8.15.0", version: 0x08_0F_00),
        // It cancels the resolver's threads.
        Row(name: "8.16.0", version: 0x08_10_00, canAbandonResolution: false),
        Row(name: "8.17.0", version: 0x08_11_00),
        Row(name: "8.19.0", version: 0x08_13_00),
        Row(name: "8.20.0", version: 0x08_14_00, resolvesPerMulti: true),
        Row(name: "8.21.0", version: 0x08_15_00, resolvesPerMulti: true),
    ]

    @Test("each feature is used from the version that added it", arguments: table)
    func gates(row: Row) {
        let features = CurlFeatures(version: row.version)
        #expect(features.isSupported == row.isSupported)
        #expect(features.namesProtocols == row.namesProtocols)
        #expect(features.canAbandonResolution == row.canAbandonResolution)
        #expect(features.resolvesPerMulti == row.resolvesPerMulti)
        #expect(features.mustAwaitResolution == !row.canAbandonResolution)
    }

    @Test("libcurl 8.16 is recognized whatever the headers, and no other version with its headers is taken for it")
    func runtimeVersion() {
        #expect(CurlFeatures(version: 0x08_05_00, runtimeVersion: 0x08_10_00).mustAwaitResolution)
        #expect(!CurlFeatures(version: 0x08_10_00, runtimeVersion: 0x08_11_00).mustAwaitResolution)
        #expect(!CurlFeatures(version: 0x08_05_00, runtimeVersion: 0x08_15_00).mustAwaitResolution)
    }

    @Test("with c-ares, no version must await a resolution", arguments: table)
    func asynchronousResolver(row: Row) {
        #expect(!CurlFeatures(version: row.version, resolvesOnThreads: false).mustAwaitResolution)
    }

    /// The version that `Scripts/test-libcurl` builds with, `8.5.0` for example.
    private static let expectedVersion = ProcessInfo.processInfo.environment["EXPECTED_LIBCURL_VERSION"]

    @Test("the headers and the library have the version under test", .enabled(if: expectedVersion != nil))
    func expected() throws {
        let parts = try #require(Self.expectedVersion).split { !$0.isNumber }.prefix(3).compactMap { UInt32($0) }
        let number = parts.reduce(0) { $0 << 8 | $1 }
        #expect(CurlFeatures.headerVersion == number)
        #expect(CurlFeatures.ofThisProcess.version == number)
    }

    @Test("a transport works without any optional feature, and can forbid plaintext")
    func oldest() async throws {
        var configuration = CurlTransport.Configuration()
        configuration.allowsPlaintext = false
        let oldest = CurlFeatures(version: CurlFeatures.oldestVersion)
        let transport = try CurlTransport(configuration: configuration, library: oldest)
        let error = await #expect(throws: TransportError.self) {
            try await transport.send(TransportRequest(method: .get, origin: "http://127.0.0.1:1", path: "/"))
        }
        #expect(error?.code == .invalidRequest)
        await transport.shutdown()
    }
}
