import CYAML

/// Owns a libyaml parser and the text that it reads, and tells the text's events one by one.
///
/// The parser does not call itself for nested values, so a deeply nested text costs no stack.
@safe package struct YAMLParser: ~Copyable {
    /// The parser has pointers to itself, so it must not move.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let text: UnsafeMutableBufferPointer<UInt8>
    private var hasEnded = false

    /// - Throws: ``YAMLError`` when the text has so many directives that libyaml, which compares each with all before
    ///   it, takes too long for them.
    package init(_ text: [UInt8]) throws(YAMLError) {
        if let place = Self.excessiveDirective(in: text) {
            throw YAMLError(place: place, message: "there are more than \(Self.maximumDirectives) directives")
        }
        unsafe parser = .allocate(capacity: 1)
        // An input without an address is refused by an assertion.
        unsafe self.text = .allocate(capacity: max(1, text.count))
        _ = unsafe self.text.initialize(fromContentsOf: text)
        guard unsafe yaml_parser_initialize(parser) == 1 else { return }
        // Without it, a byte order mark could say that the text is UTF-16.
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(parser, self.text.baseAddress, text.count)
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe text.deallocate()
    }

    /// The next event; `nil` at the end.
    ///
    /// - Throws: ``YAMLError``. Nothing more is told after it.
    package mutating func next() throws(YAMLError) -> YAMLEvent? {
        while !hasEnded {
            var event = unsafe yaml_event_t()
            // A parser that has failed before, for want of memory, succeeds without an event.
            guard unsafe parser.pointee.error == YAML_NO_ERROR, unsafe yaml_parser_parse(parser, &event) == 1 else {
                hasEnded = true
                throw problem
            }
            defer { unsafe yaml_event_delete(&event) }
            hasEnded = unsafe event.type == YAML_STREAM_END_EVENT
            if let kind = unsafe Self.kind(of: event) {
                return unsafe YAMLEvent(kind: kind, place: YAMLPlace(event.start_mark))
            }
        }
        return nil
    }

    /// `nil` for what a reader need not know.
    private static func kind(of event: yaml_event_t) -> YAMLEvent.Kind? {
        switch unsafe event.type {
        case YAML_DOCUMENT_START_EVENT: return .documentStart
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            let bytes = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            return unsafe .value(.scalar(String(decoding: bytes, as: UTF8.self)), anchor: name(scalar.anchor))
        case YAML_SEQUENCE_START_EVENT:
            return unsafe .value(.sequence, anchor: name(event.data.sequence_start.anchor))
        case YAML_MAPPING_START_EVENT:
            return unsafe .value(.mapping, anchor: name(event.data.mapping_start.anchor))
        case YAML_ALIAS_EVENT: return unsafe .alias(name(event.data.alias.anchor) ?? "")
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return .collectionEnd
        default: return nil
        }
    }

    private static func name(_ anchor: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        guard let anchor = unsafe anchor else { return nil }
        return unsafe String(cString: anchor)
    }
}

// MARK: Problems

extension YAMLParser {
    /// How many lines may begin as a directive does, with a percent sign.
    package static var maximumDirectives: Int { 100 }

    private static func excessiveDirective(in text: [UInt8]) -> YAMLPlace? {
        var (line, directives) = (1, 0)
        var previous = UInt8(ascii: "\n")
        for byte in text {
            if byte == UInt8(ascii: "%"), lineEnds.contains(previous) { directives += 1 }
            if directives > maximumDirectives { return YAMLPlace(line: line, column: 1) }
            if byte == UInt8(ascii: "\n") { line += 1 }
            previous = byte
        }
        return nil
    }

    /// The last bytes of what ends a line for libyaml: LF, CR, NEL, and the two separators of Unicode.
    private static var lineEnds: [UInt8] { [0x0A, 0x0D, 0x85, 0xA8, 0xA9] }

    /// What libyaml has stopped for.
    private var problem: YAMLError {
        let reason = unsafe parser.pointee.problem.map { unsafe String(cString: $0) } ?? "it cannot be read"
        switch unsafe parser.pointee.error {
        case YAML_MEMORY_ERROR:
            return unsafe YAMLError(place: YAMLPlace(parser.pointee.mark), message: "there is not enough memory")
        case YAML_READER_ERROR:
            return unsafe YAMLError(place: place(ofByte: parser.pointee.problem_offset), message: reason)
        default:
            let place = unsafe YAMLPlace(parser.pointee.problem_mark)
            guard let context = unsafe parser.pointee.context else { return YAMLError(place: place, message: reason) }
            let beginning = unsafe YAMLPlace(parser.pointee.context_mark)
            let since = beginning.line < place.line ? ", which begins on line \(beginning.line)" : ""
            return unsafe YAMLError(place: place, message: "\(reason) \(String(cString: context))\(since)")
        }
    }

    /// The place of a byte that libyaml counts by its offset, because it found no characters there.
    private func place(ofByte offset: Int) -> YAMLPlace {
        var place = YAMLPlace(line: 1, column: 1)
        for index in unsafe 0..<min(offset, text.count) {
            let byte = unsafe text[index]
            if byte == UInt8(ascii: "\n") {
                place = YAMLPlace(line: place.line + 1, column: 1)
            } else if byte & 0xC0 != 0x80 {
                // The other bytes of a character do not count.
                place.column += 1
            }
        }
        return place
    }
}

extension YAMLPlace {
    fileprivate init(_ mark: yaml_mark_t) { self.init(line: Int(mark.line) + 1, column: Int(mark.column) + 1) }
}
