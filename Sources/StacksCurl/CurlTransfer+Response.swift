import CLibcurl
import HTTPTypes
import StacksTransport

/// The buffers for the bytes of a response.
struct ResponseBuffers {
    /// The lines of the header, once it is complete.
    var header: [UInt8] = []
    var body: [UInt8] = []

    /// Reserves space for the header fields of the API, and for a body with a few identifiers.
    mutating func reserve() {
        header.reserveCapacity(512)
        body.reserveCapacity(256)
    }
}

extension CurlTransfer {
    /// The response. Its buffers leave this transfer.
    ///
    /// - Throws: `TransportError` when the header is incomplete, which libcurl accepts, or when the status is invalid:
    ///   libcurl before 8.0 accepts any number, and later versions take an unreadable status line for a 200.
    func takeResponse() throws(TransportError) -> TransportResponse {
        var buffers = progress.response
        progress.response = ResponseBuffers()
        guard progress.hasCompleteHeader else {
            throw TransportError(
                code: .connectionClosed, phase: .receiving,
                message: "the connection was closed before the response header was complete")
        }
        // A header may have another line that looks like a status line.
        guard let status = progress.status, status == easy.long(CURLINFO_RESPONSE_CODE) else {
            throw TransportError(
                code: .protocolViolation, phase: .receiving, message: "the response has no valid status code")
        }
        unsafe buffers.header.append(contentsOf: header.value.bytes)
        return TransportResponse(
            status: HTTPResponse.Status(code: status),
            headerFields: ResponseHeaderFields(lines: buffers.header),
            body: buffers.body,
            metrics: metrics
        )
    }

    /// Frees the bytes of a response that nobody took, except a small buffer for header lines.
    func dropResponse() {
        progress.response = ResponseBuffers()
        header.value.removeAll()
    }

    /// Whether a transfer that failed has received the complete response nevertheless.
    ///
    /// A server may respond, usually with an error, and close the stream before it has read the request body. libcurl then
    /// delivers the response, continues to send the body, and reports the closed stream without a text.
    func hasCompleteResponse(despite result: CURLcode) -> Bool {
        guard result == CURLE_HTTP2_STREAM, errorMessage.isEmpty, progress.hasCompleteHeader else { return false }
        let announced = easy.large(CURLINFO_CONTENT_LENGTH_DOWNLOAD_T)
        return announced < 0 || announced == easy.large(CURLINFO_SIZE_DOWNLOAD_T)
    }

    private var metrics: TransportMetrics {
        func time(_ info: CURLINFO) -> Duration { .microseconds(easy.large(info)) }
        let isReused = easy.long(CURLINFO_NUM_CONNECTS) == 0
        return TransportMetrics(
            nameLookup: isReused ? .zero : time(CURLINFO_NAMELOOKUP_TIME_T),
            connect: isReused ? .zero : time(CURLINFO_CONNECT_TIME_T),
            tlsHandshake: isReused ? .zero : time(CURLINFO_APPCONNECT_TIME_T),
            firstByte: time(CURLINFO_STARTTRANSFER_TIME_T),
            total: time(CURLINFO_TOTAL_TIME_T),
            reusedConnection: isReused,
            httpVersion: TransportMetrics.HTTPVersion(curl: easy.long(CURLINFO_HTTP_VERSION))
        )
    }
}

extension TransportMetrics.HTTPVersion {
    /// The version for a value of `CURLINFO_HTTP_VERSION`.
    fileprivate init?(curl version: Int) {
        switch version {
        case CURL_HTTP_VERSION_1_0: self = .http1_0
        case CURL_HTTP_VERSION_1_1: self = .http1_1
        case CURL_HTTP_VERSION_2_0: self = .http2
        case CURL_HTTP_VERSION_3: self = .http3
        default: return nil
        }
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// The status code of the status line that these bytes begin with: three digits (RFC 9112, section 4), or `nil`.
    var statusCode: Int? {
        let space = UInt8(ascii: " ")
        var index = 0
        while index < count, unsafe self[index] != space { index += 1 }
        while index < count, unsafe self[index] == space { index += 1 }
        guard index + 3 < count, unsafe self[index + 3] <= space else { return nil }
        var status = 0
        for index in index..<index + 3 {
            let digit = unsafe self[index] &- 0x30
            guard digit < 10 else { return nil }
            status = status * 10 + Int(digit)
        }
        return status >= 100 ? status : nil
    }
}
