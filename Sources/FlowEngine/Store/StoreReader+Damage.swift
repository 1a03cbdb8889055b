// What a damaged row must not do to other runs: it fails its own run alone.
extension StoreReader {
    /// The run; nil also when its row cannot be read.
    func readableRun(_ id: RunID) throws(StoreError) -> RunRecord? {
        try unlessCorrupt { () throws(StoreError) in try run(id) }
    }

    /// Where the run stands; nil also when its row cannot be read.
    func readableStatus(of id: RunID) throws(StoreError) -> RunStatus? {
        try unlessCorrupt { () throws(StoreError) in try status(of: id) }
    }

    private func unlessCorrupt<Result>(_ read: () throws(StoreError) -> Result?) throws(StoreError) -> Result? {
        do throws(StoreError) {
            return try read()
        } catch {
            guard error.code == .corrupt else { throw error }
            return nil
        }
    }
}
