import Foundation
import Testing

@testable import FlowLanguage

/// Goal: no file, however broken, makes the compiler crash or point outside the file.
///
/// Method: files that compile, mutated from printed seeds: bytes changed, cut, repeated and swapped with YAML's own
/// signs.
@Suite("Mutated files")
struct FuzzTests {
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {  // SplitMix64
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }

        mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(bound, 1))) }
    }

    private static let pieces: [String] = [
        "\t", "\n", " ", "  ", ": ", "- ", " #", "'", "\"", "{", "}", "[", "]", "${", "}", "!", "&a ", "*a", "|", ">",
        "%",
        "@", "---\n", "...", "<<: ", "? ", "\\", "\u{0}", "é", "𝄞", "\u{2028}", "\u{85}", "blocks.", "next: end",
        "record.",
        "null", "0x", "12345678901234567890", "when: ", "\u{FEFF}", "\r",
    ]

    private static func mutate(_ text: String, seed: UInt64) -> [UInt8] {
        var generator = Generator(state: seed)
        var bytes = Array(text.utf8)
        for _ in 0...generator.below(4) {
            let place = generator.below(bytes.count)
            switch generator.below(6) {
            case 0: bytes.insert(contentsOf: Array(pieces[generator.below(pieces.count)].utf8), at: place)
            case 1: bytes.removeSubrange(place..<min(bytes.count, place + 1 + generator.below(12)))
            case 2: if !bytes.isEmpty { bytes[place] = UInt8(truncatingIfNeeded: generator.next()) }
            case 3:
                let length = generator.below(60)
                bytes.insert(
                    contentsOf: bytes[place..<min(bytes.count, place + length)],
                    at: generator.below(bytes.count)
                )
            case 4: bytes.removeSubrange(place...)
            default:
                let piece = Array(pieces[generator.below(pieces.count)].utf8)
                bytes.replaceSubrange(place..<min(bytes.count, place + piece.count), with: piece)
            }
        }
        return bytes
    }

    @Test("neither crash the compiler nor lead outside the file", arguments: 0..<8)
    func mutated(_ round: Int) {
        for number in 0..<120 {
            let seed = UInt64(round * 1_000 + number)
            let base = [TestApp.checkout, TestApp.paymentCallback, TestApp.app, GraphTests.everything][number % 4]
            let bytes = Self.mutate(base, seed: seed)
            let isApp = number % 4 == 2
            let files = [
                SourceFile(path: "app.yaml", bytes: isApp ? bytes : Array(TestApp.app.utf8)),
                SourceFile(path: "flows/a.yaml", bytes: isApp ? Array(TestApp.checkout.utf8) : bytes),
            ]
            let compilation = AppCompiler(catalogue: TestApp.catalogue).compile(files)
            for diagnostic in compilation.diagnostics {
                let size = files.first { $0.path == diagnostic.range.file }?.bytes.count ?? -1
                let range = diagnostic.range
                let isInside =
                    range.start.offset <= range.end.offset && range.end.offset <= size && range.start.line >= 1
                #expect(isInside, "seed \(seed): \(diagnostic)")
            }
            #expect(!DiagnosticRenderer.render(compilation.diagnostics, sources: files).contains("\0"), "seed \(seed)")
            #expect(compilation.hasErrors == (compilation.app == nil), "seed \(seed)")
        }
    }
}
