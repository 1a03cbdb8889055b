import CJavaScriptCore
import CSandbox
import CodeFrames

/// The engine of one worker: a group whose contexts share a heap, and one context that is made in advance.
final class ScriptEngine {
    private let group: JSContextGroupRef
    /// Lasts as long as the group; no code sees it.
    private let lasting: JSGlobalContextRef
    private let rejectionCallback: JSObjectRef
    private var spare: ScriptContext?
    /// Test builds: calls share their global objects.
    var reusesContext = false
    /// Test builds: nothing stops code that runs too long.
    var hasTimeLimit = true

    /// Test builds: contexts are given something of another realm.
    private let hasBareContexts: Bool

    /// - Returns: Nil when there is not even the memory for a first context.
    init?(hasBareContexts: Bool = true) {
        guard let group = JSContextGroupCreate(),
            let lasting = JSGlobalContextCreateInGroup(group, nil),
            let rejectionCallback = JSObjectMakeFunctionWithCallback(lasting, nil, rejected)
        else { return nil }
        JSValueProtect(lasting, rejectionCallback)
        self.group = group
        self.lasting = lasting
        self.rejectionCallback = rejectionCallback
        self.hasBareContexts = hasBareContexts
        prepare()
        if spare == nil { return nil }
    }

    /// Makes the next call's context while nobody waits for it.
    func prepare() {
        guard spare == nil else { return }
        // The last call's limit would be the runtime's own.
        JSContextGroupClearExecutionTimeLimit(group)
        spare = ScriptContext(in: group, native: native, rejected: rejectionCallback)
        #if DEBUG
            if !hasBareContexts, let spare { TestBuild.plant(in: spare.context, group: group) }
        #endif
    }

    /// Lets the engine map what its first buffer needs, while it still may.
    ///
    /// Its allocator maps tens of megabytes of addresses for the tables of a heap at the heap's first use, and ends the
    /// process where it cannot: with the memory's wall up, code that makes its first `Uint8Array` late would die of it.
    func makeBuffer() { _ = try? spare?.evaluate("new Uint8Array(8).buffer", name: "buffer") }

    /// A context that no code has seen; nil when there is no memory left for one.
    func takeContext() -> ScriptContext? {
        prepare()
        defer { if !reusesContext { spare = nil } }
        return spare
    }

    /// Whether a context has the name before the runtime tidies up.
    func has(_ name: String) -> Bool {
        guard let context = JSGlobalContextCreateInGroup(group, nil), let key = makeString(name) else { return true }
        defer {
            JSStringRelease(key)
            JSGlobalContextRelease(context)
        }
        return JSObjectHasProperty(context, JSContextGetGlobalObject(context), key)
    }

    /// Sweeps away what earlier calls left, so that it does not count against the next one's budget.
    func sweep() {
        if let spare { JSSynchronousGarbageCollectForDebugging(spare.context) }
    }

    func setTimeLimit(nanoseconds: UInt64) {
        guard hasTimeLimit else { return JSContextGroupClearExecutionTimeLimit(group) }
        JSContextGroupSetExecutionTimeLimit(
            group,
            Double(nanoseconds) / 1_000_000_000,
            { context, _ in
                RunningCall.current?.noteTimeout(in: context)
                return true
            },
            nil
        )
    }
}

/// The one native function, `native(kind, text, …)`; it throws what was exceeded.
private let native: JSObjectCallAsFunctionCallback = { context, _, _, count, arguments, exception in
    guard let context, let arguments, count > 0, let call = RunningCall.current else { return nil }
    var texts: [[UInt8]] = []
    for index in 1..<max(1, count) {
        // Half a surrogate pair in a log line is no reason to fail.
        texts.append(utf8(of: arguments[index], in: context) ?? Array("?".utf8))
    }
    let kind = JSValueToNumber(context, arguments[0], nil)
    guard let exceeded = call.serve(kind.isFinite ? Int(kind) : 0, texts) else { return JSValueMakeUndefined(context) }
    let message = context.value(exceeded)
    exception?.pointee = JSObjectMakeError(context, 1, [message], nil)
    return nil
}

/// What the engine calls with a promise that was rejected, and of which nobody has asked why.
private let rejected: JSObjectCallAsFunctionCallback = { context, _, _, count, arguments, _ in
    guard let context else { return nil }
    if let arguments, count == 2 { RunningCall.current?.noteRejection(of: arguments[1]) }
    return JSValueMakeUndefined(context)
}
