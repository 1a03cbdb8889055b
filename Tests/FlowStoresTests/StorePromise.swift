import Expressions
import FlowEngine
import FlowLanguage
import Testing

/// One promise every store keeps.
///
/// A new case is a new promise for all of them.
enum StorePromise: String, CaseIterable, Sendable {
    // Groups
    case aThrownErrorUndoesTheGroup
    case aFailedBlockIsUndoneAlone
    case savepointsNest
    case aReaderSeesFinishedGroupsOnly
    // Runs and journals
    case aRunIsReadAsItWasStarted
    case whatBecameOfARunIsReadBack
    case runsAreListedNewestFirst
    case aFinalRunNeverChanges
    case aGhostOfAnEarlierEpochWritesNothing
    case aTryHasOneEntry
    case anEntryIsFinishedOnce
    case anEntryIsReadAsItWasWritten
    case visitsAttemptsAndCallsHaveEntriesOfTheirOwn
    case anExcerptHasBothEndsAndWhatDidNotSucceed
    case anEntryIsFoundByItsAddress
    case branchesAreListedWhenAskedForOrInNeed
    case oneRunForOneIdempotencyKey
    case anonymousCallersShareTheirKeys
    // Scheduling
    case whatIsQueuedOrLeftRunningOrDueIsClaimable
    case aLaneLetsOneRunThrough
    case aLaneIsFreeWhenItsRunWaitsOrParks
    case theNextWakeTimeIsTheEarliest
    // Events
    case eventsAreSeenInOrderAndOnce
    case anEventMakesThoseDueWhoAwaitIt
    // Tables
    case aRowIsReturnedWholeAndReadBack
    case rulesOfTablesAreKept
    case conditionsFindTheirRows
    case rowsComeInTheOrderAskedFor
    case arithmeticIsDoneOnTheRow
    case systemTablesStampTheirRows
    case idsAreNeverGivenTwice
    // Deliveries
    case anEventIsRecordedOnceAndCounted
    case deliveriesAreFoundAndSettled
    // Retention
    case whatIsOverGoesAfterAWhile
    case aRunFromTheFutureHoldsUpNoPruning
    case aLongJournalGoesInSeveralGroups
    case whatARunWaitedForIsKeptAsLongAsTheRun
    // Settings, secrets, tokens, sources
    case settingsAndSecretsAreKept
    case tokensAreFoundByHashAndRevoked
    case aFlowSourceIsKeptOnce

    func check(_ store: any Store) async throws {
        switch self {
        case .aThrownErrorUndoesTheGroup: try await checkThrownErrorUndoesGroup(store)
        case .aFailedBlockIsUndoneAlone: try await checkFailedBlockIsUndoneAlone(store)
        case .savepointsNest: try checkSavepointsNest(store)
        case .aReaderSeesFinishedGroupsOnly: try await checkReaderSeesFinishedGroups(store)
        case .aRunIsReadAsItWasStarted: try checkRunIsReadAsStarted(store)
        case .whatBecameOfARunIsReadBack: try checkRunIsReadBack(store)
        case .runsAreListedNewestFirst: try checkRunsAreListed(store)
        case .aFinalRunNeverChanges: try checkFinalRun(store)
        case .aGhostOfAnEarlierEpochWritesNothing: try checkGhost(store)
        case .aTryHasOneEntry: try checkOneEntry(store)
        case .anEntryIsFinishedOnce: try checkFinishing(store)
        case .anEntryIsReadAsItWasWritten: try checkEntryIsReadAsWritten(store)
        case .visitsAttemptsAndCallsHaveEntriesOfTheirOwn: try checkAddresses(store)
        case .anExcerptHasBothEndsAndWhatDidNotSucceed: try checkExcerpts(store)
        case .anEntryIsFoundByItsAddress: try checkEntryAtAddress(store)
        case .branchesAreListedWhenAskedForOrInNeed: try checkBranchesAreListed(store)
        case .oneRunForOneIdempotencyKey: try checkIdempotencyKey(store)
        case .anonymousCallersShareTheirKeys: try checkAnonymousKey(store)
        case .whatIsQueuedOrLeftRunningOrDueIsClaimable: try checkClaimable(store)
        case .aLaneLetsOneRunThrough: try checkLane(store)
        case .aLaneIsFreeWhenItsRunWaitsOrParks: try checkFreeLane(store)
        case .theNextWakeTimeIsTheEarliest: try checkNextWakeTime(store)
        case .eventsAreSeenInOrderAndOnce: try checkEvents(store)
        case .anEventMakesThoseDueWhoAwaitIt: try checkWaking(store)
        case .aRowIsReturnedWholeAndReadBack: try checkRow(store)
        case .rulesOfTablesAreKept: try checkRules(store)
        case .conditionsFindTheirRows: try checkConditions(store)
        case .rowsComeInTheOrderAskedFor: try checkOrder(store)
        case .arithmeticIsDoneOnTheRow: try checkArithmetic(store)
        case .systemTablesStampTheirRows: try checkStamps(store)
        case .idsAreNeverGivenTwice: try checkIDs(store)
        case .anEventIsRecordedOnceAndCounted: try checkDelivery(store)
        case .deliveriesAreFoundAndSettled: try checkSettling(store)
        case .whatIsOverGoesAfterAWhile: try checkPruning(store)
        case .aRunFromTheFutureHoldsUpNoPruning: try checkPruningBehindOddRuns(store)
        case .aLongJournalGoesInSeveralGroups: try checkPruningOfLongJournals(store)
        case .whatARunWaitedForIsKeptAsLongAsTheRun: try checkPruningOfChildren(store)
        case .settingsAndSecretsAreKept: try checkSettings(store)
        case .tokensAreFoundByHashAndRevoked: try checkTokens(store)
        case .aFlowSourceIsKeptOnce: try checkSources(store)
        }
    }
}

@Suite("A SQLite store")
struct SQLiteStorePromiseTests {
    @Test("keeps every promise", arguments: StorePromise.allCases)
    func keeps(_ promise: StorePromise) async throws {
        try await withStore { store in try await promise.check(store) }
    }
}

// Groups
extension StorePromise {
    private func checkThrownErrorUndoesGroup(_ store: any Store) async throws {
        let refusal = StoreError(.corrupt, "enough")
        #expect(throws: refusal) {
            try store.writeGroup { transaction throws(StoreError) in
                try transaction.setSetting("a", [1])
                throw refusal
            }
        }
        let kept = try await store.read { reader throws(StoreError) in try reader.setting("a") }
        #expect(kept == nil)
    }

    private func checkFailedBlockIsUndoneAlone(_ store: any Store) async throws {
        try store.writeGroup { transaction throws(StoreError) in
            try transaction.setSetting("before", [1])
            let failure = code { () throws(StoreError) in
                try transaction.savepoint { () throws(StoreError) in
                    try transaction.setSetting("inside", [2])
                    _ = try transaction.insert(into: "orders", [("total", 0)])
                }
            }
            #expect(failure == .invalidValue)
            try transaction.setSetting("after", [3])
        }
        let kept = try await store.read { reader throws(StoreError) in
            [try reader.setting("before"), try reader.setting("inside"), try reader.setting("after")]
        }
        #expect(kept == [[1], nil, [3]])
    }

    private func checkSavepointsNest(_ store: any Store) throws {
        let rows = try store.write { transaction throws(StoreError) in
            try transaction.savepoint { () throws(StoreError) in
                _ = try transaction.insert(into: "orders", [("total", 1)])
                let failure = code { () throws(StoreError) in
                    try transaction.savepoint { () throws(StoreError) in
                        _ = try transaction.insert(into: "orders", [("total", 2)])
                        try transaction.savepoint { () throws(StoreError) in
                            _ = try transaction.insert(into: "orders", [("total", 3)])
                        }
                        // A reference to nobody: refused by the database itself.
                        _ = try transaction.insert(into: "orders", [("total", 4), ("customerId", 404)])
                    }
                }
                #expect(failure == .constraint)
                _ = try transaction.insert(into: "orders", [("total", 5)])
            }
            return try transaction.find(RecordQuery(table: "orders", where: [], limit: 10))
        }
        #expect(rows.map { $0["total"] } == [1, 5])
    }

    private func checkReaderSeesFinishedGroups(_ store: any Store) async throws {
        try store.writeGroup { transaction throws(StoreError) in try transaction.setSetting("a", [1]) }
        let seen = try await store.read { reader throws(StoreError) in
            let first = try reader.setting("a")
            // The writer goes on beside a snapshot, which does not see it.
            try store.writeGroup { transaction throws(StoreError) in try transaction.setSetting("a", [2]) }
            return [first, try reader.setting("a")]
        }
        #expect(seen == [[1], [1]])
        let later = try await store.read { reader throws(StoreError) in try reader.setting("a") }
        #expect(later == [2])
    }
}

// Settings, secrets, tokens, sources
extension StorePromise {
    private func checkSettings(_ store: any Store) throws {
        try store.writeGroup { transaction throws(StoreError) in
            try transaction.setSetting("empty", [])
            try transaction.setSetting("twice", [1])
            try transaction.setSetting("twice", [0, 255])
            try transaction.saveSealedSecret("b", [2])
            try transaction.saveSealedSecret("a", [1])
            try transaction.saveSealedSecret("a", [3])
            #expect(try transaction.setting("empty") == [])
            #expect(try transaction.setting("twice") == [0, 255])
            #expect(try transaction.setting("other") == nil)
            #expect(try transaction.secretNames() == ["a", "b"])
            #expect(try transaction.sealedSecret("a") == [3])
            #expect(try transaction.removeSecret("a"))
            #expect(try !transaction.removeSecret("a"))
            #expect(try transaction.sealedSecret("a") == nil)
        }
    }

    private func checkTokens(_ store: any Store) throws {
        let token = TokenRecord(
            id: "t1",
            hash: [1, 2],
            caller: Caller(id: "ann", roles: ["admin", "x y"]),
            createdAt: at(1)
        )
        try store.writeGroup { transaction throws(StoreError) in
            try transaction.insertToken(token)
            #expect(code { () throws(StoreError) in try transaction.insertToken(token) } == .constraint)
            #expect(try transaction.token(hash: [1, 2]) == token)
            #expect(try transaction.token(hash: [1]) == nil)
            #expect(try transaction.revokeToken(id: "t1", at: at(9)))
            #expect(try !transaction.revokeToken(id: "t1", at: at(10)))
            var revoked = token
            revoked.revokedAt = at(9)
            #expect(try transaction.tokens() == [revoked])
        }
    }

    private func checkSources(_ store: any Store) throws {
        try store.writeGroup { transaction throws(StoreError) in
            try transaction.saveFlowSource(FlowVersion("v"), Array("flow: a".utf8))
            try transaction.saveFlowSource(FlowVersion("v"), Array("flow: b".utf8))
            #expect(try transaction.flowSource(FlowVersion("v")) == Array("flow: a".utf8))
            #expect(try transaction.flowSource(FlowVersion("w")) == nil)
        }
    }
}
