/// Every bound of the flow language, with its reason.
///
/// Each has a test at the bound and one beyond.
package enum Limits {
    /// Bytes of one file.
    ///
    /// A flow of a thousand blocks takes about 200 kB; more is data, not a flow.
    package static let fileBytes = 1 << 20
    /// Bytes of all files of an app together, so that a check stays a matter of a second.
    package static let appBytes = 16 << 20
    /// Files in `flows/`.
    package static let flowFiles = 500
    /// Lists and mappings inside each other.
    ///
    /// Readers recurse, so this bounds their stack.
    package static let yamlDepth = 64
    /// Nodes of one file, aliases expanded.
    package static let yamlNodes = 100_000
    /// Nodes of one file that come from aliases alone; anchors save typing, they do not multiply.
    package static let yamlAliasNodes = 10_000
    /// Blocks of one flow, nested ones included.
    ///
    /// The interpreter and the dashboard draw them all.
    package static let blocksPerFlow = 1_000
    /// Turns of one loop: what a run remembers of each is kept in memory and repeated at a replay.
    package static let turnsPerLoop = 10_000
    /// Turns of one `for-each` with `concurrency`: each is a run of its own, of which the loop keeps an entry.
    package static let concurrentTurnsInAll = 100_000
    /// Turns of one `for-each` that go on at once: each holds a place while it runs.
    package static let concurrentTurns = 100
    /// Branches of one `parallel`: all go on at once.
    package static let branchesPerParallel = 50
    /// Attempts of one block: each has its own entry in the journal.
    package static let attemptsPerBlock = 100
    /// Nanoseconds between two runs of a schedule with `every`: a leap year.
    package static let longestInterval: Int64 = 366 * 86_400 * 1_000_000_000
    /// Runs of one concurrency key that go at once; more are no limit at all.
    package static let concurrentRuns = 1_000
    /// Entries of one list of names or one mapping that is read name by name: roles, inputs, columns to set, an enum.
    package static let entries = 1_000
    /// Tables of one app.
    package static let tables = 200
    /// Events of one app.
    package static let events = 500
    /// Columns of one table; SQLite takes 2,000.
    package static let columnsPerTable = 200
    /// Indexes of one table beside those it has by itself; every write keeps all of them.
    package static let indexesPerTable = 16
    /// Columns of one index; behind the first few nothing is left to tell apart.
    package static let columnsPerIndex = 8
    /// Rows that one `find-records` may ask for; without a `limit` it wants all there are, and fails where there are more.
    package static let rowsPerFind = 1_000
    /// Test cases of one file; more are several files.
    package static let casesPerFile = 200
    /// Steps of one test case: each is settled before the next one begins.
    package static let stepsPerCase = 500
    /// Files in `tests/`.
    package static let caseFiles = 1_000
    /// Findings kept of one check.
    ///
    /// Behind the first hundred they seldom tell anything new.
    package static let findings = 500
    /// Findings printed in full.
    package static let findingsPrinted = 100
    /// Scalars of a source line that are printed around a finding.
    package static let lineScalarsPrinted = 120
}
