/// A pattern for the paths of artifacts: `*` stands for any text, folders included, and `?` for one byte.
struct ArtifactGlob {
    private let pattern: [UInt8]

    init(_ pattern: String) { self.pattern = Array(pattern.utf8) }

    /// Whether the whole path matches. It costs at most the length of the path times that of the pattern.
    func matches(_ path: String) -> Bool {
        let path = Array(path.utf8)
        var (place, mark) = (0, 0)
        // The last star, and the first byte that it does not take. Going back to an earlier star finds nothing more.
        var star: Int?
        var next = 0
        while next < path.count {
            if place < pattern.count, pattern[place] == UInt8(ascii: "*") {
                star = place
                mark = next
                place += 1
            } else if place < pattern.count, pattern[place] == path[next] || pattern[place] == UInt8(ascii: "?") {
                place += 1
                next += 1
            } else if let star {
                mark += 1
                (place, next) = (star + 1, mark)
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
