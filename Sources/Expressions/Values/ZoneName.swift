package import Foundation

/// The names of time zones that mean one zone to everybody: those of the IANA list.
///
/// CEL's language definition (time zones) knows these, `UTC` and offsets. Foundation would also take abbreviations, of
/// which half name several offsets in the world: `BST` is Dhaka's there and London's to a British reader.
package enum ZoneName {
    /// Where zones lie, as the IANA list has it.
    private static let areas: Set<Substring> = [
        "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Brazil", "Canada", "Chile",
        "Etc", "Europe", "Indian", "Mexico", "Pacific", "US",
    ]
    /// Names of that list without an area, but for those that are abbreviations: `EST` is a fixed offset there and New
    /// York's time here, and half of the others name several offsets in the world.
    private static let namesWithoutArea: Set<String> = [
        "UTC", "GMT", "UCT", "Zulu", "Universal", "Greenwich", "EST5EDT", "CST6CDT", "MST7MDT", "PST8PDT", "Cuba",
        "Egypt", "Eire", "GB", "GB-Eire", "Hongkong", "Iceland", "Iran", "Israel", "Jamaica", "Japan", "Kwajalein",
        "Libya", "NZ", "NZ-CHAT", "Navajo", "PRC", "Poland", "Portugal", "ROC", "ROK", "Singapore", "Turkey", "W-SU",
    ]

    /// Nil when the IANA list has no such zone.
    package static func zone(_ name: String) -> TimeZone? {
        // Foundation may look a name up as a file, and takes offsets and abbreviations for names.
        let isName = name.utf8.allSatisfy { byte in
            switch byte {
            case 48...57, 65...90, 97...122, 43, 45, 47, 95: true
            default: false
            }
        }
        let area = name.firstIndex(of: "/").map { name[..<$0] }
        guard isName, name.utf8.count <= 64, area.map(areas.contains) ?? namesWithoutArea.contains(name) else {
            return nil
        }
        return TimeZone(identifier: name)
    }
}
