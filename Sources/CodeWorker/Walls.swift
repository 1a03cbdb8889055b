import CSandbox
import CodeFrames

/// Puts up the walls in their order, and asks behind each whether it stands.
///
/// 1. What the process brought along and may do, before JavaScriptCore is touched.
/// 2. The engine, its threads, and its own walls.
/// 3. The cap on memory: before the engine is up, a limit as small as this would end it.
/// 4. The kernel's: no privileges, Landlock, the list of system calls. Nothing can be opened any more.
struct Walls {
    private let options: WorkerOptions
    private(set) var missing: Set<Wall> = []
    private(set) var landlockABI = 0

    init(_ options: WorkerOptions) { self.options = options }

    private mutating func prove(_ wall: Wall, _ stands: Bool) {
        if !stands { missing.insert(wall) }
    }

    mutating func closeProcess() {
        prove(.memory, sandbox_start_memory_watch() == 0)
        if options.has(.descriptors) { _ = sandbox_close_descriptors(2) }
        #if DEBUG
            if !options.has(.descriptors) { sandbox_leave_open() }
        #endif
        prove(.environment, Environment.isBare)
        prove(.descriptors, sandbox_open_descriptors(2) == 0)
        if options.has(.parentDeath) { _ = sandbox_die_with_parent() }
        prove(.parentDeath, sandbox_dies_with_parent() == 1)
        _ = sandbox_yield_to_others(WorkerInvocation.niceness)
        _ = sandbox_limit(
            options.has(.coreDump) ? 1 : 0,
            options.has(.fileSize) ? 1 : 0,
            options.has(.openFiles) ? 1 : 0
        )
        prove(.coreDump, sandbox_core_is_limited() == 1)
        prove(.fileSize, sandbox_file_size_is_limited() == 1)
        prove(.openFiles, sandbox_files_are_limited() == 1)
    }

    mutating func proveEngine(_ engine: ScriptEngine) {
        let test = EngineTest(engine)
        prove(.webAssembly, test.hasNoWebAssembly)
        prove(.bareContext, test.seesNothingForeign)
        prove(.freshContext, test.forgets)
        prove(.time, test.stops)
        prove(.executableMemory, sandbox_writable_code() == 0)
    }

    mutating func capMemory() {
        if options.has(.memory) {
            _ = sandbox_limit_memory(options.budget)
            // Between two looks code fills some megabytes: on a busy machine fifteen were seen.
            _ = sandbox_cap_resident_memory(options.budget - (12 << 20), WorkerInvocation.outOfMemory)
        }
        prove(.memory, sandbox_resident_memory_is_capped() == 1)
    }

    mutating func closeKernel() {
        // Not before: the budget is measured in `/proc/self`, which this closes.
        if options.has(.tracing) { _ = sandbox_forbid_tracing() }
        prove(.tracing, sandbox_can_be_traced() == 0)
        if options.has(.privileges) { _ = sandbox_no_new_privileges() }
        prove(.privileges, sandbox_has_new_privileges() == 0)
        if options.has(.landlock) { landlockABI = Int(sandbox_landlock()) }
        prove(.landlock, landlockABI > 0 && sandbox_try_open() != 0)
        if options.has(.systemCalls) { _ = sandbox_filter_system_calls() }
        prove(
            .systemCalls,
            sandbox_try_socket() != 0 && sandbox_try_open() != 0 && sandbox_try_executable_memory() != 0
        )
        prove(.memory, sandbox_try_allocation(options.budget) != 0)
    }
}

/// The worker's environment.
enum Environment {
    /// Whether it holds what the host is agreed to set, and nothing else.
    static var isBare: Bool {
        var index: Int32 = 0
        while let text = sandbox_environment(index) {
            guard WorkerInvocation.environment.contains(String(cString: text)) else { return false }
            index += 1
        }
        return true
    }
}
