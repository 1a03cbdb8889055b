import FlowEngine

/// Which installation a payment belongs to: several may share one Stripe account, and number their rows alike.
enum Installation {
    /// 16 hexadecimal digits, from what the engine drew when the store was made; `new` before it ran.
    static func name(in reader: any StoreReader) throws(StoreError) -> String {
        let digits = Array("0123456789abcdef".utf8)
        guard let bytes = try reader.setting("engine.installation") else { return "new" }
        return String(
            decoding: bytes.prefix(8).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
            as: UTF8.self
        )
    }
}
