/// Columns of text: the first one to the left, the others to the right.
struct TextTable {
    private var rows: [[String]] = []

    init(_ titles: [String]) { rows = [titles] }

    mutating func add(_ row: [String]) { rows.append(row) }

    var text: String {
        let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                line += column == 0 ? cell + padding : "  " + padding + cell
            }
            return line + "\n"
        }.joined()
    }

    /// The same for a document.
    var markdown: String {
        let lines = rows.prefix(1) + [(rows.first ?? []).map { _ in "---" }] + rows.dropFirst()
        return lines.map { "| " + $0.joined(separator: " | ") + " |\n" }.joined()
    }
}

extension Double {
    /// With so many digits after the point.
    func formatted(digits: Int) -> String {
        guard isFinite else { return "–" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = Int((abs(self) * scale).rounded())
        let sign = self < 0 && scaled > 0 ? "-" : ""
        if digits == 0 { return "\(sign)\(scaled)" }
        let fraction = String(scaled % Int(scale))
        return "\(sign)\(scaled / Int(scale)).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
    }

    /// With about three digits that matter.
    var short: String { formatted(digits: abs(self) < 10 ? 2 : abs(self) < 100 ? 1 : 0) }
}
