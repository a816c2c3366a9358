// swift-tools-version: 6.2
import PackageDescription

/// The same compiler settings as the package that is measured.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let stacksAPI: Target.Dependency = .product(name: "StacksAPI", package: "stacks-api-swift")
let stacksTransport: Target.Dependency = .product(name: "StacksTransport", package: "stacks-api-swift")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let stacksTesting: Target.Dependency = .product(name: "StacksTesting", package: "stacks-api-swift")
let stacksCurl: Target.Dependency = .product(name: "StacksCurl", package: "stacks-api-swift")

/// A package of its own, so that whoever uses the libraries never resolves what they are compared with.
let package = Package(
    name: "stacks-api-swift-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "stacks-api-swift", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.7.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        // A peer.
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        // For the micro benchmarks. Its counting of allocations replaces malloc and is left out.
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.0", traits: []),
    ],
    targets: [
        // What is asked and what is answered, the same for everyone.
        .target(name: "Workload", swiftSettings: settings),
        // What a contestant is: a process that takes orders on standard input and reports on standard output.
        .target(name: "Contestant", dependencies: ["ProcessProbe", "Workload"], swiftSettings: settings),
        // What a process can tell of itself: instructions, and allocations and where they are made.
        .target(name: "ProcessProbe"),
        .target(
            name: "StacksContestant",
            dependencies: [
                "Contestant", "Workload", stacksAPI, stacksTransport, logging,
                .product(name: "CoreMetrics", package: "swift-metrics"),
            ],
            swiftSettings: settings
        ),

        // The contestants.
        .target(name: "CurlLoop", linkerSettings: [.linkedLibrary("curl")]),
        .executableTarget(
            name: "floor", dependencies: ["Contestant", "CurlLoop", "Workload"], swiftSettings: settings),
        .executableTarget(
            name: "stacks-curl",
            dependencies: ["Contestant", "StacksContestant", stacksAPI, stacksCurl, stacksTransport],
            swiftSettings: settings
        ),
        .target(name: "TrustedAuthority", linkerSettings: [.linkedLibrary("curl")]),
        .executableTarget(
            name: "stacks-urlsession",
            dependencies: [
                "Contestant", "StacksContestant", "TrustedAuthority", stacksAPI,
                .product(name: "StacksURLSession", package: "stacks-api-swift"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "stacks-memory",
            dependencies: [
                "Contestant", "StacksContestant", "Workload", stacksAPI, stacksTransport,
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "async-http-client",
            dependencies: [
                "Contestant", "Workload",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOFoundationEssentialsCompat", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: settings
        ),

        // A controller over the simulator, which no other takes part beside.
        .executableTarget(
            name: "stacks-controller",
            dependencies: [
                "Contestant", "Workload", stacksAPI, stacksCurl, stacksTransport, stacksTesting, logging,
                .product(name: "StacksController", package: "stacks-api-swift"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ],
            swiftSettings: settings
        ),

        // The server, and the program that runs them all.
        .executableTarget(
            name: "benchmark-server",
            dependencies: [
                "Contestant", "Workload", argumentParser, stacksTesting, stacksTransport,
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "load-comparison",
            dependencies: [
                "Contestant", "CurlLoop", "Workload", argumentParser,
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "LoadComparisonTests", dependencies: ["Contestant", "Workload", "load-comparison"],
            swiftSettings: settings),

        .executableTarget(
            name: "MicroBenchmarks",
            dependencies: [
                "Workload", stacksAPI, stacksCurl, stacksTransport,
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Benchmark", package: "benchmark"),
            ],
            // `swift package benchmark` finds them by the name of this folder. Its build plugin is not used: it would
            // be built for every product of this package.
            path: "Benchmarks/MicroBenchmarks",
            swiftSettings: settings
        ),
    ]
)
