#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension LogFile {
    /// Cuts a log that is larger than `limit` bytes: its first and its last quarter of the limit stay, from line to
    /// line, and a sentence between them says how much is missing.
    ///
    /// The command appends to the file all the while, as it does where logrotate copies and truncates. What it writes
    /// while the end of the file is moved is moved too. What it writes between the last look and the truncation, a few
    /// microseconds, is lost; so is what it writes faster than it can be moved, and a sentence says so.
    ///
    /// - Throws: ``OwnedFile/Refusal`` when something else has the file's name: it is left alone. ``SystemError`` when
    ///   it
    ///   cannot be read or written.
    static func cut(_ path: String, to limit: Int) throws {
        var status = stat()
        guard lstat(path, &status) == 0, Int(status.st_size) > limit else { return }
        let file = try OwnedFile.open(path, O_RDWR)
        defer { file.close() }
        let size = try file.size
        guard size > limit else { return }
        let quarter = limit / 4
        // The end of a line is looked for near each of the two places.
        let near = min(4096, quarter / 2)
        let places = (quarter - near)...quarter
        let earlier = try Gap(in: places, of: file)
        // The sentence begins with the line feed that is there.
        let beginning = try earlier?.range.lowerBound ?? file.lastLineFeed(in: places) ?? quarter
        let lastQuarter = size - quarter
        let end = try file.firstLineFeed(in: lastQuarter..<(lastQuarter + near)).map { $0 + 1 } ?? lastQuarter
        let (missing, isTooMany) = (earlier?.missing ?? 0)
            .addingReportingOverflow(end - (earlier?.range.upperBound ?? beginning))
        let sentence = Gap.sentence(missing: isTooMany ? .max : missing, limit: limit)
        // It is shorter than what it replaces: half of the limit, which is not small.
        try file.write(Array(sentence.utf8), at: beginning)
        var (source, target) = (end, beginning + sentence.utf8.count)
        while source < size + quarter {
            let moved = try file.read(64 << 10, at: source)
            if moved.isEmpty { break }
            try file.write(moved, at: target)
            (source, target) = (source + moved.count, target + moved.count)
        }
        let isFaster = try file.size > source
        guard ftruncate(file.descriptor, off_t(target)) == 0 else { throw SystemError.last }
        guard isFaster else { return }
        // Its own place in the file: the command may have appended a line by now.
        let appending = try OwnedFile.open(path, O_WRONLY | O_APPEND)
        defer { appending.close() }
        try appending.write("\n[Some output is missing here: it was written faster than the log could be cut]\n")
    }
}

/// The sentence in a log that stands for what was cut out of it.
private struct Gap {
    private static let start = "\n["
    private static let middle = " bytes of output are missing here: the limit of a job's log is "
    private static let end = " bytes]\n"

    /// How many bytes it stands for.
    let missing: Int
    /// Where it is in the file.
    let range: Range<Int>

    /// The text, with the ends of lines around it.
    static func sentence(missing: Int, limit: Int) -> String { "\(start)\(missing)\(middle)\(limit)\(end)" }

    /// The one that an earlier cut has left, which begins somewhere in these bytes; `nil` when there is none. A command
    /// that writes such a sentence itself makes the number wrong, and nothing else.
    init?(in places: ClosedRange<Int>, of file: OpenFile) throws {
        let bytes = try file.read(places.count + 256, at: places.lowerBound)
        guard let middle = bytes.firstRange(of: Array(Self.middle.utf8)),
            let end = bytes[middle.upperBound...].firstRange(of: Array(Self.end.utf8))
        else { return nil }
        let digits = bytes[..<middle.lowerBound].suffix(while: { (0x30...0x39).contains($0) })
        let before = bytes[..<digits.startIndex]
        guard before.suffix(Self.start.utf8.count).elementsEqual(Self.start.utf8),
            let missing = Int(String(decoding: digits, as: UTF8.self))
        else { return nil }
        self.missing = missing
        let start = digits.startIndex - Self.start.utf8.count
        range = (places.lowerBound + start)..<(places.lowerBound + end.upperBound)
    }
}

extension ArraySlice {
    /// The elements at the end that all satisfy a condition.
    fileprivate func suffix(while isIncluded: (Element) -> Bool) -> ArraySlice {
        self[(lastIndex { !isIncluded($0) }.map { $0 + 1 } ?? startIndex)...]
    }
}

extension OpenFile {
    fileprivate var size: Int {
        get throws {
            var status = stat()
            guard fstat(descriptor, &status) == 0 else { throw SystemError.last }
            return Int(status.st_size)
        }
    }

    /// The place of the last line feed in a range; `nil` when there is none.
    fileprivate func lastLineFeed(in range: ClosedRange<Int>) throws -> Int? {
        try read(range.count - 1, at: range.lowerBound).lastIndex(of: UInt8(ascii: "\n")).map { range.lowerBound + $0 }
    }

    /// The place of the first line feed in a range; `nil` when there is none.
    fileprivate func firstLineFeed(in range: Range<Int>) throws -> Int? {
        try read(range.count, at: range.lowerBound).firstIndex(of: UInt8(ascii: "\n")).map { range.lowerBound + $0 }
    }
}
