/// Rows with aligned headings, for people.
struct Table {
    /// The alignment of a column's cells.
    enum Alignment {
        case left
        /// For numbers.
        case right
    }

    /// One column: its heading and alignment.
    struct Column {
        var title: String
        var alignment: Alignment = .left

        static func left(_ title: String) -> Column { Column(title: title) }
        static func right(_ title: String) -> Column { Column(title: title, alignment: .right) }
    }

    var columns: [Column]
    var rows: [[String]] = []

    init(_ columns: Column...) { self.init(columns) }

    init(_ columns: [Column]) { self.columns = columns }

    /// Adds a row. A cell that is `nil` or empty is shown as a dash, so that the columns can be counted.
    mutating func add(_ cells: String?...) { add(cells) }

    /// The same of a row whose cells are counted at run time.
    mutating func add(_ cells: [String?]) {
        rows.append(
            cells.map { cell in
                guard let cell, !cell.isEmpty else { return "-" }
                return printable(cell)
            }
        )
    }

    /// The headings and rows, one per line, with two spaces between columns and none at the end of a line.
    var lines: [String] {
        let all = [columns.map(\.title)] + rows
        let widths = columns.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            var line = ""
            for (index, cell) in row.enumerated() {
                if index > 0 { line += "  " }
                let padding = String(repeating: " ", count: widths[index] - cell.count)
                line += columns[index].alignment == .left ? cell + padding : padding + cell
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}

/// The properties of one object: a name and an aligned value per line.
struct PropertyList {
    private var properties: [(name: String, value: String)] = []

    /// Adds a property. A value that is `nil` or empty is shown as a dash.
    mutating func add(_ name: String, _ value: String?) {
        properties.append((name, value.flatMap { $0.isEmpty ? nil : printable($0) } ?? "-"))
    }

    var lines: [String] {
        let width = properties.map(\.name.count).max() ?? 0
        return properties.map { $0.name + String(repeating: " ", count: width - $0.name.count + 2) + $0.value }
    }
}
