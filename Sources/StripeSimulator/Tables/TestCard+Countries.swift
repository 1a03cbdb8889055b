// Cards of other countries and of other networks (docs.stripe.com/testing, 2026): all of them succeed.
extension TestCard {
    /// Visa cards, each named after its country.
    static let ofCountries: [TestCard] = {
        let table = """
            ar 4000000320000021, br 4000000760000002, ca 4000001240000000, cl 4000001520000001,
            co 4000001700000003, cr 4000001880000005, ec 4000002180000000, mx 4000004840008001,
            pa 4000005910000000, py 4000006000000066, pe 4000006040000068, uy 4000008580000003,
            ae 4000007840000001, at 4000000400000008, be 4000000560000004, bg 4000001000000000,
            by 4000001120000005, hr 4000001910000009, cy 4000001960000008, cz 4000002030000002,
            dk 4000002080000001, ee 4000002330000009, fi 4000002460000001, fr 4000002500000003,
            de 4000002760000016, gi 4000002920000005, gr 4000003000000030, hu 4000003480000005,
            ie 4000003720000005, it 4000003800000008, lv 4000004280000005, li 4000004380000004,
            lt 4000004400000000, lu 4000004420000006, mt 4000004700000007, nl 4000005280000002,
            no 4000005780000007, pl 4000006160000005, pt 4000006200000007, ro 4000006420000001,
            sa 4000006820000007, si 4000007050000006, sk 4000007030000001, es 4000007240000007,
            se 4000007520000008, ch 4000007560000009, gb 4000008260000000, au 4000000360000006,
            cn 4000001560000002, hk 4000003440000004, in 4000003560000008, jp 4000003920000003,
            my 4000004580000002, nz 4000005540000008, sg 4000007020000003, tw 4000001580000008
            """
        return table.split { $0 == "," || $0 == "\n" }.compactMap { row in
            let words = row.split(separator: " ").map(String.init)
            guard words.count == 2 else { return nil }
            return TestCard(names: [words[0]], number: words[1], country: words[0].uppercased())
        }
    }()

    static let ofNetworks: [TestCard] = [
        .init(names: ["gb_debit"], number: "4000058260000005", funding: "debit", country: "GB"),
        .init(names: ["gb_mastercard"], number: "5555558265554449", brand: "mastercard", country: "GB"),
        .init(names: ["ae_mastercard"], number: "5200007840000022", brand: "mastercard", country: "AE"),
        .init(names: ["th_credit"], number: "4000007640000003", country: "TH"),
        .init(names: ["th_debit"], number: "4000057640000008", funding: "debit", country: "TH"),
        .init(names: [], number: "2223003122003222", brand: "mastercard"),
        .init(names: [], number: "371449635398431", brand: "amex"),
        .init(names: [], number: "6011000990139424", brand: "discover"),
        .init(names: [], number: "6011981111111113", brand: "discover", funding: "debit"),
        .init(names: [], number: "36227206271667", brand: "diners"),
        .init(names: [], number: "6555900000604105", brand: "discover"),
        .init(names: [], number: "3530111333300000", brand: "jcb", country: "JP"),
        .init(names: [], number: "6200000000000047", brand: "unionpay", funding: "debit", country: "CN"),
        .init(names: [], number: "6205500000000000004", brand: "unionpay", country: "CN"),
    ]
}
