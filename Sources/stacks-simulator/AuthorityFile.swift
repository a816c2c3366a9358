import TestCertificate

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The CA file in the temporary directory, which exists while the simulator runs.
struct AuthorityFile {
    let path: String

    init() throws {
        let name = "stacks-simulator-ca-\(UUID().uuidString.lowercased()).pem"
        path = FileManager.default.temporaryDirectory.appendingPathComponent(name).path
        // Without overwriting: the name is random, so an existing file would be an attack.
        try Data(TestCertificate.authority.utf8).write(to: URL(filePath: path), options: .withoutOverwriting)
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}
