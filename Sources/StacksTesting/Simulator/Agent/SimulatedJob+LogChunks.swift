extension SimulatedJob {
    /// A part of the log.
    struct LogChunk: Sendable {
        var offset: Int
        var bytes: [UInt8]

        var end: Int { offset + bytes.count }
    }

    /// The parts of a log, each with its sequence number.
    struct LogChunks: Sendable {
        private var chunks: [Int: LogChunk] = [:]
        /// The sequence numbers, in ascending order. An agent sends its parts almost in order.
        private var sequences: [Int] = []
        /// How many bytes they have.
        private(set) var size = 0

        subscript(sequence: Int) -> LogChunk? { chunks[sequence] }

        /// The parts in the order of their sequence numbers.
        var inOrder: some Sequence<LogChunk> { sequences.lazy.compactMap { chunks[$0] } }

        /// Adds a part with a sequence number that no other part has.
        mutating func insert(_ chunk: LogChunk, as sequence: Int) {
            chunks[sequence] = chunk
            size += chunk.bytes.count
            let isLast = sequences.last.map { $0 < sequence } ?? true
            sequences.insert(sequence, at: isLast ? sequences.count : place(of: sequence))
        }

        /// The number after a sequence number among those of the parts.
        func sequence(after sequence: Int) -> Int? {
            let place = place(of: sequence + 1)
            return place < sequences.count ? sequences[place] : nil
        }

        /// The last bytes before a part, or as many as there are.
        func bytes(before sequence: Int, count: Int) -> [UInt8] {
            var parts: [ArraySlice<UInt8>] = []
            var missing = count
            var place = place(of: sequence)
            while missing > 0, place > 0 {
                place -= 1
                let part: ArraySlice<UInt8> = chunks[sequences[place]]?.bytes.suffix(missing) ?? []
                missing -= part.count
                parts.append(part)
            }
            return parts.reversed().flatMap(\.self)
        }

        /// The first bytes after a part, or as many as there are.
        func bytes(after sequence: Int, count: Int) -> [UInt8] {
            var bytes: [UInt8] = []
            var place = place(of: sequence + 1)
            while bytes.count < count, place < sequences.count {
                bytes += chunks[sequences[place]]?.bytes.prefix(count - bytes.count) ?? []
                place += 1
            }
            return bytes
        }

        /// The place of the first sequence number that is not lower.
        private func place(of sequence: Int) -> Int {
            SimulatorState.firstIndex(in: sequences) { $0 >= sequence }
        }
    }
}
