import CLibcurl
import HTTPTypes

/// Owns a `curl_slist` of header lines, made once and used by every transfer whose fields are the same.
@safe final class CurlHeaderList {
    let fields: HTTPFields
    let list: UnsafeMutablePointer<curl_slist>?

    init(_ fields: HTTPFields) {
        self.fields = fields
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
        // What libcurl would add by itself to some requests, and nobody asked for.
        for name in [HTTPField.Name.accept, .contentType, .expect] where !fields.contains(name) {
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

    /// The list for `fields`. Fields that share their storage with those of an earlier call compare at once.
    mutating func list(for fields: HTTPFields) -> CurlHeaderList {
        // A client gives the same fields from call to call: that they are is seen by their storage alone.
        for list in lists where list.fields.hasStorage(of: fields) { return list }
        if let list = lists.first(where: { $0.fields == fields }) { return list }
        if lists.count == Self.capacity { lists.removeFirst() }
        let list = CurlHeaderList(fields)
        lists.append(list)
        return list
    }
}

extension HTTPFields {
    /// Whether both are the same bits, and so share the storage they refer to, which neither can change alone.
    fileprivate func hasStorage(of other: HTTPFields) -> Bool {
        unsafe withUnsafeBytes(of: self) { bits in
            unsafe withUnsafeBytes(of: other) { unsafe bits.elementsEqual($0) }
        }
    }
}
