extension YAMLSuiteCase {
    /// Not YAML, yet libyaml takes it: reasons, and the cases.
    static let accepted: [String: [String]] = [
        "a comment that touches what stands before it": [
            "9JBA", "CVW2", "SU5Z", "X4QW",
        ],
        "indentation of flow collections and quoted scalars is not checked": [
            "9C9N", "QB6E", "DK95/01", "S98Z",
        ],
        "a lone '-' in flow style": [
            "G5U8", "YJV2",
        ],
        "a tab as indentation in flow style": [
            "Y79Y/003"
        ],
        "a %YAML directive with something behind it": [
            "MUS6/00"
        ],
    ]

    /// YAML that libyaml refuses or reads otherwise: reasons, and the cases.
    static let refused: [String: [String]] = [
        "tabs between tokens where YAML 1.2 allows them": [
            "6BCT", "6CA3", "96NN/00", "96NN/01", "DK95/00", "DK95/03", "DK95/04", "Q5MG", "Y79Y/001", "Y79Y/010",
        ],
        "a key with nothing before its ':'": [
            "2JQS", "CFD4", "FRK4", "M2N8/00", "NHX8", "NKF9", "S3PD", "UKK6/00", "6M2F",
        ],
        "a ':' on the line behind its key, or touching its value, in flow style": [
            "4ABK", "4MUZ/00", "4MUZ/01", "4MUZ/02", "58MP", "5MUD", "5T43", "9SA2", "K3WX", "NJ66", "VJP3/01",
        ],
        "directives other than %YAML 1.1 and 1.2": [
            "2LFX", "6LVF", "BEC7", "MUS6/05", "MUS6/06",
        ],
        "anchors with other characters than letters, digits, '-' and '_'": [
            "2SXE", "8XYN", "W5VH", "Y2GN",
        ],
        "an end mark '...' or bare documents behind it": [
            "7Z25", "HWV9", "M7A3", "QT73", "UT92", "W4TN",
        ],
        "plain scalars in flow style that begin with '?' or ':' or '-'": [
            "652Z", "DBG4", "HM87/00", "HM87/01",
        ],
        "block scalars without indentation, or with trailing blank lines at the end of the file": [
            "A2M4", "DK3J", "FP8R", "JEF9/02", "L24T/01", "R4YG", "SM9W/01",
        ],
    ]
}
