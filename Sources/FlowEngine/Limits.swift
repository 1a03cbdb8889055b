import FlowLanguage

/// Every bound of the engine, with its reason.
package enum Limits {
    /// Pure blocks between two effects: they run on the writer's thread, and their trace is written with the effect.
    ///
    /// A loop with as many turns as a loop may take has room for four in each; where a turn ends counts for none.
    package static let pureBlocksBetweenEffects = 4 * FlowLanguage.Limits.turnsPerLoop
    /// Passages through blocks in one run: backward jumps end somewhere.
    package static let blocksPerRun = 100_000
    /// Blocks with an effect in one turn: a long run gives the writer back to the others.
    package static let effectsPerTurn = 200
    /// What a run computes in one turn, in steps of evaluations, of some 10 ns each: it holds the writer for
    /// milliseconds, and longer only for one evaluation that takes more alone.
    package static let stepsPerTurn = 300_000
    /// What passing a block counts for beside its evaluations.
    static let stepsPerBlock = 100
    /// Jobs in one group: a longer transaction makes the first caller wait for no better throughput.
    package static let jobsPerGroup = 256
    /// Groups that keep their jobs apart by savepoints after one failed: who makes jobs fail on purpose makes few groups
    /// run twice.
    static let guardedGroups = 32
    /// Jobs that wait for the writer; beyond it intake is refused, before memory grows.
    package static let waitingJobs = 10_000
    /// Runs in memory at once.
    package static let places = 256
    /// Runs that one schedule starts at once when it makes up for missed moments; the rest follows.
    package static let ticksPerLook = 500
    /// How late a scheduled moment may come and still count as kept.
    package static let tickDelay = Duration.seconds(60)
    /// The most places that one flow holds: another flow finds one, however many runs of the first one wait.
    package static let placesPerFlow = 192
    /// Runs that start each other by changes of tables, one behind the other: a loop ends somewhere.
    package static let changeChain = 16
    /// Runs that start each other by `run-flow` without waiting, each at once: a loop ends before it fills the disk.
    package static let startChain = 1_000
    /// A run that has gone on for so long and then starts another one begins a chain of its own.
    static let startChainPause = Duration.seconds(1)
    /// Rows that one block changes in a table whose changes start flows: each may start a run.
    package static let rowsPerTriggeringChange = 1_000
    /// A concurrency key, as JSON in UTF-8 bytes: it is an index's entry.
    package static let concurrencyKeyBytes = 512
    /// Effects that are listed one by one when a run is to be done again; of more, people read the number.
    package static let repeatsListed = 100
    /// What `finally` may still take when the run or a block around it is out of time: a limit has to be one.
    static let cleanupTime = Duration.seconds(300)
    /// Sub-flows and branches within each other.
    package static let subflowDepth = 16
    /// Runs of which it is kept in memory where they began their branches; of others it is found again on disk.
    package static let branchOrigins = 512
    /// Times one request is sent before the run gives up or parks.
    package static let sends = 8
    /// How long after it was first sent a request that may have been executed is sent again by itself: Stripe keeps keys
    /// for 24 hours, and whoever has forgotten a key executes its request once more.
    static let keyedResending = Duration.seconds(23 * 3_600)
    /// Before the engine looks for due runs again, where a look failed.
    static let pauseBeforeLook = Duration.seconds(1)
    /// Requests of one command block.
    package static let callsPerCommand = 16
    /// Crashes of a run that was alone before it is quarantined.
    package static let strikes = 3
    /// Log lines and their fields are cut here, in Unicode scalars: one line must not flood the log.
    package static let logTextLength = 8_192
    /// Of the lines between two effects, in bytes: behind that each is cut to `logTextBrief`.
    package static let logBytes = 1 << 20, logTextBrief = 200
    /// An idempotency key of a page call, in UTF-8 bytes (Stripe's own limit).
    package static let idempotencyKeyBytes = 255
    /// The key of an event, in UTF-8 bytes.
    package static let eventKeyBytes = 255
    /// Days for which an event waits for runs that wait for it.
    package static let eventDays = 30
}
