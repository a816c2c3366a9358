// swift-tools-version: 6.2
import PackageDescription

/// A product of another package, which is resolved with the trait alone if one is named.
func product(_ name: String, _ package: String, trait: String? = nil) -> Target.Dependency {
    .product(name: name, package: package, condition: trait.flatMap { .when(traits: [$0]) })
}

/// What tests or their tools share. No product.
func support(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .target(name: name, dependencies: dependencies, path: "Tests/\(name)")
}

func tests(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .testTarget(name: name, dependencies: dependencies + ["StacksTransport", httpTypes])
}

let argumentParser = product("ArgumentParser", "swift-argument-parser")
let httpTypes = product("HTTPTypes", "swift-http-types")
let logging = product("Logging", "swift-log")
let metrics = product("CoreMetrics", "swift-metrics")
let metricsTestKit = product("MetricsTestKit", "swift-metrics")
let nioHTTP2 = product("NIOHTTP2", "swift-nio-http2")
let nioSSL = product("NIOSSL", "swift-nio-ssl")
let serviceLifecycle = product("ServiceLifecycle", "swift-service-lifecycle")
let unixSignals = product("UnixSignals", "swift-service-lifecycle")

let package = Package(
    name: "stacks-api-swift", platforms: [.macOS(.v15)],
    // The tools are not products: a package that depends on this one would then resolve what they need.
    // `swift run stacksctl` and `swift run stacks-simulator` work all the same.
    products: [
        "StacksTransport", "StacksCurl", "StacksURLSession", "StacksAPI", "StacksTesting", "StacksController",
        "StacksCommandLauncher",
    ].map { .library(name: $0, targets: [$0]) },
    traits: [
        .trait(name: "Controller", description: "StacksController, which takes swift-service-lifecycle."),
        .trait(name: "CommandLauncher", description: "Launches a process for each job.", enabledTraits: ["Controller"]),
        .trait(name: "Tracing", description: "Spans for calls and requests, which takes swift-distributed-tracing."),
        .trait(name: "URLSessionTool", description: "stacksctl --transport urlsession, which takes all of Foundation."),
        .default(enabledTraits: ["Controller", "URLSessionTool"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.7.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.9.0"),
        // The last two with their traits alone. A package that depends on this one resolves none of the following.
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
        .package(url: "https://github.com/apple/swift-system", from: "1.6.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.34.0"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
    ],
    targets: [
        // The libraries.
        .systemLibrary(
            name: "CLibcurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"]), .brew(["curl"])]),
        .target(name: "StacksTransport", dependencies: [httpTypes]),
        .target(
            name: "StacksCurl", dependencies: ["CLibcurl", "StacksTransport", httpTypes],
            swiftSettings: [.strictMemorySafety()]),
        .target(name: "StacksURLSession", dependencies: ["StacksTransport", httpTypes]),
        .target(
            name: "StacksAPI",
            dependencies: [
                "StacksTransport", httpTypes, logging, metrics,
                product("Tracing", "swift-distributed-tracing", trait: "Tracing"),
            ]),
        .target(name: "StacksTesting", dependencies: ["StacksTransport", httpTypes]),
        .target(
            name: "StacksController",
            dependencies: [
                "StacksAPI", "StacksTransport", httpTypes, logging, metrics,
                product("ServiceLifecycle", "swift-service-lifecycle", trait: "Controller"),
            ]),
        // With the trait alone it holds the launcher, which stacksctl takes without asking. Engines has scripts.
        .target(
            name: "StacksCommandLauncher",
            dependencies: [.target(name: "CommandLaunching", condition: .when(traits: ["CommandLauncher"]))],
            exclude: ["Engines"]),
        .target(name: "CommandLaunching", dependencies: ["CProcess", "StacksAPI", "StacksController", logging]),
        .target(name: "CProcess"),

        // The tools.
        .target(name: "StandardStreams", dependencies: ["StacksTransport", logging, argumentParser]),
        // The events of a YAML text, for stacksctl's configuration. Nothing else takes libyaml.
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"]), .brew(["libyaml"])]),
        .target(name: "YAMLEvents", dependencies: ["CYAML"], swiftSettings: [.strictMemorySafety()]),
        // Whose requests the tools' servers answer, and what their pages have in common.
        .target(name: "HostGuard", dependencies: ["StacksTransport", httpTypes]),
        .target(name: "EmbeddedPages", dependencies: [httpTypes], resources: [.embedInCode("Shared")]),
        .executableTarget(
            name: "stacksctl",
            dependencies: [
                "CommandLaunching", "EmbeddedPages", "HostGuard", "StandardStreams", "StacksAPI", "StacksController",
                "StacksCurl", "StacksTransport", "YAMLEvents",
                .target(name: "StacksURLSession", condition: .when(traits: ["URLSessionTool"])),
                httpTypes, logging, metrics, serviceLifecycle, unixSignals, argumentParser,
                product("HummingbirdCore", "hummingbird"), product("NIOCore", "swift-nio"),
                product("NIOPosix", "swift-nio"),
            ],
            resources: [.embedInCode("StatusServer/Page")]),
        .executableTarget(
            name: "stacks-simulator",
            dependencies: [
                "EmbeddedPages", "HostGuard", "StandardStreams", "StacksTesting", "StacksTransport", "TestCertificate",
                httpTypes, logging, serviceLifecycle, unixSignals, argumentParser,
                product("Hummingbird", "hummingbird"), product("HummingbirdCore", "hummingbird"),
                product("NIOCore", "swift-nio"), product("NIOTLS", "swift-nio"), nioHTTP2, nioSSL,
                product("NIOHTTPTypes", "swift-nio-extras"), product("NIOHTTPTypesHTTP2", "swift-nio-extras"),
            ],
            resources: [.embedInCode("Control/Page")]),
        // The certificate of every test server. It is not part of StacksTesting, so that no library carries a key.
        .target(name: "TestCertificate"),

        // What the tests use. Without NIO, stacks-stress is soon built with a sanitizer.
        support(
            "FaultServer", "TestCertificate", product("NIOCore", "swift-nio"), product("NIOPosix", "swift-nio"),
            product("NIOHTTP1", "swift-nio"), product("NIOHPACK", "swift-nio-http2"), nioHTTP2, nioSSL),
        .executableTarget(
            name: "fault-server", dependencies: ["FaultServer", argumentParser], path: "Tests/FaultServerTool"),
        .executableTarget(
            name: "stacks-stress",
            dependencies: ["StacksAPI", "StacksCurl", "StacksTransport", httpTypes, argumentParser],
            path: "Tests/StacksStress"),
        support("DocumentProof", "StacksAPI", "StacksTesting", "StacksTransport", httpTypes),
        support("FuzzDriver"),
        .executableTarget(
            name: "stacks-fuzz",
            dependencies: ["DocumentProof", "FuzzDriver", "StacksAPI", "StacksTransport", httpTypes],
            path: "Tests/StacksFuzz"),
        support("TestEnvironment"),
        support(
            "TestServers", "TestEnvironment", product("Subprocess", "swift-subprocess"),
            .product(name: "SystemPackage", package: "swift-system", condition: .when(platforms: [.linux]))),

        // The tests.
        tests("StacksTransportTests"),
        tests("StacksCurlTests", "StacksCurl", "StacksTesting", "TestServers"),
        tests("StacksURLSessionTests", "StacksURLSession", "TestServers"),
        tests(
            "TransportFaultTests", "FaultServer", "StacksCurl", "StacksTesting", "StacksURLSession", "TestEnvironment",
            "TestServers"),
        tests("StacksAPITests", "DocumentProof", "StacksAPI", "StacksTesting", logging, metrics, metricsTestKit),
        tests("StacksTestingTests", "StacksTesting"),
        tests(
            "StacksControllerTests", "CommandLaunching", "StacksAPI", "StacksController", "StacksCurl", "StacksTesting",
            "TestServers", logging, metrics, metricsTestKit, serviceLifecycle),
        tests(
            "ToolTests", "stacksctl", "HostGuard", "StacksAPI", "StacksController", "StacksTesting", "StandardStreams",
            "TestEnvironment", "TestServers", "YAMLEvents", logging, metrics, argumentParser),
        tests(
            "ReadmeTests", "stacksctl", "CommandLaunching", "StacksAPI", "StacksCommandLauncher", "StacksController",
            "StacksCurl", "StacksTesting", "StacksURLSession", "TestServers", logging, serviceLifecycle, unixSignals),
    ]
)

// Every target compiles with these: a warning is an error, imports say what they expose, and an async function stays on
// its caller's executor, so that a call makes no thread hop that it does not need.
for target in package.targets where target.type != .system {
    let on = ["ExistentialAny", "MemberImportVisibility", "InternalImportsByDefault", "NonisolatedNonsendingByDefault"]
    target.swiftSettings =
        on.map { .enableUpcomingFeature($0) } + [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]
        + (target.swiftSettings ?? [])
}
