import Foundation
import Testing

@testable import runnel

/// The prompt for a secret, at a terminal of the kernel's own.
@Suite struct UnseenLineTests {
    /// What a terminal shows, and whether it still shows what is typed.
    private func type(_ keys: String) throws -> (line: UnseenLine, shown: String, echoes: Bool) {
        var (keyboard, terminal): (Int32, Int32) = (-1, -1)
        try #require(openpty(&keyboard, &terminal, nil, nil, nil) == 0)
        defer {
            close(keyboard)
            close(terminal)
        }
        let reader = DispatchQueue(label: "terminal")
        let answer = DispatchSemaphore(value: 0)
        nonisolated(unsafe) var line = UnseenLine.nothing
        reader.async { [terminal] in
            line = UnseenLine.read(from: terminal)
            answer.signal()
        }
        // Typed once the terminal shows nothing any more: before that, what is typed is thrown away.
        var attributes = termios()
        repeat { tcgetattr(terminal, &attributes) } while attributes.c_lflag & tcflag_t(ECHO) != 0
        let bytes = Array(keys.utf8)
        try #require(write(keyboard, bytes, bytes.count) == bytes.count)
        answer.wait()
        tcgetattr(terminal, &attributes)
        var shown = [UInt8](repeating: 0, count: 256)
        _ = fcntl(keyboard, F_SETFL, O_NONBLOCK)
        let count = max(0, read(keyboard, &shown, shown.count))
        return (line, String(decoding: shown.prefix(count), as: UTF8.self), attributes.c_lflag & tcflag_t(ECHO) != 0)
    }

    @Test(
        "Z5: a secret is typed unseen, and the terminal shows what is typed again afterwards, also after Ctrl-C",
        arguments: [
            ("sk_test_1\n", .typed("sk_test_1")), ("sk_testß\u{7F}_2\r", .typed("sk_test_2")),
            ("wrong\u{15}right\n", .typed("right")), ("half\u{3}", .interrupted), ("\u{1C}", .interrupted),
            ("\u{4}", .nothing), ("\n", .typed("")), ("a\u{1A}\u{1B}b\n", .typed("ab")),
        ] as [(String, UnseenLine)]
    )
    func typed(keys: String, expected: UnseenLine) throws {
        let seen = try type(keys)
        #expect(seen.line == expected)
        #expect(seen.shown.isEmpty && seen.echoes, "\(seen.shown.debugDescription)")
    }
}
