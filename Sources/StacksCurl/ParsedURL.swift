import CLibcurl
import StacksTransport

/// Owns a URL that libcurl has parsed.
///
/// Given a string, libcurl parses and reassembles the URL for each request, which takes a tenth of its instructions; of a
/// parsed URL, it copies the parts (<https://curl.se/libcurl/c/CURLOPT_CURLU.html>).
@safe struct ParsedURL: ~Copyable {
    let pointer: OpaquePointer

    init() throws(TransportError) {
        guard let pointer = unsafe curl_url() else {
            throw TransportError(code: .other, phase: .queued, message: "libcurl could not allocate a URL")
        }
        unsafe self.pointer = pointer
    }

    deinit {
        unsafe curl_url_cleanup(pointer)
    }

    /// Parses a zero-terminated URL.
    func set(_ url: borrowing [UInt8]) throws(TransportError) {
        let result = unsafe url.withUnsafeBytes { bytes in
            unsafe curl_url_set(
                pointer, CURLUPART_URL, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), stacks_url_as_it_is)
        }
        guard result == CURLUE_OK else {
            // The message omits the URL, which may contain secrets.
            let text = unsafe String(cString: curl_url_strerror(result))
            throw TransportError(code: .invalidRequest, phase: .queued, message: "the URL is malformed: \(text)")
        }
    }
}
