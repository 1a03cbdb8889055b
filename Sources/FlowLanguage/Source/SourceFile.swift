/// One file of an app, as it was read.
package struct SourceFile: Sendable, Hashable {
    /// As findings print it, relative to where the command was called.
    package var path: String
    package var bytes: [UInt8]

    package init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
    }
}
