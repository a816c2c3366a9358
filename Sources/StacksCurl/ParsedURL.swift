import CLibcurl
import StacksTransport

/// Owns a URL that libcurl has taken apart.
///
/// From a text libcurl takes the URL apart anew for each request, and puts it together again, which is a tenth of the
/// instructions that it spends on one; of a parsed URL it copies the parts
/// (<https://curl.se/libcurl/c/CURLOPT_CURLU.html>).
@safe struct ParsedURL: ~Copyable {
    let pointer: OpaquePointer

    init() throws(TransportError) {
        guard let pointer = unsafe curl_url() else {
            throw TransportError(code: .other, phase: .queued, message: "libcurl has no memory for a URL")
        }
        unsafe self.pointer = pointer
    }

    deinit {
        unsafe curl_url_cleanup(pointer)
    }

    /// Takes apart the bytes of a URL, which end with a zero.
    func set(_ url: borrowing [UInt8]) throws(TransportError) {
        let result = unsafe url.withUnsafeBytes { bytes in
            unsafe curl_url_set(
                pointer, CURLUPART_URL, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), stacks_url_as_it_is)
        }
        guard result == CURLUE_OK else {
            // Not with the URL itself: it may be a secret.
            let text = unsafe String(cString: curl_url_strerror(result))
            throw TransportError(code: .invalidRequest, phase: .queued, message: "the URL is malformed: \(text)")
        }
    }
}
