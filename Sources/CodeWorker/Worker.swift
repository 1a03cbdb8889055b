import CJavaScriptCore
import CSandbox
import CodeFrames

/// The worker's life: walls, proof, then one frame after the other.
@main
struct Worker {
    static func main() {
        let options = WorkerOptions(Array(CommandLine.arguments.dropFirst()))
        #if DEBUG
            TestBuild.restartWithoutWalls(options)
        #endif
        // An argument of a megabyte is copied a few times on its way.
        sandbox_keep_freed_memory(8 << 20)
        var walls = Walls(options)
        walls.closeProcess()
        refuse(without: walls, options)
        guard let engine = ScriptEngine(hasBareContexts: options.has(.bareContext)) else { refuse("memory") }
        engine.reusesContext = !options.has(.freshContext)
        engine.hasTimeLimit = options.has(.time)
        EngineAllocator.keepFreedPages()
        walls.proveEngine(engine)
        engine.prepare()
        engine.makeBuffer()
        let resident = sandbox_resident_bytes()
        walls.capMemory()
        walls.closeKernel()
        refuse(without: walls, options)
        let ready = ReadyFrame(
            missing: walls.missing.sorted { $0.rawValue < $1.rawValue },
            landlockABI: walls.landlockABI,
            residentBytes: Int(resident)
        )
        Pipe.write(ready.frame)
        serve(engine)
    }

    private static func refuse(without walls: Walls, _ options: WorkerOptions) {
        let vital = walls.missing.filter { !$0.isOptional }
        if !options.isUnproved, let wall = vital.map(\.rawValue).sorted().first { refuse(wall) }
    }

    /// Runs no code: a wall is missing.
    private static func refuse(_ wall: String) -> Never {
        Pipe.write(CodeProblemFrame(code: "code-wall-missing", message: wall).frame)
        sandbox_exit(WorkerInvocation.missingWall)
    }

    private static func serve(_ engine: ScriptEngine) -> Never {
        var call: RunningCall?
        var calls = 0
        while true {
            let frame = Pipe.read()
            switch frame.kind {
            case .call:
                guard let request = CodeCallFrame(frame.payload), let script = engine.takeContext() else {
                    sandbox_exit(1)
                }
                let started = RunningCall(request, engine: engine, script: script)
                call = started
                calls += 1
                started.start()
            case .answer:
                guard let answer = HostAnswerFrame(frame.payload), let running = call, !running.isOver else {
                    sandbox_exit(1)
                }
                running.answer(answer)
            case .drop:
                call = nil
            case .check:
                var reader = FieldReader(frame.payload)
                guard let sources = CodeSource.read(&reader) else { sandbox_exit(1) }
                check(sources, engine)
            #if DEBUG
                case .attempt:
                    let result = sandbox_attempt(String(decoding: frame.payload, as: UTF8.self))
                    Pipe.write(Frame(.attempted) { $0.write(Int(result)) })
            #endif
            default: sandbox_exit(1)
            }
            if call?.isOver ?? true {
                if call?.isSpent == true { sandbox_exit(WorkerInvocation.spent) }
                call = nil
                engine.prepare()
                if calls % 32 == 0, frame.kind == .call || frame.kind == .answer { engine.sweep() }
            }
        }
    }

    private static func check(_ sources: [CodeSource], _ engine: ScriptEngine) {
        guard let script = engine.takeContext() else { sandbox_exit(1) }
        for (index, source) in sources.enumerated() {
            let isBody = index == sources.count - 1
            let texts =
                isBody
                ? [
                    RunningCall.opening + source.text + RunningCall.closing,
                    RunningCall.otherOpening + source.text + RunningCall.otherClosing,
                ] : [source.text]
            let errors = texts.lazy.compactMap { script.syntaxError(of: $0, name: SourceName.of(index)) }
            guard let error = errors.first else { continue }
            let place = SourceName.place(
                source: SourceName.of(index),
                line: script.text("line", of: error),
                column: script.text("column", of: error),
                in: sources
            )
            let message = utf8(of: error, in: script.context).map { String(decoding: $0, as: UTF8.self) }
            let problem = CodeProblemFrame(
                code: "code-syntax",
                message: message ?? "SyntaxError",
                stack: place.map { [$0] } ?? []
            )
            return Pipe.write(problem.frame)
        }
        Pipe.write(Frame(.parsed))
    }
}
