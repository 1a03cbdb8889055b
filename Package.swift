// swift-tools-version: 6.2

import PackageDescription

/// One list for every Swift target.
///
/// The compiler accepts a misspelt feature name in silence, so
/// `Tests/TidyTests/SettingsGuard.swift` fails the build when one of these did not take effect.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .treatAllWarnings(as: .error),
]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
/// RSA, for tokens that others issued.
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let sqlite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdTesting: Target.Dependency = .product(name: "HummingbirdTesting", package: "hummingbird")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let serviceLifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

let package = Package(
    name: "runnel",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "runnel", targets: ["runnel"]),
        .executable(name: "runnel-code-worker", targets: ["CodeWorker"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        // MARK: C libraries of the system, found through pkg-config
        .systemLibrary(
            name: "CCurl",
            path: "Sources/System/CCurl",
            pkgConfig: "libcurl",
            providers: [.apt(["libcurl4-openssl-dev"])]
        ),
        .systemLibrary(
            name: "CYAML",
            path: "Sources/System/CYAML",
            pkgConfig: "yaml-0.1",
            providers: [.apt(["libyaml-dev"])]
        ),
        .systemLibrary(
            name: "CSQLite",
            path: "Sources/System/CSQLite",
            pkgConfig: "sqlite3",
            providers: [.apt(["libsqlite3-dev"])]
        ),
        .systemLibrary(
            name: "CJavaScriptCore",
            path: "Sources/System/CJavaScriptCore",
            pkgConfig: "javascriptcoregtk-4.1",
            providers: [.apt(["libjavascriptcoregtk-4.1-dev"])]
        ),
        .target(name: "CSandbox", path: "Sources/System/CSandbox"),

        // MARK: The house, in the order in which its rooms may see each other
        .target(name: "Expressions", exclude: ["README.md"], swiftSettings: strict),
        .target(
            name: "FlowLanguage",
            dependencies: ["Expressions", "CYAML", crypto],
            exclude: ["README.md"],
            swiftSettings: strict
        ),
        .target(
            name: "FlowEngine",
            dependencies: ["Expressions", "FlowLanguage", crypto, logging, serviceLifecycle],
            exclude: ["README.md"],
            swiftSettings: strict
        ),
        .target(name: "HTTPTransport", dependencies: ["CCurl"], exclude: ["README.md"], swiftSettings: strict),
        .target(
            name: "Connections",
            dependencies: ["Expressions", "FlowLanguage", "FlowEngine", "HTTPTransport", crypto],
            exclude: ["README.md"],
            swiftSettings: strict
        ),
        .target(
            name: "BuiltinFlows",
            path: "flows",
            exclude: ["README.md"],
            resources: [
                .embedInCode("payment-callback.yaml"), .embedInCode("refund-callback.yaml"),
                .embedInCode("recurring-payment-callback.yaml"), .embedInCode("recurring-charge-callback.yaml"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "SampleApps",
            path: "samples",
            exclude: ["README.md", "shop/README.md", "shop/events", "subscriptions", "donations", "stripe-code"],
            resources: [
                .embedInCode("shop/app.yaml"),
                .embedInCode("shop/flows/add-product.yaml"),
                .embedInCode("shop/flows/buy.yaml"),
                .embedInCode("shop/public/index.html"),
                .embedInCode("shop/public/shop.css"),
                .embedInCode("shop/public/shop.js"),
                .embedInCode("shop/public/shop.svg"),
                .embedInCode("shop/flows/checkout.yaml"),
                .embedInCode("shop/flows/confirm.yaml"),
                .embedInCode("shop/flows/payment-callback.yaml"),
                .embedInCode("shop/flows/place-order.yaml"),
                .embedInCode("shop/flows/refund-callback.yaml"),
                .embedInCode("shop/flows/refund-order.yaml"),
                .embedInCode("shop/tests/orders.yaml"),
                .embedInCode("shop/tests/payments.yaml"),
                .embedInCode("shop/tests/refunds.yaml"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "Payments",
            dependencies: ["Expressions", "FlowLanguage", "FlowEngine", "Connections", "BuiltinFlows", crypto],
            exclude: ["README.md"],
            swiftSettings: strict
        ),
        .target(
            name: "FlowStores",
            dependencies: ["Expressions", "FlowLanguage", "FlowEngine", "CSQLite", grdb, sqlite],
            exclude: ["README.md"],
            swiftSettings: strict
        ),
        .target(
            name: "Capsules",
            dependencies: [
                "Expressions", "FlowLanguage", "FlowEngine", "FlowStores", "Connections", "Payments", crypto,
            ],
            exclude: ["README.md"],
            swiftSettings: strict
        ),
        .target(
            name: "CodeFrames",
            exclude: ["README.md"],
            resources: [.embedInCode("stripe-operations.txt")],
            swiftSettings: strict
        ),
        .target(
            name: "CustomCode",
            dependencies: [
                "Expressions", "FlowLanguage", "FlowEngine", "CodeFrames", "Connections", "HTTPTransport",
            ],
            exclude: ["README.md"],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "CodeWorker",
            dependencies: ["CodeFrames", "CJavaScriptCore", "CSandbox"],
            exclude: ["README.md"],
            resources: [
                .embedInCode("Runtime/runtime.js"), .embedInCode("Runtime/stripe.js"), .embedInCode("Runtime/web.js"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "StripeSimulator",
            dependencies: ["HTTPTransport", hummingbird, crypto, logging, serviceLifecycle],
            exclude: ["README.md"],
            swiftSettings: strict
        ),
        .target(
            name: "FlowServer",
            dependencies: [
                "Expressions", "FlowLanguage", "FlowEngine", "Connections", "Payments", "FlowStores", "Capsules",
                hummingbird, crypto, cryptoExtras, logging, serviceLifecycle,
            ],
            exclude: ["README.md"],
            resources: [.embedInCode("Pages/Widget/payment.js")],
            swiftSettings: strict
        ),
        .target(
            name: "FlowTesting",
            dependencies: [
                "Expressions", "FlowLanguage", "FlowEngine", "HTTPTransport", "Connections", "Payments", "FlowStores",
                "StripeSimulator", "Capsules", logging,
            ],
            exclude: ["README.md"],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "runnel",
            dependencies: [
                "Expressions", "FlowLanguage", "FlowEngine", "HTTPTransport", "Connections", "Payments", "FlowStores",
                "StripeSimulator", "FlowServer", "Capsules", "FlowTesting", "BuiltinFlows", "SampleApps",
                "CustomCode",
                argumentParser,
                logging,
                serviceLifecycle, unixSignals,
            ],
            exclude: ["README.md"],
            swiftSettings: strict
        ),

        // MARK: Benchmarks
        .executableTarget(
            name: "StoreBenchmark",
            dependencies: ["Expressions", "FlowLanguage", "FlowEngine", "FlowStores"],
            path: "Benchmarks/StoreBenchmark",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "FlowBenchmark",
            dependencies: [
                "Expressions", "FlowLanguage", "FlowEngine", "FlowStores", "Connections", "Payments", "FlowServer",
                "CustomCode", "HTTPTransport", logging,
                serviceLifecycle,
            ],
            path: "Benchmarks/FlowBenchmark",
            exclude: ["requests.lua"],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "CodeBenchmark",
            dependencies: ["Expressions", "FlowLanguage", "FlowEngine", "FlowStores", "CustomCode", logging],
            path: "Benchmarks/CodeBenchmark",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "ExpressionsBenchmark",
            dependencies: ["Expressions"],
            path: "Benchmarks/ExpressionsBenchmark",
            exclude: ["oracle.py"],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "SimulatorBenchmark",
            dependencies: ["StripeSimulator", logging],
            path: "Benchmarks/SimulatorBenchmark",
            swiftSettings: strict
        ),

        .executableTarget(
            name: "ReplayBenchmark",
            dependencies: ["Capsules", "FlowEngine"],
            path: "Benchmarks/ReplayBenchmark",
            exclude: ["payment-callback.capsule"],
            swiftSettings: strict
        ),

        // MARK: Tests
        .target(
            name: "TestSupport",
            dependencies: ["Expressions", "FlowLanguage", "FlowEngine"],
            path: "Tests/TestSupport",
            swiftSettings: strict
        ),
        .target(
            name: "FaultyDisk",
            path: "Tests/FaultyDisk",
            linkerSettings: [.linkedLibrary("sqlite3")]
        ),
        .target(name: "ScriptedNames", path: "Tests/ScriptedNames"),
        .executableTarget(
            name: "CrashProbe",
            dependencies: [
                "Expressions", "FlowLanguage", "FlowEngine", "FlowStores", "HTTPTransport", "Connections", "Payments",
                "CustomCode", "TestSupport", logging,
            ],
            path: "Tests/CrashProbe",
            swiftSettings: strict
        ),
        .testTarget(name: "ExpressionsTests", dependencies: ["Expressions", "TestSupport"], swiftSettings: strict),
        .testTarget(name: "FlowLanguageTests", dependencies: ["FlowLanguage", "Expressions"], swiftSettings: strict),
        .testTarget(
            name: "FlowEngineTests",
            dependencies: [
                "FlowEngine", "FlowStores", "FlowLanguage", "Expressions", "Capsules", "TestSupport", grdb, logging,
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "FlowStoresTests",
            dependencies: ["FlowStores", "FlowEngine", "FlowLanguage", "Expressions", "TestSupport", grdb],
            swiftSettings: strict
        ),
        .testTarget(
            name: "HTTPTransportTests",
            dependencies: ["HTTPTransport", "ScriptedNames", "TestSupport"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ConnectionsTests",
            dependencies: [
                "Connections", "FlowEngine", "FlowLanguage", "FlowStores", "Expressions", "HTTPTransport",
                "ScriptedNames", "TestSupport", logging,
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "PaymentsTests",
            dependencies: [
                "Payments", "Connections", "FlowEngine", "FlowLanguage", "FlowStores", "Expressions", "BuiltinFlows",
                "HTTPTransport", "StripeSimulator", "FlowServer", "TestSupport", crypto, logging,
            ],
            exclude: ["mutations.py"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "StripeSimulatorTests",
            dependencies: ["StripeSimulator", "HTTPTransport", "TestSupport", hummingbird, hummingbirdTesting, crypto],
            exclude: ["OfficialClient"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "FlowServerTests",
            dependencies: [
                "FlowServer", "FlowEngine", "FlowLanguage", "FlowStores", "Payments", "Connections", "Expressions",
                "TestSupport", hummingbird, hummingbirdTesting, crypto, cryptoExtras, logging,
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ProofTests",
            dependencies: [
                "Expressions", "FlowLanguage", "FlowEngine", "FlowStores", "HTTPTransport", "Connections", "Payments",
                "FlowServer", "SampleApps", "StripeSimulator", "TestSupport", "CrashProbe", "FaultyDisk", crypto, grdb,
                logging,
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "FlowTestingTests",
            dependencies: [
                "FlowTesting", "FlowEngine", "FlowLanguage", "FlowStores", "Payments", "Expressions", "SampleApps",
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "CapsulesTests",
            dependencies: [
                "Capsules", "Connections", "FlowEngine", "FlowStores", "FlowLanguage", "Expressions", "TestSupport",
                "FlowTesting", "CustomCode", logging,
            ],
            exclude: ["Regression", "Workshop"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "Expressions", "FlowLanguage", "HTTPTransport", "Payments", "TestSupport", "runnel", crypto,
                cryptoExtras,
            ],
            exclude: ["OfficialClient"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "CustomCodeTests",
            dependencies: [
                "CustomCode", "CodeFrames", "Connections", "FlowEngine", "FlowLanguage", "FlowStores", "Expressions",
                "TestSupport", "Payments", "StripeSimulator", "HTTPTransport", "Capsules", logging, serviceLifecycle,
            ],
            swiftSettings: strict
        ),
        .testTarget(name: "TidyTests", swiftSettings: strict),
    ]
)
