import CLibcurl
import StacksTransport

/// Owns a libcurl easy handle, with setters in Swift types.
@safe struct EasyHandle: ~Copyable {
    let pointer: UnsafeMutableRawPointer

    init() throws(TransportError) {
        guard let pointer = unsafe curl_easy_init() else {
            throw TransportError(code: .other, phase: .queued, message: "libcurl could not allocate an easy handle")
        }
        unsafe self.pointer = pointer
    }

    deinit {
        unsafe curl_easy_cleanup(pointer)
    }

    func set(_ option: CURLoption, _ value: Int) throws(TransportError) {
        try check(unsafe stacks_easy_set_long(pointer, option, value), option)
    }

    func set(_ option: CURLoption, large value: Int) throws(TransportError) {
        try check(unsafe stacks_easy_set_large(pointer, option, curl_off_t(value)), option)
    }

    /// Sets a string, which libcurl copies.
    func set(_ option: CURLoption, _ value: String?) throws(TransportError) {
        try check(unsafe stacks_easy_set_string(pointer, option, value), option)
    }

    /// Sets a zero-terminated string, which libcurl copies.
    func set(_ option: CURLoption, cString value: borrowing [UInt8]) throws(TransportError) {
        let result = unsafe value.withUnsafeBytes { bytes in
            unsafe stacks_easy_set_string(pointer, option, bytes.baseAddress?.assumingMemoryBound(to: CChar.self))
        }
        try check(result, option)
    }

    /// Sets bytes, which libcurl copies.
    func set(_ option: CURLoption, blob value: [UInt8]) throws(TransportError) {
        let result = unsafe value.withUnsafeBytes { bytes in
            unsafe stacks_easy_set_blob(pointer, option, bytes.baseAddress, bytes.count)
        }
        try check(result, option)
    }

    /// Sets a pointer, which libcurl keeps.
    @unsafe func set(_ option: CURLoption, pointer value: UnsafeMutableRawPointer?) throws(TransportError) {
        try check(unsafe stacks_easy_set_pointer(pointer, option, value), option)
    }

    /// Sets the header lines, which libcurl does not copy: the list must outlive the call.
    func set(_ option: CURLoption, _ list: CurlHeaderList) throws(TransportError) {
        try check(unsafe stacks_easy_set_list(pointer, option, list.list), option)
    }

    /// Sets the allowed URL schemes.
    func setProtocols(allowsPlaintext: Bool, _ library: CurlFeatures) throws(TransportError) {
        try check(
            unsafe stacks_easy_set_protocols(pointer, allowsPlaintext ? 1 : 0, library.namesProtocols ? 1 : 0),
            library.namesProtocols ? stacks_option_protocols : stacks_option_protocol_mask)
    }

    /// Keeps the removal of this handle from blocking on a name resolution, where libcurl supports that.
    func setQuickExit(_ library: CurlFeatures) throws(TransportError) {
        guard library.canAbandonResolution else { return }
        try check(unsafe stacks_easy_set_quick_exit(pointer), stacks_option_quick_exit)
    }

    /// An integer of `curl_easy_getinfo`, or 0.
    func long(_ info: CURLINFO) -> Int {
        var value = 0
        _ = unsafe stacks_easy_get_long(pointer, info, &value)
        return value
    }

    /// A `curl_off_t` of `curl_easy_getinfo`, or 0.
    func large(_ info: CURLINFO) -> Int {
        var value: curl_off_t = 0
        _ = unsafe stacks_easy_get_large(pointer, info, &value)
        return Int(clamping: value)
    }

    private func check(_ result: CURLcode, _ option: CURLoption) throws(TransportError) {
        guard result != CURLE_OK else { return }
        let text = unsafe String(cString: curl_easy_strerror(result))
        throw TransportError(
            code: .other, phase: .queued,
            message: "libcurl \(CurlLibrary.versionString) rejected option \(option.rawValue): \(text)")
    }
}
