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

    /// - Returns: Nil when the engine has no memory left for it.
    init?(in group: JSContextGroupRef, native: JSObjectCallAsFunctionCallback) {
        guard let context = JSGlobalContextCreateInGroup(group, nil) else { return nil }
        self.context = context
        let function = JSObjectMakeFunctionWithCallback(context, nil, native)
        guard
            let make = JSEvaluateScript(context, Self.program, nil, nil, 1, nil),
            let made = JSObjectCallAsFunction(
                context,
                make,
                nil,
                2,
                [function, JSContextGetGlobalObject(context)],
                nil
            ), JSValueIsObject(context, made)
        else {
            JSGlobalContextRelease(context)
            return nil
        }
        runtime = made
        JSValueProtect(context, runtime)
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
    func call(_ function: String, _ arguments: [JSValueRef?]) throws(Thrown) -> JSValueRef? {
        guard let name = makeString(function) else { return nil }
        defer { JSStringRelease(name) }
        var exception: JSValueRef?
        let callee = JSObjectGetProperty(context, runtime, name, &exception)
        let value = JSObjectCallAsFunction(context, callee, runtime, arguments.count, arguments, &exception)
        if let exception { throw Thrown(value: exception) }
        return value
    }

    /// Lets the code see the Stripe client, which is made at its first look.
    func allowStripe() throws(Thrown) {
        let make = JSObjectMakeFunctionWithCallback(context, nil) { context, _, _, _, _, exception in
            guard
                let client = JSEvaluateScript(context, ScriptContext.stripeProgram, nil, nil, 1, exception),
                let table = context?.value(StripeTable.bytes)
            else { return nil }
            return JSObjectCallAsFunction(context, client, nil, 1, [table], exception)
        }
        try call("stripe", [make])
    }

    func number(_ value: Int) -> JSValueRef? { JSValueMakeNumber(context, Double(value)) }
    func bool(_ value: Bool) -> JSValueRef? { JSValueMakeBoolean(context, value) }

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
