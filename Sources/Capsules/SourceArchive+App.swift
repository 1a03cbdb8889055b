package import FlowEngine
package import FlowLanguage

extension SourceArchive {
    /// The app of a version's own files, for runs that began with them.
    ///
    /// Nil when its files were not kept or do not compile any more, and when the app of today lacks what they counted
    /// on: a column, or the payments of the same orders.
    package static func app(
        of version: FlowVersion,
        today: App,
        _ catalogue: Catalogue,
        in reader: any StoreReader
    ) throws(StoreError) -> App? {
        let files: [SourceFile]?
        do throws(StoreError) {
            files = try self.files(of: version, in: reader)
        } catch {
            // Damage of a record is the affair of the runs that need it.
            guard error.code == .corrupt else { throw error }
            return nil
        }
        guard let files, let app = AppCompiler(catalogue: catalogue).compile(files).app,
            app.flows.values.contains(where: { $0.version == version }), today.holds(whatIsIn: app)
        else { return nil }
        return app
    }
}

extension App {
    /// Whether flows of an earlier app still find their tables, connections and orders.
    fileprivate func holds(whatIsIn earlier: App) -> Bool {
        let haveTables = earlier.tables.allSatisfy { table in
            guard let now = self.table(named: table.name) else { return false }
            return table.columns.allSatisfy { column in
                now.columns.contains { $0.name == column.name && $0.type == column.type }
            }
        }
        let haveConnections = earlier.connections.allSatisfy { connection(named: $0.name)?.service == $0.service }
        return haveTables && haveConnections
            && (earlier.payments == nil || earlier.payments?.orderTable == payments?.orderTable)
    }
}
