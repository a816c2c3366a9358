import Foundation

extension ChildProcess {
    /// Why a program did not get ready.
    public struct StartFailure: Error, CustomStringConvertible {
        public var description: String
    }

    /// Starts one of the package's servers and waits for the line of JSON that it prints once it listens.
    ///
    /// - Throws: ``StartFailure`` when it ended at once, ``TimeLimitExceeded`` when it did not get ready. It is killed
    ///   then.
    static func server<Ready: Decodable>(
        _ name: String, _ arguments: [String], within limit: Duration
    ) async throws -> (ready: Ready, child: ChildProcess) {
        let child = try ChildProcess(BuiltProducts.executable(named: name), arguments)
        do {
            guard let line = try await child.firstLine(within: limit) else {
                throw StartFailure(description: "\(name) ended at once: \(child.errorText)")
            }
            return (try JSONDecoder().decode(Ready.self, from: Data(line.utf8)), child)
        } catch {
            child.kill()
            throw error
        }
    }
}
