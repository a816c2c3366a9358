/// The middle of what several rounds gave, and how far apart they were.
struct Spread: Codable, Sendable {
    var median: Double
    /// A quarter of the rounds gave less.
    var lowerQuartile: Double
    /// A quarter of the rounds gave more.
    var upperQuartile: Double

    /// - Parameter values: At least one.
    init(_ values: [Double]) {
        let sorted = values.sorted()
        func quantile(_ share: Double) -> Double {
            let position = share * Double(sorted.count - 1)
            let low = Int(position)
            let high = min(low + 1, sorted.count - 1)
            let value = sorted[low] + (sorted[high] - sorted[low]) * (position - Double(low))
            return value.rounded(toDigits: 4)
        }
        median = quantile(0.5)
        lowerQuartile = quantile(0.25)
        upperQuartile = quantile(0.75)
    }

    /// Half the distance between the quartiles, as a share of the median: how far a round is from the middle, commonly.
    var noise: Double { median > 0 ? (upperQuartile - lowerQuartile) / 2 / median : 0 }
}

extension Double {
    /// Rounded to so many digits after the point: more of them say nothing and fill a file.
    func rounded(toDigits digits: Int) -> Double {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        return (self * scale).rounded() / scale
    }
}
