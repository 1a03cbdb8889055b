import CCurl

/// Scheme, host and port of a URL, as libcurl reads them.
///
/// Whoever compares a URL's host with a list must use this and no other parser: two parsers that disagree about where
/// the host ends are a hole.
package struct HTTPOrigin: Sendable, Hashable, CustomStringConvertible {
    /// `http` or `https`.
    package let scheme: String
    /// Lower case; an IPv6 address in brackets; an IPv4 address in dotted form however it was written.
    package let host: String
    /// The port written, or the scheme's own.
    package let port: Int

    /// Reads the origin of an absolute URL.
    ///
    /// - Throws: `.malformedRequest` if the URL is longer than 64 KiB, not ASCII, not `http` or `https`, names a user,
    ///   has no host, or is not a URL.
    package init(ofURL url: String) throws(HTTPError) {
        guard url.utf8.count <= HTTPRequestCheck.urlBytesMax else { throw .malformedRequest("the URL is too long") }
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw .malformedRequest("the URL holds a character that is not printable ASCII")
        }
        // libcurl takes three slashes for two, and so reads a host where others read a path.
        guard !url.prefix(9).contains(":///") else { throw .malformedRequest("the URL has no host") }
        guard let parts = URLParts() else {
            throw HTTPError(.unusable, requestMayHaveBeenSent: false)
        }
        guard parts.read(url) else { throw .malformedRequest("the URL is not valid, or names a user") }
        guard let scheme = parts.text(of: CURLUPART_SCHEME), scheme == "http" || scheme == "https" else {
            throw .malformedRequest("the URL's scheme is not http or https")
        }
        guard let host = parts.text(of: CURLUPART_HOST), !host.isEmpty, let port = parts.text(of: CURLUPART_PORT),
            let number = Int(port), (1...65_535).contains(number)
        else { throw .malformedRequest("the URL has no usable host or port") }
        self.scheme = scheme
        self.host = host.lowercased()
        self.port = number
    }

    /// The absolute URL that a reference, such as a redirect's `Location`, names when it comes with the URL `base`.
    ///
    /// Its fragment is left out. It is checked no further: whoever sends a request there reads its origin first.
    ///
    /// - Throws: `.malformedRequest` if either is no URL or the reference names a user.
    package static func resolve(_ reference: String, from base: String) throws(HTTPError) -> String {
        _ = try HTTPOrigin(ofURL: base)
        guard reference.utf8.count <= HTTPRequestCheck.urlBytesMax else {
            throw .malformedRequest("the URL is too long")
        }
        guard let parts = URLParts() else { throw HTTPError(.unusable, requestMayHaveBeenSent: false) }
        guard parts.read(base), parts.read(reference), let url = parts.whole else {
            throw .malformedRequest("the reference is not valid, or names a user")
        }
        _ = try HTTPOrigin(ofURL: url)
        return url
    }

    /// Host and port: `api.stripe.com:443`.
    package var authority: String { "\(host):\(port)" }

    /// The origin in the usual form, the port always written: `https://api.stripe.com:443`.
    package var description: String { "\(scheme)://\(authority)" }
}

/// Owns one libcurl URL handle.
private struct URLParts: ~Copyable {
    private let pointer: OpaquePointer

    init?() {
        guard let pointer = curl_url() else { return nil }
        self.pointer = pointer
    }

    deinit { curl_url_cleanup(pointer) }

    func read(_ url: String) -> Bool {
        curl_url_set(pointer, CURLUPART_URL, url, UInt32(CURLU_DISALLOW_USER)) == CURLUE_OK
    }

    /// The URL without its fragment.
    var whole: String? {
        guard curl_url_set(pointer, CURLUPART_FRAGMENT, nil, 0) == CURLUE_OK else { return nil }
        return text(of: CURLUPART_URL, flags: 0)
    }

    func text(of part: CURLUPart, flags: Int32 = CURLU_DEFAULT_PORT) -> String? {
        var copy: UnsafeMutablePointer<CChar>?
        guard curl_url_get(pointer, part, &copy, UInt32(flags)) == CURLUE_OK, let copy else { return nil }
        defer { curl_free(copy) }
        return String(cString: copy)
    }
}
