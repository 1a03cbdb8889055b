import FlowLanguage
import Foundation
import Testing

@Suite("Folders of apps")
struct AppFolderTests {
    private func withFolder(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "runnel folder \(ProcessInfo.processInfo.globallyUniqueString)"
        )
        try FileManager.default.createDirectory(
            at: folder.appendingPathComponent("flows"),
            withIntermediateDirectories: true
        )
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    private func write(_ text: String, _ folder: URL, _ name: String) throws {
        try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    }

    @Test("app.yaml comes first, then the flows by name; other files are not read")
    func order() throws {
        try withFolder { folder in
            for name in ["app.yaml", "flows/b.yaml", "flows/a.yaml", "flows/.hidden.yaml", "flows/note.txt"] {
                try write("x: 1", folder, name)
            }
            let files = try AppFolder.read(folder.path)
            #expect(
                files.map { $0.path.dropFirst(folder.path.count + 1) } == ["app.yaml", "flows/a.yaml", "flows/b.yaml"]
            )
        }
    }

    @Test("a folder without app.yaml, and no folder at all, are refused by code")
    func missing() throws {
        try withFolder { folder in
            #expect(throws: AppFolderError.self) { try AppFolder.read(folder.path) }
            let missing = folder.path + "/nothing"
            do throws(AppFolderError) {
                _ = try AppFolder.read(missing)
                Issue.record("read")
            } catch {
                #expect(error.code == .notFound)
            }
        }
    }

    @Test("a link that leads out of the app is refused")
    func link() throws {
        try withFolder { folder in
            try write("app: a", folder, "app.yaml")
            let link = folder.appendingPathComponent("flows/evil.yaml")
            try FileManager.default.createSymbolicLink(
                at: link,
                withDestinationURL: URL(fileURLWithPath: "/etc/passwd")
            )
            do throws(AppFolderError) {
                _ = try AppFolder.read(folder.path)
                Issue.record("read")
            } catch {
                #expect(error.code == .leavesApp)
                #expect(error.path.hasSuffix("flows/evil.yaml"))
            }
        }
    }

    @Test("files that are larger together than an app may be are refused")
    func total() throws {
        try withFolder { folder in
            try write("app: a", folder, "app.yaml")
            let megabyte = String(repeating: "#", count: Limits.fileBytes)
            let count = Limits.appBytes / Limits.fileBytes
            for number in 0..<count - 1 { try write(megabyte, folder, "flows/f\(number).yaml") }
            try write(String(megabyte.dropLast("app: a".utf8.count)), folder, "flows/last.yaml")
            #expect(try AppFolder.read(folder.path).count == count + 1)
            try write(String(megabyte.dropLast("app: a".utf8.count - 1)), folder, "flows/last.yaml")
            do throws(AppFolderError) {
                _ = try AppFolder.read(folder.path)
                Issue.record("read")
            } catch {
                #expect(error.code == .tooLarge)
            }
        }
    }

    @Test("of a file of 20 MB one byte more than allowed is read, and the compiler refuses it")
    func huge() throws {
        try withFolder { folder in
            try write("app: a", folder, "app.yaml")
            try write(String(repeating: "a: b\n", count: 4 << 20), folder, "flows/big.yaml")
            let files = try AppFolder.read(folder.path)
            #expect(files[1].bytes.count == Limits.fileBytes + 1)
            let compilation = AppCompiler(catalogue: TestApp.catalogue).compile(files)
            #expect(compilation.diagnostics.map(\.code) == ["file.too-large"])
        }
    }
}
