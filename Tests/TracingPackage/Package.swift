// swift-tools-version: 6.2
import PackageDescription

/// A package of its own, because it uses the libraries as somebody does who has turned on the trait `Tracing`.
let package = Package(
    name: "stacks-api-swift-tracing",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "stacks-api-swift", path: "../..", traits: ["Tracing"]),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.7.0"),
    ],
    targets: [
        .testTarget(
            name: "TracingTests",
            dependencies: [
                .product(name: "StacksAPI", package: "stacks-api-swift"),
                .product(name: "StacksTesting", package: "stacks-api-swift"),
                .product(name: "StacksTransport", package: "stacks-api-swift"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
            ],
            swiftSettings: [
                .swiftLanguageMode(.v6),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
                .treatAllWarnings(as: .error),
            ]
        )
    ]
)
