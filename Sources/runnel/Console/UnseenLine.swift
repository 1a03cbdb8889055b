import Foundation

/// One line typed at a terminal that shows nothing of it.
///
/// The keyboard's signals are read as characters: a command that Ctrl-C ended while nothing is shown would leave a
/// terminal behind that never shows anything again.
enum UnseenLine: Equatable {
    case typed(String)
    /// The input ended.
    case nothing
    /// Ctrl-C or Ctrl-\; the terminal is as it was.
    case interrupted

    private static let bytesMax = 64 << 10

    /// Reads from the terminal behind a file descriptor, and leaves it as it was.
    static func read(from terminal: Int32) -> UnseenLine {
        var attributes = termios()
        guard tcgetattr(terminal, &attributes) == 0 else { return .nothing }
        var before = attributes
        attributes.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG)
        withUnsafeMutableBytes(of: &attributes.c_cc) { codes in
            codes[Int(VMIN)] = 1
            codes[Int(VTIME)] = 0
        }
        tcsetattr(terminal, TCSAFLUSH, &attributes)
        defer { tcsetattr(terminal, TCSAFLUSH, &before) }
        return line(from: terminal)
    }

    private static func line(from terminal: Int32) -> UnseenLine {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while true {
            let count = Foundation.read(terminal, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else { return bytes.isEmpty ? .nothing : .typed(String(decoding: bytes, as: UTF8.self)) }
            switch byte {
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"): return .typed(String(decoding: bytes, as: UTF8.self))
            case 0x03, 0x1C: return .interrupted
            case 0x04 where bytes.isEmpty: return .nothing
            case 0x15: bytes = []  // Ctrl-U
            // The character's other bytes go too.
            case 0x08, 0x7F: while let last = bytes.popLast(), last & 0xC0 == 0x80 {}
            case 0x20... where bytes.count < bytesMax: bytes.append(byte)
            default: break  // No key has a control character.
            }
        }
    }
}
