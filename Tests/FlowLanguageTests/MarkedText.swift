/// A text with marks (`1️⃣`) at the places a test speaks about; `text` is without them.
struct MarkedText {
    private(set) var text = ""
    /// UTF-8 offsets in `text`, by mark.
    private(set) var offsets: [String: Int] = [:]

    init(_ marked: String) {
        for character in marked {
            if character.unicodeScalars.contains("\u{20E3}") {
                offsets[String(character)] = text.utf8.count
            } else {
                text.append(character)
            }
        }
    }
}
