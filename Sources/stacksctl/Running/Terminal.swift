import Foundation
import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A terminal's last line, which is painted over again and again while other lines scroll above it.
///
/// It alone writes to the terminal while a run is on, so that a line of the log never lands inside the painted one.
final class Terminal: Sendable {
    private static let clearLine = "\r\u{1B}[2K"

    private let descriptor: Int32
    /// What is painted now.
    private let painted = Mutex("")

    /// The terminal that `descriptor` is, or `nil` when it is none, or one that cannot clear a line.
    init?(descriptor: Int32, environment: [String: String] = ProcessInfo.processInfo.environment) {
        guard isatty(descriptor) == 1, let kind = environment["TERM"], !kind.isEmpty, kind != "dumb" else { return nil }
        self.descriptor = descriptor
    }

    /// How many characters fit into a line.
    var width: Int {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Paints `text` over the last line, cropped to the terminal's width: a line that wraps cannot be painted over.
    func paint(_ text: String) {
        let line = String(text.prefix(max(1, width - 1)))
        painted.withLock { painted in
            guard line != painted else { return }
            write(Self.clearLine + line)
            painted = line
        }
    }

    /// Writes a line above the painted one.
    func print(_ line: String) {
        painted.withLock { painted in
            write((painted.isEmpty ? "" : Self.clearLine) + line + "\n" + painted)
        }
    }

    /// Takes the painted line away.
    func clear() {
        painted.withLock { painted in
            if !painted.isEmpty { write(Self.clearLine) }
            painted = ""
        }
    }

    private func write(_ text: String) {
        try? FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).write(contentsOf: Data(text.utf8))
    }
}
