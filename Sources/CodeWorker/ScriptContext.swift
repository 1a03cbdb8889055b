import CJavaScriptCore
import CSandbox
import CodeFrames

/// One set of global objects, with the runtime in place, for one call.
final class ScriptContext {
    /// What an evaluation ends with, when not with a value.
    // Sendable by name alone: errors must be, and this one never leaves the one thread that runs code.
    struct Thrown: Error, @unchecked Sendable {
        var value: JSValueRef
    }

    let context: JSGlobalContextRef
    /// `runtime.js`'s functions, by name.
    private let runtime: JSObjectRef

    // Never changed, and used by the worker's one thread that runs code.
    nonisolated(unsafe) private static let program = makeString(PackageResources.runtime_js)
    nonisolated(unsafe) private static let stripeProgram = makeString(PackageResources.stripe_js)
    nonisolated(unsafe) private static let webProgram = makeString(PackageResources.web_js)

    /// Nil when the engine has no memory left for it.
    ///
    /// `rejected` is of a context that lasts: the engine keeps a context's callback as long as the context, and a callback
    /// keeps the context that it is of, so that one of its own would keep both for ever.
    init?(in group: JSContextGroupRef, native: JSObjectCallAsFunctionCallback, rejected: JSObjectRef) {
        guard let context = JSGlobalContextCreateInGroup(group, nil) else { return nil }
        self.context = context
        guard
            let make = JSEvaluateScript(context, Self.program, nil, nil, 1, nil),
            let made = Self.call(
                make,
                of: nil,
                with: [.function(native), .function(Self.load), .global],
                in: context,
                nil
            ),
            JSValueIsObject(context, made)
        else {
            JSGlobalContextRelease(context)
            return nil
        }
        runtime = made
        JSValueProtect(context, runtime)
        JSGlobalContextSetUnhandledRejectionCallback(context, rejected, nil)
    }

    /// Evaluates one of the programs that most code never looks at: the Stripe client, or what the web has.
    private static let load: JSObjectCallAsFunctionCallback = { context, _, _, count, arguments, exception in
        guard let context, let arguments, count == 1 else { return nil }
        guard JSValueToNumber(context, arguments[0], nil) == 1 else {
            return JSEvaluateScript(context, ScriptContext.webProgram, nil, nil, 1, exception)
        }
        guard let client = JSEvaluateScript(context, ScriptContext.stripeProgram, nil, nil, 1, exception) else {
            return nil
        }
        return ScriptContext.call(client, of: nil, with: [.bytes(StripeTable.bytes)], in: context, exception)
    }

    deinit {
        JSValueUnprotect(context, runtime)
        JSGlobalContextRelease(context)
    }

    /// Runs a script; `name` is what errors call it.
    @discardableResult
    func evaluate(_ text: String, name: String) throws(Thrown) -> JSValueRef? {
        let script = makeString(text)
        let url = makeString(name)
        defer {
            JSStringRelease(script)
            JSStringRelease(url)
        }
        var exception: JSValueRef?
        let value = JSEvaluateScript(context, script, nil, url, 1, &exception)
        if let exception { throw Thrown(value: exception) }
        return value
    }

    /// Nil when the text parses.
    func syntaxError(of text: String, name: String) -> JSValueRef? {
        let script = makeString(text)
        let url = makeString(name)
        defer {
            JSStringRelease(script)
            JSStringRelease(url)
        }
        var exception: JSValueRef?
        return JSCheckScriptSyntax(context, script, url, 1, &exception) ? nil : exception
    }

    /// Calls a function of the runtime; promises that are settled by it go on before this returns.
    @discardableResult
    func call(_ function: String, _ arguments: [ScriptArgument] = []) throws(Thrown) -> JSValueRef? {
        var exception: JSValueRef?
        // The callee is a member of the runtime, and as such is not collected.
        guard let callee = member(function) else { return nil }
        let value = Self.call(callee, of: runtime, with: arguments, in: context, &exception)
        if let exception { throw Thrown(value: exception) }
        return value
    }

    /// Calls `function` with arguments that are made in a buffer on the stack: the engine's collector looks for what is
    /// still in use there and in registers, not in Swift's arrays.
    private static func call(
        _ function: JSObjectRef,
        of receiver: JSObjectRef?,
        with arguments: [ScriptArgument],
        in context: JSContextRef,
        _ exception: UnsafeMutablePointer<JSValueRef?>?
    ) -> JSValueRef? {
        withUnsafeTemporaryAllocation(of: JSValueRef?.self, capacity: max(1, arguments.count)) { buffer in
            buffer.initialize(repeating: nil)
            for (index, argument) in arguments.enumerated() { buffer[index] = argument.value(in: context) }
            return JSObjectCallAsFunction(context, function, receiver, arguments.count, buffer.baseAddress, exception)
        }
    }

    private func member(_ name: String) -> JSObjectRef? { member(name, of: runtime) }

    func member(_ name: String, of object: JSObjectRef) -> JSValueRef? {
        guard let key = makeString(name) else { return nil }
        defer { JSStringRelease(key) }
        return JSObjectGetProperty(context, object, key, nil)
    }

    /// A member of an object as text; nil when there is none.
    func text(_ name: String, of value: JSValueRef) -> String? {
        guard let object = JSValueToObject(context, value, nil), let key = makeString(name) else { return nil }
        defer { JSStringRelease(key) }
        guard let member = JSObjectGetProperty(context, object, key, nil), !JSValueIsUndefined(context, member) else {
            return nil
        }
        return utf8(of: member, in: context).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// What a function of the engine is called with, as long as the engine has no value for it yet.
enum ScriptArgument {
    case number(Double)
    case bool(Bool)
    case text(String)
    /// UTF-8.
    case utf8([UInt8])
    /// A string with a character for each byte.
    case binary([UInt8])
    case function(JSObjectCallAsFunctionCallback)
    case global
    /// A value of the engine's that has only just been made: nothing keeps it but the caller's stack.
    case value(JSValueRef?)

    static func number(_ value: some BinaryInteger) -> ScriptArgument { .number(Double(value)) }
    static func bytes(_ bytes: some Collection<UInt8>) -> ScriptArgument { .utf8(Array(bytes)) }

    fileprivate func value(in context: JSContextRef) -> JSValueRef? {
        switch self {
        case .number(let number): JSValueMakeNumber(context, number)
        case .bool(let bool): JSValueMakeBoolean(context, bool)
        case .text(let text): context.value(text)
        case .utf8(let bytes): context.value(bytes)
        case .binary(let bytes): context.bytes(bytes)
        case .function(let callback): JSObjectMakeFunctionWithCallback(context, nil, callback)
        case .global: JSContextGetGlobalObject(context)
        case .value(let value): value
        }
    }
}
