/// What stands between a builder's code and everything else; the worker proves each to itself before it runs any.
package enum Wall: String, Sendable, Hashable, CaseIterable {
    /// No variable of the server's environment is in the worker's.
    case environment
    /// No descriptor but the two pipes and the place for errors came along.
    case descriptors
    /// The worker dies with the thread that started it.
    case parentDeath = "parent-death"
    /// No other process of this user may look into it.
    case tracing
    /// A crash leaves no image of its memory on the disk.
    case coreDump = "core-dump"
    case fileSize = "file-size"
    case openFiles = "open-files"
    /// No page of it can be written and executed: JavaScript is interpreted.
    case executableMemory = "executable-memory"
    /// No WebAssembly.
    case webAssembly = "web-assembly"
    /// The code's global object holds what the language brings and what the block is given, nothing else.
    case bareContext = "bare-context"
    /// Each call starts with new global objects.
    case freshContext = "fresh-context"
    /// A call that has used up its processor time is stopped.
    case time
    /// A budget that no allocation gets past.
    case memory
    case privileges
    /// The kernel refuses every file and, where it can, the network.
    case landlock
    /// The kernel refuses every system call but a few.
    case systemCalls = "system-calls"

    /// One sentence for `runnel doctor`.
    package var summary: String {
        switch self {
        case .environment: "the worker's environment holds nothing of the server's"
        case .descriptors: "no open file came along"
        case .parentDeath: "the worker dies with the server"
        case .tracing: "no process may look into it"
        case .coreDump: "a crash leaves no memory image"
        case .fileSize: "it may write no file"
        case .openFiles: "it may open next to nothing"
        case .executableMemory: "no memory is writable and executable"
        case .webAssembly: "there is no WebAssembly"
        case .bareContext: "code sees the language alone"
        case .freshContext: "nothing of one call is seen by the next"
        case .time: "code that runs too long is stopped"
        case .memory: "memory is capped"
        case .privileges: "it can gain no privileges"
        case .landlock: "the kernel refuses every file"
        case .systemCalls: "the kernel refuses all system calls but a few"
        }
    }

    /// Code runs without it where the kernel has none: `systemCalls` refuses the same by itself.
    package var isOptional: Bool { self == .landlock }
}

/// What a worker says once its walls stand.
package struct ReadyFrame: Sendable, Hashable {
    /// The walls that the worker found missing; only optional ones, else it would not be ready.
    package var missing: [Wall]
    /// The version of Landlock's interface that is in force; 0: the kernel has none.
    package var landlockABI: Int
    /// Resident bytes when it was ready.
    package var residentBytes: Int

    package init(missing: [Wall], landlockABI: Int, residentBytes: Int) {
        self.missing = missing
        self.landlockABI = landlockABI
        self.residentBytes = residentBytes
    }

    package var frame: Frame {
        Frame(.ready) { writer in
            writer.write(landlockABI)
            writer.write(residentBytes)
            writer.write(missing.map(\.rawValue).joined(separator: ","))
        }
    }

    /// Nil when the payload is none.
    package init?(_ payload: [UInt8]) {
        var reader = FieldReader(payload)
        guard let abi = reader.number(), let resident = reader.number(), let names = reader.text() else { return nil }
        var missing: [Wall] = []
        for name in names.split(separator: ",") {
            guard let wall = Wall(rawValue: String(name)) else { return nil }
            missing.append(wall)
        }
        self.init(missing: missing, landlockABI: abi, residentBytes: resident)
    }
}

/// How the worker is started: what both sides must spell alike.
package enum WorkerInvocation {
    package static let executable = "runnel-code-worker"
    /// The exit code of a worker that misses a wall; the wall's name stands in its last frame.
    package static let missingWall: Int32 = 70
    /// The exit code of a worker whose resident memory passed its budget.
    package static let outOfMemory: Int32 = 71
    /// The exit code of a worker that ended itself behind a call whose time had run out: it has begun no other.
    package static let spent: Int32 = 72
    /// The worker's place behind every other program of its machine that wants to run, first of all the server.
    package static let niceness: Int32 = 10

    /// The worker's whole environment; options of JavaScriptCore count only when they are there from the start.
    package static let environment = [
        "JSC_useJIT=0", "JSC_useWasm=0", "JSC_maxRegExpStackSize=4194304", "JSC_numberOfGCMarkers=1",
        // One thread that collects when it must: handing over to another takes longer than what a call leaves.
        "JSC_useConcurrentGC=0",
        // Of what is thrown, errors know where they were made; for others nobody asks.
        "JSC_exceptionStackTraceLimit=0",
        // Sizes at which the first collection begins. Garbage counts against the budget, and an error that nobody needs
        // any more holds a hundred times what the engine counts of it: a million of them go through 64 MB.
        "JSC_smallHeapSize=131072", "JSC_mediumHeapSize=131072", "JSC_largeHeapSize=131072",
        "GIGACAGE_ENABLED=0", "MALLOC_ARENA_MAX=1", "TZ=UTC", "LANG=C",
    ]
}
