/// Crops a detail that is too long, and appends a marker that says so.
struct Cropping: Sendable {
    enum Unit: String, Sendable {
        case bytes
        /// Unicode scalars, as the server counts characters.
        case characters
    }

    let limit: Int
    let unit: Unit

    /// The limit of a finished job's detail.
    static let finishDetail = Cropping(limit: 4096, unit: .bytes)
    /// The limit of a notification's detail.
    static let notificationDetail = Cropping(limit: 256, unit: .characters)

    static let marker = "… (cropped)"

    func size(_ text: String) -> Int {
        switch unit {
        case .bytes: return text.utf8.count
        case .characters: return text.unicodeScalars.count
        }
    }

    /// The text, cropped between two characters when it is longer than the limit.
    func crop(_ text: String) -> String {
        // No text has more characters than bytes, and counting bytes is free.
        guard text.utf8.count > limit, size(text) > limit else { return text }
        let room = limit - size(Self.marker)
        var end = text.startIndex
        var used = 0
        for index in text.indices {
            let next = text.index(after: index)
            used += size(String(text[index..<next]))
            if used > room { break }
            end = next
        }
        if end == text.startIndex { return String(scalars(text, room: room)) + Self.marker }
        return String(text[..<end]) + Self.marker
    }

    /// The beginning of a text whose first character alone exceeds the limit: a letter can have any number of marks.
    private func scalars(_ text: String, room: Int) -> Substring.UnicodeScalarView {
        var end = text.startIndex
        var used = 0
        for index in text.unicodeScalars.indices {
            used += unit == .bytes ? UTF8.width(text.unicodeScalars[index]) : 1
            if used > room { break }
            end = text.unicodeScalars.index(after: index)
        }
        return text.unicodeScalars[..<end]
    }
}

extension ClientCore {
    /// The detail as it is sent. Logs when it is cropped.
    func cropped(_ detail: String, to cropping: Cropping, of operation: StacksOperation) -> String {
        let result = cropping.crop(detail)
        if result.utf8.count != detail.utf8.count {
            log?.cropped(
                operation, size: cropping.size(detail), to: cropping.limit, unit: cropping.unit.rawValue)
        }
        return result
    }
}
