import CLibcurl
import HTTPTypes
import StacksTransport

/// Owns a `curl_slist` of header lines, made once and used by every transfer whose fields are the same.
@safe final class CurlHeaderList {
    let fields: HTTPFields
    let list: UnsafeMutablePointer<curl_slist>?

    /// Whether the request's body is so long that libcurl would ask before it sends it.
    let hasLongBody: Bool

    init(_ fields: HTTPFields, hasLongBody: Bool) {
        self.fields = fields
        self.hasLongBody = hasLongBody
        var list: UnsafeMutablePointer<curl_slist>?
        func append(_ line: String) {
            // NULL means that memory ran out; the list made so far stays as it is.
            if let longer = unsafe curl_slist_append(list, line) { unsafe list = longer }
        }
        for field in fields where !Self.isOwnedByTransport(field.name) {
            // A field without a value is written with a semicolon: with a colon it would mean "leave it out"
            // (https://curl.se/libcurl/c/CURLOPT_HTTPHEADER.html).
            append(field.value.isEmpty ? "\(field.name.rawName);" : "\(field.name.rawName): \(field.value)")
        }
        // What libcurl would add by itself to some requests, and nobody asked for. Each line costs every call a dozen
        // comparisons, so only where it would.
        for name in [HTTPField.Name.accept, .contentType] + (hasLongBody ? [.expect] : []) where !fields.contains(name)
        {
            append("\(name.rawName):")
        }
        unsafe self.list = list
    }

    deinit {
        unsafe curl_slist_free_all(list)
    }

    private static func isOwnedByTransport(_ name: HTTPField.Name) -> Bool {
        name == .contentLength || name == .transferEncoding || name.canonicalName == "host"
    }
}

/// The lists of the last few distinct header fields: a client uses two of them, with and without a body.
struct CurlHeaderLists {
    private static var capacity: Int { 8 }

    private var lists: [CurlHeaderList] = []

    /// The list for a request. Fields that share their storage with those of an earlier call compare at once.
    mutating func list(for request: TransportRequest) -> CurlHeaderList {
        let hasLongBody = (request.body?.count ?? 0) >= Self.longBody
        func suits(_ list: CurlHeaderList) -> Bool { list.hasLongBody == hasLongBody }
        // A client gives the same fields from call to call: that they are is seen by their storage alone.
        for list in lists where suits(list) && list.fields.hasStorage(of: request.headerFields) { return list }
        if let list = lists.first(where: { suits($0) && $0.fields == request.headerFields }) { return list }
        if lists.count == Self.capacity { lists.removeFirst() }
        let list = CurlHeaderList(request.headerFields, hasLongBody: hasLongBody)
        lists.append(list)
        return list
    }

    /// From a megabyte on, libcurl sends `Expect: 100-continue` over HTTP/1.1, and waits a second for the answer
    /// (<https://curl.se/libcurl/c/CURLOPT_POST.html>). To be safe, less is taken for long.
    private static var longBody: Int { 512 * 1024 }
}

extension HTTPFields {
    /// Whether both are the same bits, and so share the storage they refer to, which neither can change alone.
    fileprivate func hasStorage(of other: HTTPFields) -> Bool {
        unsafe withUnsafeBytes(of: self) { bits in
            unsafe withUnsafeBytes(of: other) { unsafe bits.elementsEqual($0) }
        }
    }
}
