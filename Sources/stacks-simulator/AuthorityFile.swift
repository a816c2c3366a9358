import TestCertificate

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The CA file in the temporary directory, for as long as the simulator runs.
struct AuthorityFile {
    let path: String

    init() throws {
        let name = "stacks-simulator-ca-\(UUID().uuidString.lowercased()).pem"
        path = FileManager.default.temporaryDirectory.appendingPathComponent(name).path
        // Without overwriting: the name is new, so a file that is there already is somebody's trick.
        try Data(TestCertificate.authority.utf8).write(to: URL(filePath: path), options: .withoutOverwriting)
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}
