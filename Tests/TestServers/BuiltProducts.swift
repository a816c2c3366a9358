public import Foundation

/// Where the package's executables are: beside the running test bundle.
public enum BuiltProducts {
    /// An executable that is not there.
    public struct Missing: Error, CustomStringConvertible {
        public var description: String
    }

    /// The executable called `name`, built with the tests.
    public static func executable(named name: String) throws -> URL {
        for start in starts {
            var directory = start
            // The bundle is in the products directory itself on Linux, a few levels below on macOS.
            for _ in 0..<5 {
                let candidate = directory.appendingPathComponent(name)
                var isDirectory: ObjCBool = false
                if FileManager.default.fileExists(atPath: candidate.path, isDirectory: &isDirectory),
                    !isDirectory.boolValue, FileManager.default.isExecutableFile(atPath: candidate.path)
                {
                    return candidate
                }
                directory.deleteLastPathComponent()
            }
        }
        throw Missing(description: "\(name) is not beside the tests; build it with `swift build --product \(name)`")
    }

    private static var starts: [URL] {
        var paths = CommandLine.arguments.filter { $0.contains(".xctest") }
        if let first = CommandLine.arguments.first { paths.append(first) }
        let bundles = Bundle.allBundles.map(\.bundleURL).filter { $0.pathExtension == "xctest" }
        return paths.map { URL(fileURLWithPath: $0).deletingLastPathComponent() } + bundles
            + [Bundle.main.bundleURL]
    }
}
