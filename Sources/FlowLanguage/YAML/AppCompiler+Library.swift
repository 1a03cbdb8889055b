import CYAML

extension AppCompiler {
    /// The version of the system's libyaml that this process has loaded.
    package static var yamlLibraryVersion: String {
        yaml_get_version_string().map { String(cString: $0) } ?? "unknown"
    }
}
