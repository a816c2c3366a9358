/// A value behind a goal's row, by which two builds are compared: less is better.
struct Figure {
    /// What is measured, where a row has several of them.
    var name: String
    /// Where it is measured, such as a concurrency.
    var label: String
    /// One for each time that it was measured.
    var values: [Double]

    init(_ name: String = "", label: String = "", of values: [Double]) {
        (self.name, self.label, self.values) = (name, label, values)
    }

    /// The median of the ratios of what was measured in the same rounds. `nil` where one of the two has missed some, or a value
    /// is not positive, as a small difference can be.
    func ratio(to baseline: Figure) -> Double? {
        guard !values.isEmpty, values.count == baseline.values.count, (values + baseline.values).allSatisfy({ $0 > 0 })
        else { return nil }
        return Spread(zip(values, baseline.values).map { $0 / $1 }).median
    }
}

extension [Figure] {
    /// The ratios to the same figures of another build, such as `0.9 at 1, 0.8 at 8; instructions 0.7 at 1`, or `nil` if none
    /// are the same.
    func ratios(to baseline: [Figure]) -> String? {
        var text = ""
        var last: String?
        for figure in self {
            let same = baseline.first { $0.name == figure.name && $0.label == figure.label }
            guard let ratio = same.flatMap(figure.ratio) else { continue }
            if last != nil { text += figure.name == last ? ", " : "; " }
            if figure.name != last, !figure.name.isEmpty { text += figure.name + " " }
            text += ratio.formatted(digits: 2) + (figure.label.isEmpty ? "" : " " + figure.label)
            last = figure.name
        }
        return last == nil ? nil : text
    }
}
