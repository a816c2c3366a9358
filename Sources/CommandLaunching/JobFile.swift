import StacksAPI
import StacksController
import StacksTransport

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif
#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The file that tells a command about its job, as JSON. It is readable for this user alone, and is removed when the
/// command has ended.
struct JobFile: Sendable {
    /// An absolute path.
    let path: String
    /// The temporary directory that was created for this file alone; `nil` for a file in a state directory.
    private let directory: String?

    /// The file of a job in a state directory.
    init(for job: JobID, in directory: String) {
        // A command may start in another directory, or go there.
        let directory =
            directory.hasPrefix("/") ? directory : "\(FileManager.default.currentDirectoryPath)/\(directory)"
        path = "\(directory)/\(JobFileName.name(for: job, extension: "json"))"
        self.directory = nil
    }

    /// A file in a new directory, which nobody else can look into.
    private init() throws {
        var template = Array("\(Self.temporaryDirectory)/stacks-job-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError.last }
        let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        path = "\(directory)/job.json"
        self.directory = directory
    }

    /// Where files go without a state directory: `TMPDIR`, or the system's.
    private static var temporaryDirectory: String { FileManager.default.temporaryDirectory.path }

    /// Checks that files can be created without a state directory.
    ///
    /// - Throws: `ConfigurationError`.
    static func checkTemporaryDirectory() throws {
        let directory = temporaryDirectory
        let writable = access(directory, W_OK | X_OK) == 0 ? nil : "\(SystemError.last)"
        if let problem = TrustedDirectory.problem(withShared: directory) ?? writable {
            throw ConfigurationError(
                "The temporary directory \(directory) cannot be used for jobs' files: \(problem). Set TMPDIR to another "
                    + "one, or use a state directory")
        }
    }

    /// Writes the document of a job to a new file: in the state directory if there is one, and otherwise in a temporary
    /// directory of its own.
    ///
    /// - Throws: What ``StartFailure`` says of the error.
    static func write(_ document: JobDocument, in state: StateDirectory?) throws -> JobFile {
        do {
            let file = try state.map { $0.jobFile(document.job.id) } ?? JobFile()
            do {
                // What a controller that was killed has left under this name is of no use.
                unlink(file.path)
                let open = try OwnedFile.open(file.path, O_WRONLY | O_CREAT | O_EXCL)
                defer { open.close() }
                try open.write(document.text())
                return file
            } catch {
                file.remove()
                throw error
            }
        } catch {
            throw StartFailure.error("The file about the job cannot be written", error)
        }
    }

    func remove() {
        unlink(path)
        if let directory { rmdir(directory) }
    }
}
