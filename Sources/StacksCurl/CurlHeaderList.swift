import CLibcurl
import HTTPTypes
import StacksTransport

/// Owns a `curl_slist` of header lines, which all transfers with the same header fields share.
@safe final class CurlHeaderList {
    let fields: HTTPFields
    let list: UnsafeMutablePointer<curl_slist>?

    /// Whether the body is so long that libcurl would send `Expect: 100-continue`.
    let hasLongBody: Bool

    init(_ fields: HTTPFields, hasLongBody: Bool) {
        self.fields = fields
        self.hasLongBody = hasLongBody
        var list: UnsafeMutablePointer<curl_slist>?
        func append(_ line: String) {
            // NULL means out of memory; the list stays unchanged.
            if let longer = unsafe curl_slist_append(list, line) { unsafe list = longer }
        }
        for field in fields where !Self.isOwnedByTransport(field.name) {
            // A field with an empty value needs a semicolon; a colon would remove libcurl's own field
            // (https://curl.se/libcurl/c/CURLOPT_HTTPHEADER.html).
            append(field.value.isEmpty ? "\(field.name.rawName);" : "\(field.name.rawName): \(field.value)")
        }
        // Removes the fields that libcurl adds by itself. Each line costs a dozen comparisons per call, so `Expect` is
        // removed only where libcurl would add it.
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

/// A cache of header lists. A client needs two: with and without a body.
struct CurlHeaderLists {
    private static var capacity: Int { 8 }

    private var lists: [CurlHeaderList] = []

    /// The list for a request.
    mutating func list(for request: TransportRequest) -> CurlHeaderList {
        let hasLongBody = (request.body?.count ?? 0) >= Self.longBody
        func matches(_ list: CurlHeaderList) -> Bool { list.hasLongBody == hasLongBody }
        // A client passes the same fields for each call, so comparing the storage is usually enough.
        for list in lists where matches(list) && list.fields.hasStorage(of: request.headerFields) { return list }
        if let list = lists.first(where: { matches($0) && $0.fields == request.headerFields }) { return list }
        if lists.count == Self.capacity { lists.removeFirst() }
        let list = CurlHeaderList(request.headerFields, hasLongBody: hasLongBody)
        lists.append(list)
        return list
    }

    /// From 1 MB on, libcurl sends `Expect: 100-continue` over HTTP/1.1 and waits a second for the response
    /// (<https://curl.se/libcurl/c/CURLOPT_POST.html>). A smaller limit leaves a margin.
    private static var longBody: Int { 512 * 1024 }
}

extension HTTPFields {
    /// Whether both values have the same bits, and so share their copy-on-write storage.
    fileprivate func hasStorage(of other: HTTPFields) -> Bool {
        unsafe withUnsafeBytes(of: self) { bits in
            unsafe withUnsafeBytes(of: other) { unsafe bits.elementsEqual($0) }
        }
    }
}
