import CodeFrames
import Expressions
import FlowEngine
import FlowLanguage

/// One stretch of a call: from its start or its last answer to what it asks next, or its end.
///
/// Runs on a worker's thread.
struct CodeConversation: Sendable {
    /// Where the code stands in the worker that has it.
    struct State: Sendable {
        /// Host calls that were made and not answered, in their order.
        var asks: [Ask] = []
        /// Answers of the engine that were given.
        var answers = 0
        /// Host calls made so far; the worker counts them too, and is not trusted with it.
        var calls = 0
    }

    struct Ask: Sendable {
        var name: String
        var json: [UInt8]
    }

    private let job: CodeJob
    private let answers: [CodeAnswer]
    private let translation: HostCallTranslation
    private let session: State?
    /// Its worker ended by no fault of the code, as far as one can tell, and the code is run again from its start.
    private var isRepeated = false

    init(job: CodeJob, answers: [CodeAnswer], translation: HostCallTranslation, _ session: State?) {
        self.job = job
        self.answers = answers
        self.translation = translation
        self.session = session
    }

    /// - Returns: Also where the code stands, if the worker keeps it.
    func run(_ worker: inout WorkerProcess?, _ configuration: CodePool.Configuration) -> (CodeProgress, State?) {
        var talk = Talk(job: job, state: session ?? State())
        do throws(CodeEnd) {
            let running: WorkerProcess
            var frame: Frame
            if session != nil, let kept = worker {
                running = kept
                frame = try talk.move(running, nil, answers, translation)
            } else {
                do throws(WorkerError) {
                    running = try Self.worker(&worker, configuration, budget: job.block.limits.megabytes)
                } catch {
                    throw CodeEnd(.code("code-unavailable", error.description, retryable: true))
                }
                running.countCall()
                frame = try talk.exchange(running, try CallFrame.make(job))
                frame = try talk.move(running, frame, answers, translation)
            }
            switch frame.kind {
            case .waiting:
                let question = try talk.question(translation)
                return (CodeProgress(.asks(question), lines: talk.lines), talk.state)
            case .returned:
                return (
                    CodeProgress(.returned(try ReturnCheck(job.block).check(frame.payload)), lines: talk.lines), nil
                )
            default:
                throw CodeEnd(CodeProblem(job.block).failure(of: frame.payload))
            }
        } catch {
            if error.mayBeOthers, !isRepeated {
                // Code has no effect but by its host calls, whose answers are here.
                var again = CodeConversation(job: job, answers: answers, translation: translation, nil)
                again.isRepeated = true
                return again.run(&worker, configuration)
            }
            if error.endsWorker { worker?.end() }
            return (CodeProgress(.failed(error.failure), lines: talk.lines), nil)
        }
    }

    /// The thread's worker if it is still good, else a new one.
    static func worker(
        _ worker: inout WorkerProcess?,
        _ configuration: CodePool.Configuration,
        budget: Int
    ) throws(WorkerError) -> WorkerProcess {
        if let present = worker, present.isAlive, present.budget == budget,
            present.calls < configuration.callsPerWorker, !isWorn(present), present.comesForward()
        {
            present.tell(Frame(.drop))
            return present
        }
        worker?.end()
        let fresh = try WorkerProcess(configuration.executable, budget: budget, options: configuration.options)
        worker = fresh
        return fresh
    }

    /// What earlier calls left unswept would count against the next one's budget.
    private static func isWorn(_ worker: WorkerProcess) -> Bool {
        worker.residentBytes > worker.ready.residentBytes + (worker.budget << 20) / 4
    }
}

/// The end of a stretch by a failure.
struct CodeEnd: Error {
    var failure: BlockFailure
    /// The worker may still hold the code, or be in no good state.
    var endsWorker: Bool
    /// The worker was ended by somebody else, or perhaps by what earlier calls had left in it.
    var mayBeOthers: Bool

    init(_ failure: BlockFailure, endsWorker: Bool = false, mayBeOthers: Bool = false) {
        self.failure = failure
        self.endsWorker = endsWorker
        self.mayBeOthers = mayBeOthers
    }
}

/// The frames of one stretch.
private struct Talk {
    let job: CodeJob
    var state: CodeConversation.State
    var lines: [CodeLine] = []
    /// Processor time of the exchanges of this stretch; what earlier stretches used, the worker itself knows.
    private var allowance: WorkerProcess.Allowance {
        let limit = Duration.milliseconds(job.block.limits.milliseconds)
        return WorkerProcess.Allowance(
            processor: limit + .milliseconds(500),
            wall: limit * 100 + .seconds(100),
            frames: job.block.limits.logLines + job.block.limits.calls + 2
        )
    }

    init(job: CodeJob, state: CodeConversation.State) {
        self.job = job
        self.state = state
    }

    mutating func exchange(_ worker: WorkerProcess, _ frame: Frame) throws(CodeEnd) -> Frame {
        var asks: [CodeConversation.Ask] = []
        var lines: [CodeLine] = []
        let outcome = worker.exchange(frame, allowance) { frame in
            var reader = FieldReader(frame.payload)
            guard let word = reader.text(), let rest = reader.field() else { return }
            if frame.kind == .ask { asks.append(.init(name: word, json: Array(rest))) }
            if frame.kind == .log, let level = LogBlock.Level(rawValue: word) {
                lines.append(CodeLine(level: level, text: String(decoding: rest, as: UTF8.self)))
            }
        }
        state.asks += asks
        state.calls += asks.count
        guard state.calls <= job.block.limits.calls else {
            throw CodeEnd(
                .code("code-too-many-calls", "more than \(job.block.limits.calls) host calls"),
                endsWorker: true
            )
        }
        self.lines += lines
        switch outcome {
        case .frame(let frame): return frame
        case .died(let death):
            let isFirstCall = worker.calls == 1
            throw CodeEnd(
                CodeProblem(job.block).failure(of: death),
                mayBeOthers: death == .killed || death != .timedOut && !isFirstCall
            )
        }
    }

    /// Gives answers for as long as there are recorded ones; `last` handed the turn over, nil: the worker waits.
    mutating func move(
        _ worker: WorkerProcess,
        _ last: Frame?,
        _ answers: [CodeAnswer],
        _ translation: HostCallTranslation
    ) throws(CodeEnd) -> Frame {
        var frame = last ?? Frame(.waiting)
        while frame.kind == .waiting, let ask = state.asks.first {
            let call = try call(of: ask, translation)
            let outcome: CodeAnswer.Outcome
            if case .failure(let refusal) = translation.work(of: call, job) {
                // The same at every repetition: nothing of it need be recorded.
                outcome = .failure(refusal)
            } else {
                guard state.answers < answers.count else { return frame }
                let answer = answers[state.answers]
                guard answer.call == call.name, answer.arguments == .list(call.arguments) else {
                    throw CodeEnd(Self.divergence(call, answer, number: state.answers), endsWorker: true)
                }
                state.answers += 1
                outcome = answer.outcome
                // Lines up to here were released with the answer.
                lines = []
            }
            state.asks.removeFirst()
            frame = try exchange(worker, try AnswerFrame.make(outcome, job.block))
        }
        return frame
    }

    /// What the worker waits for.
    func question(_ translation: HostCallTranslation) throws(CodeEnd) -> CodeQuestion {
        guard let ask = state.asks.first else {
            throw CodeEnd(.code("code-crashed", "the worker waits for nothing"), endsWorker: true)
        }
        let call = try call(of: ask, translation)
        switch translation.work(of: call, job) {
        case .success(let work): return CodeQuestion(call: call.name, arguments: .list(call.arguments), work: work)
        case .failure(let refusal): throw CodeEnd(refusal, endsWorker: true)
        }
    }

    private func call(
        of ask: CodeConversation.Ask,
        _ translation: HostCallTranslation
    ) throws(CodeEnd) -> HostCall {
        do {
            guard case .list(let arguments) = try JSON.parse(ask.json) else {
                throw CodeEnd(.code("code-call-invalid", "\(ask.name): its arguments are none"), endsWorker: true)
            }
            return translation.call(ask.name, arguments)
        } catch let error as CodeEnd {
            throw error
        } catch {
            let place = JSONPlace.describe(ask.json, error)
            throw CodeEnd(.code("code-call-invalid", "\(ask.name): \(place)"), endsWorker: true)
        }
    }

    private static func divergence(_ call: HostCall, _ answer: CodeAnswer, number: Int) -> BlockFailure {
        let isOther = call.name != answer.call
        return .code(
            "code-diverged",
            "run again, the code made another host call than before: number \(number + 1) was \(answer.call)"
                + (isOther ? ", now it is \(call.name)" : " with other arguments")
                + "; code may depend on its arguments, on Date and Math.random, and on what host calls gave, on nothing else"
        )
    }
}

/// A host call as the code made it.
struct HostCall: Sendable, Hashable {
    var name: String
    var arguments: [Value]
}

extension BlockFailure {
    static func code(_ code: String, _ message: String, retryable: Bool = false) -> BlockFailure {
        BlockFailure(code: code, type: "code", message: message, retryable: retryable)
    }
}
