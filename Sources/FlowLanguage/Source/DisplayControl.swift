extension Unicode.Scalar {
    /// A control character, a line's end, or one that turns the direction of writing: what it does to a terminal or a
    /// reader of lines is not what it says.
    package var controlsDisplay: Bool {
        switch value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069, 0xFEFF: true
        default: false
        }
    }
}
