import CCurl

extension HTTPClient {
    /// The versions of the system's libcurl and of what it stands on, as curl prints them.
    package static var libraryVersion: String { curl_version().map { String(cString: $0) } ?? "unknown" }
}
