#if DEBUG
    import CJavaScriptCore
    import CSandbox
    import CodeFrames

    /// What test builds of the worker can do to show that a wall is what holds.
    enum TestBuild {
        /// Starts this program again with the options that only count from the start.
        static func restartWithoutWalls(_ options: WorkerOptions) {
            var environment = WorkerInvocation.environment
            if !options.has(.executableMemory) { environment.removeAll { $0.hasPrefix("JSC_useJIT") } }
            if !options.has(.webAssembly) { environment.removeAll { $0.hasPrefix("JSC_useWasm") } }
            if !options.has(.environment) { environment.append("RUNNEL_KEY=the server's own") }
            guard environment != WorkerInvocation.environment, !CommandLine.arguments.contains("again") else { return }
            let words = CommandLine.arguments + ["again"]
            sandbox_restart(words.withTerminatedStrings(), environment.withTerminatedStrings())
        }

        /// A function of another realm, whose global object holds what code must never reach: `host`.
        ///
        /// What careless sandboxes hand to code, and what most escapes from them begin with.
        static func plant(in context: JSGlobalContextRef, group: JSContextGroupRef) {
            guard let outer = JSGlobalContextCreateInGroup(group, nil) else { return }
            let power = JSObjectMakeFunctionWithCallback(outer, nil) { context, _, _, count, arguments, _ in
                guard let context, let arguments, count == 2 else { return nil }
                let words = (0..<2).map { index in
                    utf8(of: arguments[index], in: context).map { String(decoding: $0, as: UTF8.self) } ?? ""
                }
                guard let text = sandbox_power(words[0], words[1]) else { return JSValueMakeNull(context) }
                return context.value(String(cString: text))
            }
            set("host", of: JSContextGetGlobalObject(outer), to: power, in: outer)
            let script = makeString(
                "({ log(first) { return first; }, get level() { return 1; }, list: [1], at: new Date(0) })"
            )
            let gift = JSEvaluateScript(outer, script, nil, nil, 1, nil)
            JSStringRelease(script)
            set("console", of: JSContextGetGlobalObject(context), to: gift, in: context)
        }

        private static func set(
            _ name: String,
            of object: JSObjectRef?,
            to value: JSValueRef?,
            in context: JSContextRef?
        ) {
            guard let key = makeString(name) else { return }
            JSObjectSetProperty(context, object, key, value, 0, nil)
            JSStringRelease(key)
        }
    }

    extension [String] {
        /// For a program that is about to replace this one: never freed.
        fileprivate func withTerminatedStrings() -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> {
            let list = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: count + 1)
            for (index, word) in enumerated() { list[index] = sandbox_copy(word) }
            list[count] = nil
            return list
        }
    }
#endif
