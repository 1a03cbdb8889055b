/// Puts an answer together from the lines and pieces that libcurl hands over.
struct ResponseReader {
    private enum Place {
        case statusLine
        case fields
        /// After the empty line of a final answer; header lines that come now are trailers.
        case body
    }

    private var place = Place.statusLine
    private var status = 0
    private var headers = HTTPHeaders()
    private var body: [UInt8] = []
    /// Bytes of all header lines so far, interim answers and trailers included.
    private(set) var headBytes = 0

    /// Bytes of body so far.
    var bodyBytes: Int { body.count }

    /// The answer, once its head is whole; libcurl says when the body is.
    var response: HTTPResponse? {
        place == .body ? HTTPResponse(status: status, headers: headers, body: body) : nil
    }

    mutating func receiveBody(_ bytes: UnsafeRawBufferPointer) {
        body.append(contentsOf: bytes)
    }

    /// Takes one line with its line end.
    ///
    /// Text that is not UTF-8 is repaired: no header that is acted on needs it.
    mutating func receiveHeadLine(_ line: UnsafeRawBufferPointer) {
        headBytes += line.count
        let end = line.lastIndex { $0 != 0x0D && $0 != 0x0A }.map { $0 + 1 } ?? 0
        let content = line[..<end]
        switch place {
        case .statusLine: readStatus(content)
        case .fields where content.isEmpty: place = status >= 200 ? .body : .statusLine
        case .fields: readField(content)
        case .body: break
        }
    }

    private mutating func readStatus(_ line: Slice<UnsafeRawBufferPointer>) {
        let parts = line.split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: true)
        status = parts.count > 1 ? Int(String(decoding: parts[1], as: UTF8.self)) ?? 0 : 0
        headers = HTTPHeaders()
        place = .fields
    }

    private mutating func readField(_ line: Slice<UnsafeRawBufferPointer>) {
        if let first = line.first, first == 0x20 || first == 0x09 {
            headers.continueLast(Self.trimmed(line))
        } else if let colon = line.firstIndex(of: 0x3A) {
            let name = String(decoding: line[..<colon], as: UTF8.self)
            headers.add(name: name, value: Self.trimmed(line[(colon + 1)...]))
        }
    }

    private static func trimmed(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
        let isText = { (byte: UInt8) in byte != 0x20 && byte != 0x09 }
        guard let first = bytes.firstIndex(where: isText), let last = bytes.lastIndex(where: isText) else { return "" }
        return String(decoding: bytes[first...last], as: UTF8.self)
    }
}
