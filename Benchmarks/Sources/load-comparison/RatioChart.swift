import Foundation
import Workload

/// The ratios to the floor as a picture: a panel for each call, concurrency to the right, ratio upward on a logarithmic
/// scale; below them the latencies of a small call. Its ground is transparent and its colours do on light and dark.
struct RatioChart {
    private let results: Results
    private let columns = 4
    private let panelWidth = 220.0
    private let panelHeight = 170.0
    private let legendHeight = 44.0
    private let captionHeight = 22.0

    /// The lines of one panel.
    private struct Panel {
        var title: String
        var lines: [(competitor: Competitor, points: [(concurrency: Int, value: Double)])]
        /// Whether the line of 1 is always in it.
        var hasUnit = false
        /// What the package sets out to reach.
        var goal: Double?
    }

    init(_ results: Results) {
        self.results = results
    }

    var svg: String {
        let groups = [
            ("CPU time of a call ÷ that of libcurl in C (less is better), by calls at a time", ratioPanels),
            ("milliseconds from the call to its response, states of 1 job, by calls at a time", latencyPanels),
        ].filter { !$0.1.isEmpty }
        func rows(_ panels: [Panel]) -> Int { (panels.count + columns - 1) / columns }
        let legend = legend
        let width = max(legend.width, panelWidth * Double(min(columns, groups.map(\.1.count).max() ?? 1)))
        let height = groups.reduce(legendHeight) { $0 + captionHeight + panelHeight * Double(rows($1.1)) }
        var svg = """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(number(width)) \(number(height))" \
            font-family="system-ui,sans-serif" font-size="10">
            <title>CPU time of a call over that of libcurl in C, and latencies; less is better</title>
            <g fill="#808890">

            """
        svg += legend.text + "</g>\n"
        var top = legendHeight
        for (caption, panels) in groups {
            svg += "<text x=\"8\" y=\"\(number(top + 10))\" font-size=\"12\" fill=\"#808890\">\(caption)</text>\n"
            top += captionHeight
            for (index, panel) in panels.enumerated() {
                let x = panelWidth * Double(index % columns)
                let y = top + panelHeight * Double(index / columns)
                svg += "<g transform=\"translate(\(number(x)) \(number(y)))\">\n\(drawing(of: panel))</g>\n"
            }
            top += panelHeight * Double(rows(panels))
        }
        return svg + "</svg>\n"
    }

    private var ratioPanels: [Panel] {
        Call.allCases.compactMap { call in
            let lines = lines(call) { $0 == .floor ? nil : $1.ratio?.median }
            guard !lines.isEmpty else { return nil }
            return Panel(
                title: call.title, lines: lines, hasUnit: true, goal: call == .states1 ? Goals.ratioLimit : nil)
        }
    }

    private var latencyPanels: [Panel] {
        [("p50", \Row.Latency.p50), ("p99", \.p99), ("p99.9", \.p999)].compactMap { name, path in
            let lines = lines(.states1) { $1.latencyMicroseconds[keyPath: path] / 1000 }
            return lines.isEmpty ? nil : Panel(title: name, lines: lines)
        }
    }

    /// One line for each competitor over the network.
    private func lines(
        _ call: Call, _ value: (Competitor, Row) -> Double?
    ) -> [(competitor: Competitor, points: [(concurrency: Int, value: Double)])] {
        Competitor.allCases.filter { !$0.isInMemory }.compactMap { competitor in
            let points = results.current.rows.filter { $0.call == call && $0.competitor == competitor }
                .compactMap { row in value(competitor, row).map { (concurrency: row.concurrency, value: $0) } }
                .sorted { $0.concurrency < $1.concurrency }
            return points.isEmpty ? nil : (competitor, points)
        }
    }

    /// In one row, which can be wider than the panels.
    private var legend: (text: String, width: Double) {
        var x = 8.0
        var text = ""
        for competitor in Competitor.allCases
        where !competitor.isInMemory && results.current.rows.contains(where: { $0.competitor == competitor }) {
            text += "<circle cx=\"\(number(x + 4))\" cy=\"19\" r=\"4\" fill=\"\(Self.colour(of: competitor))\"/>"
            text += "<text x=\"\(number(x + 12))\" y=\"23\">\(competitor.rawValue)</text>\n"
            x += 28 + 6.2 * Double(competitor.rawValue.count)
        }
        return (text, x)
    }

    private static func colour(of competitor: Competitor) -> String {
        switch competitor {
        case .floor: "#808890"
        case .plainLoop: "#b8a07a"
        case .stacksCurl: "#d97706"
        case .stacksCurlExecutor: "#0d9488"
        case .stacksMemory, .stacksMemoryBare, .stacksMemoryFull: "#8b7fd6"
        case .stacksURLSession: "#3b82f6"
        case .asyncHTTPClient: "#db2777"
        case .guest: "#65a30d"
        }
    }

    private func drawing(of panel: Panel) -> String {
        let points = panel.lines.flatMap(\.points)
        let concurrencies = Set(points.map(\.concurrency)).sorted()
        let values = points.map(\.value) + (panel.hasUnit ? [1] : [])
        let scale = Scale(low: values.min() ?? 1, high: values.max() ?? 1, top: 24, bottom: panelHeight - 28)
        let left = 30.0
        let right = panelWidth - 14
        func x(_ concurrency: Int) -> Double {
            let index = Double(concurrencies.firstIndex(of: concurrency) ?? 0)
            let steps = Double(max(concurrencies.count - 1, 1))
            return concurrencies.count == 1 ? (left + right) / 2 : left + 8 + (right - left - 16) * index / steps
        }
        var svg = "<g fill=\"#808890\"><text x=\"\(number(left))\" y=\"14\" font-weight=\"600\">\(panel.title)</text>\n"
        for tick in scale.ticks {
            let y = number(scale.y(tick))
            let width = panel.hasUnit && tick == 1 ? "1.4" : "0.4"
            svg += "<path d=\"M\(number(left)) \(y)H\(number(right))\" stroke=\"#808890\" stroke-width=\"\(width)\"/>"
            svg += "<text x=\"\(number(left - 4))\" y=\"\(y)\" dy=\"3\" text-anchor=\"end\">\(tick.tick)</text>\n"
        }
        if let goal = panel.goal {
            svg += "<path d=\"M\(number(left)) \(number(scale.y(goal)))H\(number(right))\" stroke=\"#d97706\" "
            svg += "stroke-width=\"0.8\" stroke-dasharray=\"3 3\"/>\n"
        }
        for concurrency in concurrencies {
            svg += "<text x=\"\(number(x(concurrency)))\" y=\"\(number(panelHeight - 12))\" text-anchor=\"middle\">"
            svg += "\(concurrency)</text>\n"
        }
        svg += "</g>\n"
        for line in panel.lines {
            let points = line.points.map { (x: x($0.concurrency), y: scale.y($0.value)) }
            let path = points.map { "\(number($0.x)) \(number($0.y))" }.joined(separator: "L")
            let colour = Self.colour(of: line.competitor)
            svg += "<path d=\"M\(path)\" fill=\"none\" stroke=\"\(colour)\" stroke-width=\"1.8\"/>"
            for point in points {
                svg += "<circle cx=\"\(number(point.x))\" cy=\"\(number(point.y))\" r=\"2.6\" fill=\"\(colour)\"/>"
            }
            svg += "\n"
        }
        return svg
    }

    private func number(_ value: Double) -> String {
        let text = value.formatted(digits: 1)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}

/// Ratios to heights, logarithmically.
private struct Scale {
    let ticks: [Double]
    private let low: Double
    private let high: Double
    private let top: Double
    private let bottom: Double

    private static let candidates: [Double] = [0.01, 0.03, 0.1, 0.3, 1, 1.5, 2, 3, 5, 10, 30, 100, 300, 1000, 3000]

    init(low: Double, high: Double, top: Double, bottom: Double) {
        // Whole steps, so that the line of 1 is always among them.
        let below = Self.candidates.last { $0 <= low } ?? 0.01
        let above = Self.candidates.first { $0 >= high } ?? high
        self.low = below
        self.high = max(above, below * 1.5)
        self.top = top
        self.bottom = bottom
        let inside = Self.candidates.filter { $0 >= below && $0 <= above }
        ticks = inside.count > 7 ? inside.filter { ![1.5, 2, 5, 0.03, 0.3].contains($0) } : inside
    }

    func y(_ value: Double) -> Double {
        bottom - (bottom - top) * (logarithm(value) - logarithm(low)) / (logarithm(high) - logarithm(low))
    }

    private func logarithm(_ value: Double) -> Double { log(max(value, low)) }
}

extension Double {
    fileprivate var tick: String { self < 1 ? formatted(digits: self < 0.1 ? 2 : 1) : short.trimmingZeros }
}

extension String {
    fileprivate var trimmingZeros: String {
        guard contains(".") else { return self }
        var text = self[...]
        while text.last == "0" { text = text.dropLast() }
        if text.last == "." { text = text.dropLast() }
        return String(text)
    }
}
