/// A file with the places of its lines: turns offsets into lines and columns.
///
/// Inside the compiler a place is a `Range<Int>` of UTF-8 offsets; lines and columns are counted only for what is
/// reported or kept in a graph.
final class SourceText: Sendable {
    let path: String
    let bytes: [UInt8]
    /// Where the text begins: behind a byte order mark, if there is one.
    let start: Int
    private let lineStarts: [Int]
    /// Characters before each multiple of `stride`, so that a column in a line of a megabyte is counted in few steps.
    private let checkpoints: [Int]
    private static let stride = 1_024

    init(_ file: SourceFile) {
        path = file.path
        bytes = file.bytes
        let first = file.bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        start = first
        var starts = [first]
        file.bytes.withUnsafeBufferPointer { bytes in
            var offset = first
            while offset < bytes.count {
                let byte = bytes[offset]
                offset += 1
                guard byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") else { continue }
                if byte == UInt8(ascii: "\r"), offset < bytes.count, bytes[offset] == UInt8(ascii: "\n") { offset += 1 }
                starts.append(offset)
            }
        }
        lineStarts = starts
        var count = 0
        var checkpoints: [Int] = []
        for (offset, byte) in file.bytes.enumerated() {
            if offset % Self.stride == 0 { checkpoints.append(count) }
            if byte & 0xC0 != 0x80 { count += 1 }
        }
        self.checkpoints = checkpoints
    }

    /// Characters before `offset`.
    private func characters(before offset: Int) -> Int {
        guard !checkpoints.isEmpty else { return 0 }
        let checkpoint = min(offset / Self.stride, checkpoints.count - 1)
        var count = checkpoints[checkpoint]
        for byte in bytes[checkpoint * Self.stride..<offset] where byte & 0xC0 != 0x80 { count += 1 }
        return count
    }

    var lineCount: Int { lineStarts.count }

    /// The place of `offset`; offsets outside the file are moved to its nearest end.
    func position(at offset: Int) -> SourcePosition {
        let offset = min(max(offset, start), bytes.count)
        let line = lineIndex(at: offset)
        let column = 1 + characters(before: offset) - characters(before: lineStarts[line])
        return SourcePosition(line: line + 1, column: column, offset: offset)
    }

    func range(_ offsets: Range<Int>) -> SourceRange {
        SourceRange(file: path, start: position(at: offsets.lowerBound), end: position(at: offsets.upperBound))
    }

    /// The index, from 0, of the line that holds `offset`.
    func lineIndex(at offset: Int) -> Int {
        var low = 0
        var high = lineStarts.count - 1
        while low < high {
            let middle = (low + high + 1) / 2
            if lineStarts[middle] <= offset { low = middle } else { high = middle - 1 }
        }
        return low
    }

    /// The bytes of a line, counted from 0, without its break.
    func line(_ index: Int) -> Range<Int> {
        guard lineStarts.indices.contains(index) else { return bytes.count..<bytes.count }
        let from = lineStarts[index]
        var end = index + 1 < lineStarts.count ? lineStarts[index + 1] : bytes.count
        while end > from, bytes[end - 1] == UInt8(ascii: "\n") || bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        return from..<end
    }

    func text(_ offsets: Range<Int>) -> String {
        let clamped = offsets.clamped(to: start..<bytes.count)
        return String(decoding: bytes[clamped], as: UTF8.self)
    }
}
