import Foundation
import Workload

/// The ratios to the floor as a picture: a panel for each call, concurrency to the right, ratio upward on a logarithmic
/// scale. Its ground is transparent and its colours do on light and dark.
struct RatioChart {
    private let results: Results
    private let calls: [Call]
    private let columns = 4
    private let panelWidth = 220.0
    private let panelHeight = 170.0
    private let legendHeight = 44.0

    init(_ results: Results) {
        self.results = results
        calls = Call.allCases.filter { call in results.rows.contains { $0.call == call } }
    }

    var svg: String {
        let rows = (calls.count + columns - 1) / columns
        // Not narrower than the legend.
        let width = panelWidth * Double(min(columns, max(calls.count, 3)))
        let height = legendHeight + panelHeight * Double(rows)
        var svg = """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(number(width)) \(number(height))" \
            font-family="system-ui,sans-serif" font-size="10">
            <title>CPU time of a call over that of libcurl in C, less is better</title>
            <g fill="#808890">
            <text x="8" y="14" font-size="12">CPU time of a call ÷ that of libcurl in C (less is better), \
            by calls at a time</text>

            """
        svg += legend + "</g>\n"
        for (index, call) in calls.enumerated() {
            let x = panelWidth * Double(index % columns)
            let y = legendHeight + panelHeight * Double(index / columns)
            svg += "<g transform=\"translate(\(number(x)) \(number(y)))\">\n\(panel(for: call))</g>\n"
        }
        return svg + "</svg>\n"
    }

    private var shown: [Competitor] {
        Competitor.allCases.filter { competitor in
            Self.compares(competitor) && results.rows.contains { $0.competitor == competitor && $0.ratio != nil }
        }
    }

    private var legend: String {
        var x = 8.0
        var text = ""
        for competitor in shown {
            text += "<circle cx=\"\(number(x + 4))\" cy=\"29\" r=\"4\" fill=\"\(Self.colour(of: competitor))\"/>"
            text += "<text x=\"\(number(x + 12))\" y=\"33\">\(competitor.rawValue)</text>\n"
            x += 28 + 6.2 * Double(competitor.rawValue.count)
        }
        return text
    }

    /// The floor is the line of 1, and who has no network is no client to compare with.
    private static func compares(_ competitor: Competitor) -> Bool {
        competitor != .floor && !competitor.isInMemory
    }

    private static func colour(of competitor: Competitor) -> String {
        switch competitor {
        case .floor: "#808890"
        case .stacksCurl: "#d97706"
        case .stacksCurlExecutor: "#0d9488"
        case .stacksMemory, .stacksMemoryBare, .stacksMemoryFull: "#8b7fd6"
        case .stacksURLSession: "#3b82f6"
        case .asyncHTTPClient: "#db2777"
        case .guest: "#65a30d"
        }
    }

    private func panel(for call: Call) -> String {
        let rows = results.rows.filter { $0.call == call && Self.compares($0.competitor) && $0.ratio != nil }
        let concurrencies = Set(rows.map(\.concurrency)).sorted()
        let ratios = rows.compactMap { $0.ratio?.median } + [1]
        let scale = Scale(low: ratios.min() ?? 1, high: ratios.max() ?? 1, top: 24, bottom: panelHeight - 28)
        let left = 30.0
        let right = panelWidth - 14
        func x(_ concurrency: Int) -> Double {
            let index = Double(concurrencies.firstIndex(of: concurrency) ?? 0)
            let steps = Double(max(concurrencies.count - 1, 1))
            return concurrencies.count == 1 ? (left + right) / 2 : left + 8 + (right - left - 16) * index / steps
        }
        var svg = "<g fill=\"#808890\"><text x=\"\(number(left))\" y=\"14\" font-weight=\"600\">\(call.title)</text>\n"
        for tick in scale.ticks {
            let y = number(scale.y(tick))
            let width = tick == 1 ? "1.4" : "0.4"
            svg += "<path d=\"M\(number(left)) \(y)H\(number(right))\" stroke=\"#808890\" stroke-width=\"\(width)\"/>"
            svg += "<text x=\"\(number(left - 4))\" y=\"\(y)\" dy=\"3\" text-anchor=\"end\">\(tick.tick)</text>\n"
        }
        // What the package sets out to reach with a small call.
        if call == .states1 {
            svg += "<path d=\"M\(number(left)) \(number(scale.y(1.25)))H\(number(right))\" stroke=\"#d97706\" "
            svg += "stroke-width=\"0.8\" stroke-dasharray=\"3 3\"/>\n"
        }
        for concurrency in concurrencies {
            svg += "<text x=\"\(number(x(concurrency)))\" y=\"\(number(panelHeight - 12))\" text-anchor=\"middle\">"
            svg += "\(concurrency)</text>\n"
        }
        svg += "</g>\n"
        for competitor in shown {
            let points = rows.filter { $0.competitor == competitor }.sorted { $0.concurrency < $1.concurrency }
                .map { (x: x($0.concurrency), y: scale.y($0.ratio?.median ?? 1)) }
            guard !points.isEmpty else { continue }
            let path = points.map { "\(number($0.x)) \(number($0.y))" }.joined(separator: "L")
            let colour = Self.colour(of: competitor)
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

    private static let candidates: [Double] = [0.01, 0.03, 0.1, 0.3, 1, 1.5, 2, 3, 5, 10, 30, 100, 300]

    init(low: Double, high: Double, top: Double, bottom: Double) {
        // Whole steps, so that the line of 1 is always among them.
        let below = Self.candidates.last { $0 <= low } ?? 0.01
        let above = Self.candidates.first { $0 >= high } ?? 300
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
