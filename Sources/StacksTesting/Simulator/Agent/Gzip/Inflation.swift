/// The decompression of one DEFLATE stream (RFC 1951).
struct Inflation {
    private let input: ArraySlice<UInt8>
    private let limit: Int
    /// The next byte of the input.
    private(set) var position: Int
    /// Bits that were read and not used, the next one lowest. Between blocks of whole bytes there are none.
    private var bits: UInt32 = 0
    private var bitCount = 0
    private var output: [UInt8] = []

    init(_ input: ArraySlice<UInt8>, limit: Int) {
        self.input = input
        self.limit = limit
        position = input.startIndex
    }

    /// The decompressed bytes. Afterwards, ``position`` is after the stream.
    mutating func run() throws(Gzip.Failure) -> [UInt8] {
        var isLast = false
        while !isLast {
            isLast = try take(1) == 1
            switch try take(2) {
            case 0: try copyStored()
            case 1: try expand(literals: .fixedLiterals, distances: .fixedDistances)
            case 2:
                let codes = try dynamicCodes()
                try expand(literals: codes.literals, distances: codes.distances)
            default: throw .invalidBlock
            }
        }
        return output
    }

    // MARK: Blocks

    private mutating func copyStored() throws(Gzip.Failure) {
        // The rest of the byte is not used. Fewer than eight bits are ever kept.
        (bits, bitCount) = (0, 0)
        guard position + 4 <= input.endIndex else { throw .truncated }
        let count = Int(input[position]) | Int(input[position + 1]) << 8
        let complement = Int(input[position + 2]) | Int(input[position + 3]) << 8
        guard count == ~complement & 0xFFFF else { throw .invalidBlock }
        position += 4
        guard position + count <= input.endIndex else { throw .truncated }
        guard output.count + count <= limit else { throw .larger(than: limit) }
        output += input[position..<position + count]
        position += count
    }

    private mutating func expand(literals: PrefixCode, distances: PrefixCode) throws(Gzip.Failure) {
        while true {
            let symbol = try next(literals)
            if symbol < 256 {
                guard output.count < limit else { throw .larger(than: limit) }
                output.append(UInt8(symbol))
                continue
            }
            if symbol == 256 { return }
            guard symbol <= 285 else { throw .invalidCode }
            let length = Self.lengths[symbol - 257]
            let count = length.base + (try take(length.extraBits))
            let distanceSymbol = try next(distances)
            guard distanceSymbol < Self.distances.count else { throw .invalidCode }
            let range = Self.distances[distanceSymbol]
            let distance = range.base + (try take(range.extraBits))
            guard distance <= output.count else { throw .invalidDistance }
            guard output.count + count <= limit else { throw .larger(than: limit) }
            // Byte by byte: what is copied can be part of what is written.
            for _ in 0..<count { output.append(output[output.count - distance]) }
        }
    }

    /// The codes of a block, which are themselves sent as lengths in a third code.
    private mutating func dynamicCodes() throws(Gzip.Failure) -> (literals: PrefixCode, distances: PrefixCode) {
        let (literalCount, distanceCount) = (try take(5) + 257, try take(5) + 1)
        guard literalCount <= 286, distanceCount <= 30 else { throw .invalidBlock }
        var lengthLengths = [UInt8](repeating: 0, count: 19)
        for place in Self.lengthOrder.prefix(try take(4) + 4) { lengthLengths[place] = UInt8(try take(3)) }
        let lengthCode = try PrefixCode(lengths: lengthLengths[...])
        var lengths: [UInt8] = []
        while lengths.count < literalCount + distanceCount {
            let symbol = try next(lengthCode)
            let (value, count): (UInt8, Int)
            switch symbol {
            case 0...15: (value, count) = (UInt8(symbol), 1)
            case 16:
                guard let last = lengths.last else { throw .invalidBlock }
                (value, count) = (last, 3 + (try take(2)))
            case 17: (value, count) = (0, 3 + (try take(3)))
            default: (value, count) = (0, 11 + (try take(7)))
            }
            guard lengths.count + count <= literalCount + distanceCount else { throw .invalidBlock }
            for _ in 0..<count { lengths.append(value) }
        }
        // Without a code for the end, the block would have none.
        guard lengths[256] > 0 else { throw .invalidBlock }
        return (try PrefixCode(lengths: lengths[..<literalCount]), try PrefixCode(lengths: lengths[literalCount...]))
    }

    // MARK: Bits

    /// The next `count` bits as a number, the first one lowest.
    private mutating func take(_ count: Int) throws(Gzip.Failure) -> Int {
        while bitCount < count {
            guard position < input.endIndex else { throw .truncated }
            bits |= UInt32(input[position]) << UInt32(bitCount)
            position += 1
            bitCount += 8
        }
        let value = Int(bits & ((1 << UInt32(count)) - 1))
        bits >>= UInt32(count)
        bitCount -= count
        return value
    }

    /// The next symbol. A code has at most 15 bits, so that this takes at most 15 steps.
    private mutating func next(_ code: PrefixCode) throws(Gzip.Failure) -> Int {
        var value = 0
        for length in 1...15 {
            value = value << 1 | (try take(1))
            if let symbol = code.symbol(value, length: length) { return symbol }
        }
        throw .invalidCode
    }

    // MARK: Tables of RFC 1951

    private typealias Range = (base: Int, extraBits: Int)

    /// The lengths of the symbols 257 to 285.
    private static let lengths: [Range] =
        ranges(from: 3, extraBits: [0, 0, 0, 0, 0, 0, 0, 0] + (1...5).flatMap { [$0, $0, $0, $0] }).dropLast()
        .map { $0 } + [(227, 5), (258, 0)]

    /// The distances of the symbols 0 to 29.
    private static let distances: [Range] = ranges(from: 1, extraBits: [0, 0] + (0...13).flatMap { [$0, $0] })

    private static func ranges(from first: Int, extraBits: [Int]) -> [Range] {
        var base = first
        return extraBits.map { bits in
            defer { base += 1 << bits }
            return (base, bits)
        }
    }

    /// The order in which the lengths of the third code are sent.
    private static let lengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
}

/// A code in which no symbol's bits begin another's: given by the number of bits of each symbol, as RFC 1951 has it.
struct PrefixCode: Sendable {
    /// The symbols in the order of their codes.
    private var symbols: [Int] = []
    /// For each length, the code after its last one, and what to add to a code for its place in `symbols`.
    private var ends = [Int](repeating: 0, count: 16)
    private var places = [Int](repeating: 0, count: 16)

    /// Whether no code begins another: there are not more codes of a length than it has room for.
    private var isPrefixFree = true

    /// - Parameter lengths: The number of bits of each symbol, from 0 for none to 15.
    init(lengths: ArraySlice<UInt8>) throws(Gzip.Failure) {
        self.init(constant: lengths)
        guard isPrefixFree else { throw .invalidBlock }
    }

    private init(constant lengths: ArraySlice<UInt8>) {
        var bySize = [[Int]](repeating: [], count: 16)
        for (symbol, length) in lengths.enumerated() where length > 0 { bySize[Int(length)].append(symbol) }
        var code = 0
        for length in 1...15 {
            code <<= 1
            places[length] = symbols.count - code
            code += bySize[length].count
            ends[length] = code
            isPrefixFree = isPrefixFree && code <= 1 << length
            symbols += bySize[length]
        }
    }

    /// The symbol of a code, or `nil` when the code is longer.
    func symbol(_ code: Int, length: Int) -> Int? {
        code < ends[length] ? symbols[places[length] + code] : nil
    }

    static let fixedLiterals = PrefixCode(
        constant: ([UInt8](repeating: 8, count: 144) + [UInt8](repeating: 9, count: 112)
            + [UInt8](repeating: 7, count: 24) + [UInt8](repeating: 8, count: 8))[...])
    static let fixedDistances = PrefixCode(constant: [UInt8](repeating: 5, count: 30)[...])
}
