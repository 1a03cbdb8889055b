package import FlowEngine
package import FlowLanguage

extension SourceArchive {
    /// The app of a version's own files, for runs that began with them.
    ///
    /// Gone when its files were not kept or do not compile any more, and when the app of today lacks what they counted
    /// on: a column, or the payments of the same orders.
    package static func app(
        of version: FlowVersion,
        today: App,
        _ catalogue: Catalogue,
        in reader: any StoreReader
    ) throws(StoreError) -> EarlierApp {
        let files: [SourceFile]?
        do throws(StoreError) {
            files = try self.files(of: version, in: reader)
        } catch {
            // Damage of a record is the affair of the runs that need it.
            guard error.code == .corrupt else { throw error }
            return .gone(error.message)
        }
        guard let files else { return .gone("its files were not kept") }
        let compilation = AppCompiler(catalogue: catalogue).compile(files)
        guard let app = compilation.app else {
            let first = compilation.diagnostics.first { $0.severity == .error }
            return .gone("its files do not compile any more: \(first?.message ?? "")")
        }
        guard app.flows.values.contains(where: { $0.version.isMeant(by: version) }) else {
            return .gone("its files are not those that it was made of")
        }
        if let misfit = today.misfit(with: app) { return .gone(misfit) }
        return .found(app)
    }
}

extension App {
    /// What flows of an earlier app would not find any more of their tables, connections and orders.
    fileprivate func misfit(with earlier: App) -> String? {
        for table in earlier.tables {
            guard let now = self.table(named: table.name) else { return "the app has no table '\(table.name)' now" }
            for column in table.columns
            where !now.columns.contains(where: { $0.name == column.name && $0.type == column.type }) {
                return "the table '\(table.name)' has no column '\(column.name)' of type \(column.type.rawValue) now"
            }
        }
        for connection in earlier.connections
        where self.connection(named: connection.name)?.service != connection.service {
            return "the app has no connection '\(connection.name)' of service \(connection.service) now"
        }
        guard let orders = earlier.payments?.orderTable, orders != payments?.orderTable else { return nil }
        return "the app's payments do not belong to orders of '\(orders)' now"
    }
}
