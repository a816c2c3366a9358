import CurlLoop
import Foundation

/// Owns the server's process, and asks it what has reached it.
final class Server {
    struct Counts: Decodable {
        var connections: Int
        var requests: Int
        /// Only the comparison's own server says it.
        var cpuNanoseconds: Int?
    }

    private struct Ready: Decodable {
        var url: String
        var caFile: String
    }

    let url: String
    let authorityFile: String
    private let program: Program
    private let loop: OpaquePointer

    /// - Parameter executable: One that says where it listens, and counts (`/_counts`).
    init(_ executable: URL, _ arguments: [String] = []) throws {
        program = try Program(executable, arguments)
        let ready = try program.receive(Ready.self, within: 20)
        url = ready.url
        authorityFile = ready.caFile
        guard let loop = curl_loop_create(authorityFile, CURL_LOOP_PLAIN) else {
            throw Program.Failure(description: "libcurl has no memory")
        }
        self.loop = loop
    }

    deinit { curl_loop_destroy(loop) }

    /// Over a connection that this process keeps, so that asking changes no count but the first time.
    func counts() throws -> Counts {
        var response = [UInt8](repeating: 0, count: 1024)
        let length = "GET".withCString { method in
            "\(url)/_counts".withCString { url in
                "none".withCString { token in
                    var request = curl_loop_request(method: method, url: url, token: token, body: nil, body_length: 0)
                    return curl_loop_fetch(loop, &request, &response, response.count)
                }
            }
        }
        guard length > 0 else { throw Program.Failure(description: "the server does not respond") }
        return try JSONDecoder().decode(Counts.self, from: Data(response[..<min(length, response.count)]))
    }

    func stop() { program.stop() }
}
