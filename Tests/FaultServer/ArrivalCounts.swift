/// Counts occurrences of numbers, most of which are close to each other: one byte each, in pages.
struct ArrivalCounts {
    private static let pageSize: UInt64 = 4096
    private var pages: [UInt64: [UInt8]] = [:]

    /// Counts a number, and returns how often it has occurred, at most 255.
    mutating func add(_ number: UInt64) -> Int {
        let (page, index) = (number / Self.pageSize, Int(number % Self.pageSize))
        pages[page, default: Array(repeating: 0, count: Int(Self.pageSize))][index] &+= count(of: number) < 255 ? 1 : 0
        return count(of: number)
    }

    /// How often a number has occurred.
    func count(of number: UInt64) -> Int {
        pages[number / Self.pageSize].map { Int($0[Int(number % Self.pageSize)]) } ?? 0
    }
}
