import Foundation
import Testing

@testable import StripeSimulator

/// Recorded requests of the real Stripe's test mode, asked again of the simulator: status, error, keys and types.
@Suite("Recorded exchanges", .enabled(if: SharedData.isThere)) struct RecordedExchangeTests {
    /// Contents that depend on the recorded account's dashboard, or that are anybody's words.
    private static let free: Set<String> = [
        "metadata", "payment_method_options", "use_stripe_sdk", "payment_method_types", "branding_settings",
        "payment_method_configuration_details",
    ]

    @Test("nine of ten agree in status, error, and the set and types of keys")
    func replay() throws {
        let exchanges = try #require(SharedData.json("recorded-exchanges.json")?.object?.array("exchanges"))
        var cassettes: [String: [JSONObject]] = [:]
        for exchange in exchanges.compactMap(\.object) {
            cassettes[exchange.string("cassette") ?? "", default: []].append(exchange)
        }
        var tally: [String: (agree: Int, all: Int)] = [:]
        var findings: [String] = []
        var skipped = 0
        for (name, exchanges) in cassettes.sorted(by: { $0.key < $1.key }) {
            var player = CassettePlayer()
            for exchange in exchanges.sorted(by: { ($0.int("seq") ?? 0) < ($1.int("seq") ?? 0) }) {
                guard let (resource, differences) = player.play(exchange, free: Self.free) else {
                    skipped += 1
                    continue
                }
                tally[resource, default: (0, 0)].all += 1
                if differences.isEmpty { tally[resource, default: (0, 0)].agree += 1 }
                let short = name.split(separator: "/").last ?? ""
                findings += differences.prefix(6).map { "\(short) \(exchange.int("seq") ?? 0) \(resource): \($0)" }
            }
        }
        let agree = tally.values.reduce(0) { $0 + $1.agree }
        let all = tally.values.reduce(0) { $0 + $1.all }
        for (resource, count) in tally.sorted(by: { $0.key < $1.key }) {
            print("recorded, \(resource): \(count.agree) of \(count.all)")
        }
        for finding in findings { print("  differs: \(finding)") }
        print("recorded, all: \(agree) of \(all); \(skipped) need what was there before or had a wrong key")
        #expect(Double(agree) >= 0.9 * Double(all))
    }
}

/// Asks the requests of one recording, with the recorded ids replaced by the simulator's.
private struct CassettePlayer {
    private var desk = Desk()
    private var ids: [String: String] = [:]

    /// Answers the resource and what differs; nil when the exchange cannot be replayed here.
    mutating func play(_ exchange: JSONObject, free: Set<String>) -> (String, [String])? {
        guard let method = exchange.string("method"), let uri = exchange.string("uri"),
            let expected = exchange.object("resBody"), let status = exchange.int("status"), status != 401
        else { return nil }
        let parts = uri.split(separator: "?", maxSplits: 1).map(String.init)
        let resource = parts[0].split(separator: "/").dropFirst().first.map(String.init) ?? ""
        desk.version = exchange.object("reqHeaders")?.string("stripe-version")
        let recorded = Self.identifiers(
            in: parts[0] + "&" + (parts.count > 1 ? parts[1] : "") + "&" + (exchange.string("reqBody") ?? "")
        )
        for id in recorded where ids[id] == nil && status == 200 {
            guard seed(id, from: expected) else { return nil }
        }
        let path = replace(parts[0])
        let form = replace(method == "POST" ? exchange.string("reqBody") ?? "" : parts.count > 1 ? parts[1] : "")
        let answer = desk.call(method, path, form)
        var differences: [String] = []
        if desk.last.status != Int(status) {
            differences.append("status \(desk.last.status) for \(status): \(answer.errorMessage ?? "")")
        } else if status != 200 {
            for name in ["type", "code", "param"] {
                let (want, got) = (expected.object("error")?[name], answer.object("error")?[name])
                if want != got, !(want == nil && name == "param"), want?.string != "" {
                    differences.append("error.\(name) \(got ?? .null) for \(want ?? .null)")
                }
            }
        } else {
            compare(.object(expected), .object(answer), at: "", free: free, &differences)
        }
        return (resource, differences)
    }

    private func replace(_ text: String) -> String {
        var result = text
        for (old, new) in ids.sorted(by: { $0.key.count > $1.key.count }) {
            result = result.replacingOccurrences(of: old, with: new)
        }
        return result
    }

    private static func identifiers(in text: String) -> [String] {
        text.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init).filter { word in
            ObjectKind.of(id: word) != nil && word.count > 12 && !word.hasPrefix("pm_card")
        } + (text.contains("small-monthly") ? ["small-monthly"] : [])
            + (text.contains("small-annual") ? ["small-annual"] : []) + (text.contains("10BUCKS") ? ["10BUCKS"] : [])
    }

    /// What was there before the recording began: prices with their product, a coupon.
    private mutating func seed(_ id: String, from expected: JSONObject) -> Bool {
        let version = desk.version
        desk.version = nil
        defer { desk.version = version }
        switch id.prefix(while: { $0 != "_" && $0 != "-" }) {
        case "small":
            let (interval, amount) = id == "small-annual" ? ("year", 25_000) : ("month", 1_000)
            ids[id] =
                desk.post(
                    "/v1/plans",
                    "id=\(id)&currency=usd&amount=\(amount)&interval=\(interval)&product[name]=Test&nickname=Small"
                ).id
        case "10BUCKS":
            ids[id] = desk.post("/v1/coupons", "id=\(id)&amount_off=1000&currency=usd&duration=forever").id
        case "price":
            ids[id] = desk.post("/v1/prices", "currency=usd&unit_amount=1000&product_data[name]=Test").id
        case "cus": ids[id] = customer()
        case "pm":
            // It belongs to the customer that the recording last spoke of.
            let owner = expected.string("object") == "customer" ? ids[expected.id] : nil
            guard let owner else { return false }
            ids[id] = desk.post("/v1/payment_methods/pm_card_visa/attach", "customer=\(owner)").id
        case "pi", "ch":
            let intent = paidIntent(of: id, expected)
            ids[id] = id.hasPrefix("pi") ? intent.id : intent.string("latest_charge") ?? ""
        case "in": ids[id] = invoice(status: expected.status)
        default: return false
        }
        return ids[id]?.isEmpty == false
    }

    private mutating func customer() -> String {
        desk.post("/v1/customers", "email=stripe@example.org&name=Stripe User").id
    }

    private mutating func customerWithCard() -> String {
        let customer = customer()
        let method = desk.post("/v1/payment_methods/pm_card_visa/attach", "customer=\(customer)").id
        desk.post("/v1/customers/\(customer)", "invoice_settings[default_payment_method]=\(method)")
        return customer
    }

    /// A payment as the recording has it: of a subscription's invoice, or by itself.
    private mutating func paidIntent(of id: String, _ expected: JSONObject) -> JSONObject {
        let customer = customerWithCard()
        let isBilling =
            expected.object("payment_details")?.has("order_reference") == true
            || expected.string("description")?.hasPrefix("Subscription") == true
        let needsAction = expected.status == "requires_action"
        guard isBilling || expected.string("object") == "list" else {
            let card = needsAction ? "pm_card_threeDSecure2Required" : "pm_card_visa"
            return desk.pay(1_000, card, more: "&customer=\(customer)")
        }
        let price = desk.post(
            "/v1/prices",
            "currency=usd&unit_amount=1000&product_data[name]=Test&recurring[interval]=month"
        ).id
        var more = ""
        if needsAction {
            let method = desk.post("/v1/payment_methods/pm_card_threeDSecure2Required/attach", "customer=\(customer)")
                .id
            more = "&default_payment_method=\(method)"
        }
        let made = desk.post("/v1/subscriptions", "customer=\(customer)&items[0][price]=\(price)" + more)
        let payments = desk.get("/v1/invoice_payments", "invoice=\(made.string("latest_invoice") ?? "")").data()
        let intent = payments.first?.value(at: "payment", "payment_intent")?.string ?? ""
        return desk.get("/v1/payment_intents/\(intent)")
    }

    private mutating func invoice(status: String) -> String {
        let customer = customerWithCard()
        let id = desk.post("/v1/invoices", "customer=\(customer)").id
        desk.post("/v1/invoiceitems", "customer=\(customer)&invoice=\(id)&amount=1000&currency=usd")
        if status != "draft" { desk.post("/v1/invoices/\(id)/finalize") }
        return id
    }

    private mutating func compare(
        _ want: JSONValue,
        _ got: JSONValue,
        at path: String,
        free: Set<String>,
        _ found: inout [String]
    ) {
        switch (want, got) {
        case (.object(let want), .object(let got)):
            for member in want.members {
                guard let value = got[member.key] else {
                    found.append("\(path).\(member.key) is missing")
                    continue
                }
                if !free.contains(member.key) {
                    compare(member.value, value, at: "\(path).\(member.key)", free: free, &found)
                }
            }
            // Stripe adds fields to all versions as time goes by: what an older recording lacks may be newer than it.
            guard desk.version?.hasSuffix(".dahlia") == true else { return }
            for key in got.keys where want[key] == nil { found.append("\(path).\(key) is too much") }
        case (.array(let want), .array(let got)):
            for (want, got) in zip(want, got) { compare(want, got, at: path + "[]", free: free, &found) }
        case (.string(let want), .string(let got)):
            if ObjectKind.of(id: want) != nil, want.count > 12 { ids[want] = got }
        case (.null, _), (_, .null), (.bool, .bool), (.int, .int), (.int, .double), (.double, .int), (.double, .double):
            return
        default: found.append("\(path) is of another type")
        }
    }
}
