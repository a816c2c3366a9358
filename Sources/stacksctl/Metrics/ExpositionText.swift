/// The text that Prometheus reads, version 0.0.4.
struct ExpositionText {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private(set) var bytes: [UInt8] = []

    /// The text of `families`.
    ///
    /// - Parameter stacks: The stacks that there are: a series of another one is left out, for it has ended.
    init(_ families: [MetricFamily], stacks: Set<String>) {
        // As much as a stack or two need, so that it is not copied as it grows.
        bytes.reserveCapacity(1 << 17)
        for family in families {
            let start = bytes.count
            bytes += family.head
            let head = bytes.count
            for series in family.series where series.labels.stack.map({ stacks.contains($0) }) ?? true {
                series.write(to: &self)
            }
            // What has no value has no description either.
            if bytes.count == head { bytes.removeLast(head - start) }
        }
    }

    mutating func add(_ line: [UInt8], _ value: Int64) {
        bytes += line
        add(value)
        bytes.append(UInt8(ascii: "\n"))
    }

    mutating func add(_ line: [UInt8], _ value: Double) {
        bytes += line
        if let whole = Int64(exactly: value) { add(whole) } else { bytes += Array(Self.number(value).utf8) }
        bytes.append(UInt8(ascii: "\n"))
    }

    /// Digit by digit: a string for each of a thousand numbers would take most of the time.
    private mutating func add(_ value: Int64) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        let start = bytes.count
        var rest = value.magnitude
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
    }

    /// A number as Prometheus writes it: without a fraction where there is none.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return Int64(exactly: value).map { "\($0)" } ?? "\(value)"
    }
}
