#if os(Linux)
    import Foundation

    /// A directory in which a recipe runs with programs that stand in for those of its engine.
    protocol RecipeBed {
        var root: URL { get }
    }

    extension RecipeBed {
        /// Makes programs of scripts for bash, by their names.
        static func install(_ programs: [String: String], in directory: URL) throws {
            for (name, script) in programs {
                let file = directory.appendingPathComponent(name)
                try Data("#!/bin/bash\n\(script)\n".utf8).write(to: file)
                try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: file.path)
            }
        }

        /// A file's content; nothing when there is no such file.
        func contents(of name: String) -> String {
            (try? String(contentsOf: root.appendingPathComponent(name), encoding: .utf8)) ?? ""
        }

        func write(_ text: String, to name: String) throws {
            try text.write(to: root.appendingPathComponent(name), atomically: true, encoding: .utf8)
        }

        func has(_ name: String) -> Bool {
            FileManager.default.fileExists(atPath: root.appendingPathComponent(name).path)
        }
    }
#endif
