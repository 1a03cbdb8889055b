package import CodeFrames
package import Connections
package import FlowEngine
package import FlowLanguage
import Foundation
import Synchronization

/// Runs code blocks in workers that are kept warm: as many at once as there are cores, the others wait their turn.
///
/// A worker whose code waits for an answer keeps its place without using a core. When more places are needed than there
/// are, the code that has waited longest is forgotten: the engine's answers bring it back to where it was.
package final class CodePool: CodeRunner, Sendable {
    package struct Configuration: Sendable {
        /// The worker's program.
        package var executable: String
        /// Calls that run at once.
        package var cores: Int
        /// Calls of one worker before it is replaced.
        package var callsPerWorker = 1_000
        /// Calls that wait for a core; beyond it they fail at once.
        package var waiting = 10_000
        /// For the worker, after its budget; test builds alone understand any.
        package var options: [String] = []

        package init(executable: String, cores: Int = ProcessInfo.processInfo.activeProcessorCount) {
            self.executable = executable
            self.cores = max(1, cores)
        }
    }

    private struct Place: Sendable {
        let thread: WorkerThread
        /// The code whose worker waits here for an answer.
        var session: (job: JobName, state: CodeConversation.State)?
        var isRunning = false
        /// When it was last given back, counted.
        var turn = 0
    }

    private struct JobName: Sendable, Hashable {
        var owner: CodeOwner
        var address: EntryAddress

        init(_ job: CodeJob) {
            owner = job.owner
            address = job.address
        }
    }

    private struct State: Sendable {
        var places: [Place] = []
        var running = 0
        var turns = 0
        var queue: [CheckedContinuation<Void, Never>] = []
        var counts = Counts()
    }

    /// What happened so far; for tests and metrics.
    package struct Counts: Sendable, Hashable {
        package var started = 0
        /// Calls that went on in the worker that had them.
        package var continued = 0
        /// Waiting code whose place was given to other code.
        package var evicted = 0
    }

    private let configuration: Configuration
    private let translation: HostCallTranslation
    private let state = Mutex(State())

    /// Code gives its own keys to `credentials`, which the sending service shares; `fetch` reaches the hosts that the
    /// connections of service `http` name.
    package init(
        _ configuration: Configuration,
        credentials: ExplicitCredentials = ExplicitCredentials(),
        connections: [ConnectionDeclaration] = []
    ) {
        self.configuration = configuration
        translation = HostCallTranslation(credentials: credentials, connections: connections)
    }

    deinit {
        for place in state.withLock({ $0.places }) { place.thread.stop() }
    }

    package var counts: Counts { state.withLock { $0.counts } }

    // MARK: CodeRunner

    package func advance(_ job: CodeJob, answers: [CodeAnswer]) async -> CodeProgress {
        guard await enter() else {
            return CodeProgress(.failed(.code("code-overloaded", "too much code waits for its turn", retryable: true)))
        }
        let (index, thread, session) = take(job, answers: answers.count)
        let conversation = CodeConversation(job: job, answers: answers, translation: translation, session)
        let configuration = configuration
        let (progress, left) = await withCheckedContinuation { continuation in
            thread.submit { worker in
                continuation.resume(returning: conversation.run(&worker, configuration))
            }
        }
        give(index, job, left)
        return progress
    }

    package func forget(_ job: CodeJob) {
        state.withLock { state in
            for index in state.places.indices where state.places[index].session?.job == JobName(job) {
                // The next code of this place tells the worker.
                state.places[index].session = nil
                state.places[index].turn = 0
            }
        }
    }

    // MARK: Turns

    /// Waits for a core.
    private func enter() async -> Bool {
        enum Verdict { case goes, waits, refused }
        let isQueueFull = state.withLock { $0.queue.count >= configuration.waiting }
        if isQueueFull { return false }
        await withCheckedContinuation { continuation in
            let goes = state.withLock { state in
                if state.running < configuration.cores {
                    state.running += 1
                    return true
                }
                state.queue.append(continuation)
                return false
            }
            if goes { continuation.resume() }
        }
        return true
    }

    /// The place that has the job's code, else the best other one.
    private func take(
        _ job: CodeJob,
        answers: Int
    ) -> (index: Int, thread: WorkerThread, session: CodeConversation.State?) {
        let name = JobName(job)
        return state.withLock { state in
            let places = state.places
            let own = places.firstIndex {
                !$0.isRunning && $0.session?.job == name && ($0.session?.state.answers ?? 0) <= answers
            }
            if let own {
                state.counts.continued += 1
                let session = state.places[own].session?.state
                state.places[own].isRunning = true
                state.places[own].session = nil
                return (own, places[own].thread, session)
            }
            state.counts.started += 1
            let free = places.indices.first { !places[$0].isRunning && places[$0].session == nil }
            let index: Int
            if let free {
                index = free
            } else if places.count < 4 * configuration.cores {
                state.places.append(Place(thread: WorkerThread()))
                index = state.places.count - 1
            } else {
                // Fewer run than there are places, so one of them waits.
                let waiting = places.indices.filter { !places[$0].isRunning }
                index = waiting.min { places[$0].turn < places[$1].turn } ?? 0
                state.counts.evicted += 1
            }
            state.places[index].isRunning = true
            state.places[index].session = nil
            return (index, state.places[index].thread, nil)
        }
    }

    private func give(_ index: Int, _ job: CodeJob, _ left: CodeConversation.State?) {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.turns += 1
            state.places[index].isRunning = false
            state.places[index].turn = state.turns
            state.places[index].session = left.map { (JobName(job), $0) }
            guard state.queue.isEmpty else { return state.queue.removeFirst() }
            state.running -= 1
            return nil
        }
        next?.resume()
    }

    // MARK: Without a run

    /// Starts a worker if none is there, and tells about its walls.
    package func probe() async throws(WorkerError) -> WorkerReport {
        let result: Result<WorkerReport, WorkerError> = await onThread { worker, configuration in
            do throws(WorkerError) {
                let ready = try CodeConversation.worker(&worker, configuration, budget: 128).ready
                return .success(WorkerReport(ready))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Parses code without running it; nil: it parses.
    package func syntaxFailure(of sources: [CodeSource]) async throws(WorkerError) -> CodeProblemFrame? {
        let result: Result<CodeProblemFrame?, WorkerError> = await onThread { worker, configuration in
            do throws(WorkerError) {
                let running = try CodeConversation.worker(&worker, configuration, budget: 128)
                let outcome = running.exchange(CodeSource.checkFrame(sources), .start) { _ in }
                switch outcome {
                case .frame(let frame) where frame.kind == .parsed: return .success(nil)
                case .frame(let frame): return .success(CodeProblemFrame(frame.payload))
                case .died(let death): return .failure(WorkerError("the code worker ended: \(death)"))
                }
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Does `body` with a worker, on a thread of its own.
    private func onThread<R: Sendable>(
        _ body: @escaping @Sendable (inout WorkerProcess?, Configuration) -> R
    ) async -> R {
        let thread = WorkerThread()
        let configuration = configuration
        defer { thread.stop() }
        return await withCheckedContinuation { continuation in
            thread.submit { worker in continuation.resume(returning: body(&worker, configuration)) }
        }
    }
}

/// What `runnel doctor` shows.
package struct WorkerReport: Sendable {
    /// The version of Landlock's interface; 0: the kernel has none.
    package var landlockABI: Int
    /// Each with its sentence, and whether the worker found it standing.
    package var walls: [(summary: String, stands: Bool)]

    init(_ ready: ReadyFrame) {
        landlockABI = ready.landlockABI
        walls = Wall.allCases.map { ($0.summary, !ready.missing.contains($0)) }
    }
}
