import DocumentProof
import Foundation

#if FUZZER
    import FuzzDriver

    /// What libFuzzer feeds: set before it starts, read by the one thread that it runs on.
    nonisolated(unsafe) private var chosen = FuzzTarget.anything
#endif

/// Feeds the readers of this package with what no server sends. `Scripts/fuzz` builds and runs it.
@main
struct StacksFuzz {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch arguments.first {
        case "--differential":
            let mutations = arguments.dropFirst().first.flatMap { Int($0) } ?? 1_000_000
            let seed = arguments.dropFirst(2).first.flatMap { UInt64($0) } ?? 1
            let result = await differential(mutations: mutations, seed: seed)
            print(result.summary)
            if result.disagreementCount > 0 { exit(1) }
        case "--targets":
            print(FuzzTarget.all.map(\.name).joined(separator: "\n"))
        case "--seeds":
            guard arguments.count == 3, let target = FuzzTarget(name: arguments[1]) else { return usage() }
            try write(target.seeds, into: URL(fileURLWithPath: arguments[2]))
        case let name?:
            guard let target = FuzzTarget(name: name) else { return usage() }
            fuzz(target, Array(arguments.dropFirst()))
        case nil:
            usage()
        }
    }

    /// The mutations are shared out evenly between the kinds of documents, each kind with a seed of its own.
    private static func differential(mutations: Int, seed: UInt64) async -> Differential {
        await withTaskGroup(of: Differential.self) { group in
            let kinds = DocumentKind.allCases
            for (index, kind) in kinds.enumerated() {
                group.addTask {
                    var differential = Differential()
                    let share = mutations / kinds.count + (index < mutations % kinds.count ? 1 : 0)
                    differential.run(kind, mutations: share, seed: seed &* 1000 &+ UInt64(index))
                    return differential
                }
            }
            return await group.reduce(into: Differential()) { $0.add($1) }
        }
    }

    private static func write(_ seeds: [[UInt8]], into directory: URL) throws {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        for (index, seed) in seeds.enumerated() {
            try Data(seed).write(to: directory.appendingPathComponent("seed-\(index)"))
        }
    }

    private static func usage() {
        print("usage: stacks-fuzz --differential [MUTATIONS [SEED]] | --targets | --seeds TARGET DIRECTORY | TARGET …")
        exit(64)
    }

    #if FUZZER
        private static func fuzz(_ target: FuzzTarget, _ arguments: [String]) {
            chosen = target
            var pointers: [UnsafeMutablePointer<CChar>?] = ([CommandLine.arguments[0]] + arguments).map { strdup($0) }
            var count = Int32(pointers.count)
            pointers.append(nil)
            pointers.withUnsafeMutableBufferPointer { buffer in
                var base = buffer.baseAddress
                let outcome = LLVMFuzzerRunDriver(&count, &base) { bytes, count in
                    chosen.test(Array(UnsafeBufferPointer(start: bytes, count: count)))
                    return 0
                }
                exit(outcome)
            }
        }
    #else
        /// Without libFuzzer: the files are tested once each, as libFuzzer would, to see a find again in a debugger.
        private static func fuzz(_ target: FuzzTarget, _ arguments: [String]) {
            for path in arguments where !path.hasPrefix("-") {
                guard let data = FileManager.default.contents(atPath: path) else { continue }
                target.test(Array(data))
            }
        }
    #endif
}
