// swift-tools-version: 6.2
import PackageDescription

/// Every target of this package compiles with the same settings: a warning is an error, imports say what they
/// expose, and an async function stays on its caller's executor, so that a call makes no thread hop it does not need.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let serviceLifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
/// The same for a library: who turns the trait off does not resolve it.
let serviceLifecycleOfController: Target.Dependency = .product(
    name: "ServiceLifecycle", package: "swift-service-lifecycle", condition: .when(traits: ["Controller"]))
/// Spans are made with the trait of the same name alone, and without it the package is not even resolved.
let tracing: Target.Dependency = .product(
    name: "Tracing", package: "swift-distributed-tracing", condition: .when(traits: ["Tracing"]))
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "stacks-api-swift",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "StacksTransport", targets: ["StacksTransport"]),
        .library(name: "StacksCurl", targets: ["StacksCurl"]),
        .library(name: "StacksURLSession", targets: ["StacksURLSession"]),
        .library(name: "StacksAPI", targets: ["StacksAPI"]),
        .library(name: "StacksTesting", targets: ["StacksTesting"]),
        .library(name: "StacksController", targets: ["StacksController"]),
        .library(name: "StacksCommandLauncher", targets: ["StacksCommandLauncher"]),
        // The two tools are not products: an executable product would make every package that depends on this one
        // resolve what the tool needs. `swift run stacksctl` and `swift run stacks-simulator` work all the same.
    ],
    traits: [
        .trait(
            name: "Controller",
            description: "StacksController; without it, nothing of swift-service-lifecycle is resolved."
        ),
        .trait(
            name: "Tracing",
            description: "A span for each call and each request, through swift-distributed-tracing."
        ),
        .default(enabledTraits: ["Controller"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.7.0"),
        // Only with the trait Tracing.
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.9.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0"),
        // Only for the tests, which start the tools, with the files that the library names where there is no System module.
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
        .package(url: "https://github.com/apple/swift-system", from: "1.6.0"),
        // Only for stacks-simulator, which is no product: a package that depends on this one does not resolve it.
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.34.0"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
    ],
    targets: [
        .systemLibrary(
            name: "CLibcurl",
            pkgConfig: "libcurl",
            providers: [.apt(["libcurl4-openssl-dev"]), .brew(["curl"])]
        ),
        .target(name: "StacksTransport", dependencies: [httpTypes], swiftSettings: settings),
        .target(
            name: "StacksCurl",
            dependencies: ["CLibcurl", "StacksTransport", httpTypes],
            swiftSettings: settings + [.strictMemorySafety()]
        ),
        .target(
            name: "StacksURLSession",
            dependencies: ["StacksTransport", httpTypes],
            swiftSettings: settings
        ),
        .target(
            name: "StacksAPI",
            dependencies: ["StacksTransport", httpTypes, logging, metrics, tracing],
            swiftSettings: settings
        ),
        // Random numbers from a seed, for all that is to be the same again. No product.
        .target(name: "SeededRandom", swiftSettings: settings),
        .target(
            name: "StacksTesting",
            dependencies: ["SeededRandom", "StacksTransport", httpTypes],
            swiftSettings: settings
        ),
        .target(
            name: "StacksController",
            dependencies: [
                "SeededRandom", "StacksAPI", "StacksTransport", httpTypes, logging, metrics,
                serviceLifecycleOfController,
            ],
            swiftSettings: settings
        ),
        // Starting processes and waiting for them, as C has it.
        .target(name: "CProcess"),
        .target(
            name: "StacksCommandLauncher",
            dependencies: ["CProcess", "StacksAPI", "StacksController", logging],
            swiftSettings: settings
        ),
        // How both tools write what they print and log: where nobody reads, where nothing fits, and where it is read late.
        .target(
            name: "StandardStreams", dependencies: ["StacksTransport", logging, argumentParser], swiftSettings: settings
        ),
        .executableTarget(
            name: "stacksctl",
            dependencies: [
                "StandardStreams", "StacksAPI", "StacksTransport", "StacksCurl", "StacksURLSession", "StacksController",
                "StacksCommandLauncher", httpTypes, logging, serviceLifecycle, argumentParser,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "stacks-simulator",
            dependencies: [
                "StandardStreams", "StacksTesting", "StacksTransport", "TestCertificate", httpTypes, logging,
                argumentParser,
                serviceLifecycle,
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP2", package: "swift-nio-extras"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            path: "Sources/stacks-simulator",
            swiftSettings: settings
        ),
        // The certificate of every server that is for tests. Apart from StacksTesting, so that no library carries a key.
        .target(name: "TestCertificate", swiftSettings: settings),
        // A server for the transports' tests, and the same as a program. No product.
        .target(
            name: "FaultServer",
            dependencies: [
                "TestCertificate",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            path: "Tests/FaultServer",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "fault-server",
            dependencies: ["FaultServer", argumentParser],
            path: "Tests/FaultServerTool",
            swiftSettings: settings
        ),
        // Random traffic, for Scripts/stress. Without NIO, so that it is soon built with a sanitizer. No product.
        .executableTarget(
            name: "stacks-stress",
            dependencies: ["SeededRandom", "StacksAPI", "StacksCurl", "StacksTransport", httpTypes, argumentParser],
            path: "Tests/StacksStress",
            swiftSettings: settings
        ),
        // What servers send and what Foundation makes of it, to compare the readers with.
        .target(
            name: "DocumentProof",
            dependencies: ["StacksAPI", "StacksTesting", "StacksTransport", httpTypes],
            path: "Tests/DocumentProof",
            swiftSettings: settings
        ),
        // For Scripts/fuzz. No product. What it declares is there only in a build with libFuzzer.
        .target(name: "FuzzDriver", path: "Tests/FuzzDriver"),
        .executableTarget(
            name: "stacks-fuzz",
            dependencies: ["DocumentProof", "FuzzDriver", "StacksAPI", "StacksTransport", httpTypes],
            path: "Tests/StacksFuzz",
            swiftSettings: settings
        ),
        // Takes what a shell has set out of the environment of the tests' process, before anything runs.
        .target(name: "TestEnvironment", path: "Tests/TestEnvironment"),
        // For the tests that talk to the real simulator. No product.
        .target(
            name: "SimulatorProcess",
            dependencies: [
                "TestEnvironment",
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system", condition: .when(platforms: [.linux])),
            ],
            path: "Tests/SimulatorProcess",
            swiftSettings: settings
        ),
        .testTarget(name: "SimulatorToolTests", dependencies: ["SimulatorProcess"], swiftSettings: settings),
        .target(name: "LoopbackServer", path: "Tests/LoopbackServer", swiftSettings: settings),
        .testTarget(
            name: "StacksTransportTests",
            dependencies: ["StacksTransport", httpTypes],
            swiftSettings: settings
        ),
        .testTarget(
            name: "StacksCurlTests",
            dependencies: [
                "StacksCurl", "StacksTransport", "LoopbackServer", "SimulatorProcess", "StacksTesting", httpTypes,
            ],
            swiftSettings: settings
        ),
        // Names that resolve slowly or not at all, for the transports' tests.
        .target(name: "SlowResolver", path: "Tests/SlowResolver"),
        .testTarget(
            name: "TransportFaultTests",
            dependencies: [
                "FaultServer", "SimulatorProcess", "SlowResolver", "StacksCurl", "StacksTesting", "StacksTransport",
                "StacksURLSession", httpTypes,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "StacksURLSessionTests",
            dependencies: ["StacksURLSession", "StacksTransport", "LoopbackServer", "SimulatorProcess", httpTypes],
            swiftSettings: settings
        ),
        .testTarget(
            name: "StacksAPITests",
            dependencies: [
                "DocumentProof", "StacksAPI", "StacksTesting", "StacksTransport", httpTypes, logging, metrics,
                .product(name: "MetricsTestKit", package: "swift-metrics"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "StacksTestingTests",
            dependencies: ["SeededRandom", "StacksTesting", "StacksTransport", httpTypes],
            swiftSettings: settings
        ),
        .testTarget(
            name: "StacksControllerTests",
            dependencies: [
                "StacksController", "StacksCommandLauncher", "StacksAPI", "StacksTesting", "StacksTransport",
                httpTypes, logging, metrics, serviceLifecycle,
                .product(name: "MetricsTestKit", package: "swift-metrics"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ReadmeTests",
            dependencies: [
                "stacksctl", "StacksAPI", "StacksCommandLauncher", "StacksCurl", "StacksController", "StacksTesting",
                "StacksTransport",
                "StacksURLSession", "SimulatorProcess", httpTypes, logging, serviceLifecycle,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "StacksctlTests",
            dependencies: [
                "stacksctl", "StacksAPI", "StacksController", "StacksTesting", "StacksTransport", "StandardStreams",
                "LoopbackServer", "SimulatorProcess", httpTypes, logging, argumentParser,
            ],
            swiftSettings: settings
        ),
    ]
)
