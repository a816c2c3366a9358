extension String {
    /// The text, or its first `limit` characters (Unicode scalars) and `…`.
    func cropped(to limit: Int) -> String {
        guard utf8.count > limit, unicodeScalars.count > limit else { return self }
        var scalars = String.UnicodeScalarView()
        scalars.append(contentsOf: unicodeScalars.prefix(limit))
        return "\(String(scalars))…"
    }
}
