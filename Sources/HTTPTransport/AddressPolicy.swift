/// Which addresses a request may connect to.
///
/// The address that is checked is the one that the socket connects to, not what a name resolved to some time before;
/// so a name that answers differently the second time, an address written as one number, and a connection that is
/// used again are all covered.
package enum AddressPolicy: Sendable, Hashable {
    /// Any address.
    case any
    /// Addresses of the public Internet: the guard against requests forged towards the inside.
    ///
    /// Refused is what the IANA special-purpose address registries do not call globally reachable, together with
    /// multicast, every form of IPv6 that carries an IPv4 address, and unix sockets.
    case publicOnly
    /// Addresses of the public Internet, and those of the given blocks, which an operator has named one by one.
    ///
    /// Link-local addresses, where clouds hand out credentials, stay refused whatever the blocks say. An IPv6 address
    /// that carries an IPv4 one is both: each must be allowed, so a block of one form opens nothing of the other.
    case publicAnd([AddressBlock])
    /// 127.0.0.0/8, ::1 and unix sockets.
    case loopbackOnly

    func allows(_ address: IPAddress) -> Bool {
        switch self {
        case .any: true
        case .publicOnly: address.isPublic
        case .publicAnd(let blocks):
            address.isPublic || address.isNamed(by: blocks) && (address.carried.map { allows($0) } ?? true)
        case .loopbackOnly: address.isLoopback
        }
    }

    /// Whether it keeps requests from the inside, so that a proxy that does not do the same is of no use.
    var isGuard: Bool {
        switch self {
        case .publicOnly, .publicAnd: true
        case .any, .loopbackOnly: false
        }
    }

    var allowsUnixSockets: Bool { !isGuard }
}

/// Addresses that share their first bits: `10.0.0.0/8`, or one address alone.
package struct AddressBlock: Sendable, Hashable {
    /// 4 or 16 bytes in network order.
    package let bytes: [UInt8]
    /// How many bits count.
    package let length: Int

    /// Nil for other counts of bytes, and for a length that they do not have.
    package init?(bytes: [UInt8], length: Int) {
        guard bytes.count == 4 || bytes.count == 16, (0...bytes.count * 8).contains(length) else { return nil }
        self.bytes = bytes
        self.length = length
    }
}

/// An IPv4 or IPv6 address as a number, highest byte first.
struct IPAddress: Sendable, Hashable {
    private enum Family: Sendable, Hashable { case version4, version6 }

    private let family: Family
    private let number: UInt128

    /// From 4 or 16 bytes in network order; nil for any other count.
    init?(_ bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4: family = .version4
        case 16: family = .version6
        default: return nil
        }
        number = bytes.reduce(0) { $0 << 8 | UInt128($1) }
    }

    var isLoopback: Bool {
        switch family {
        case .version4: number >> 24 == 127
        case .version6: number == 1
        }
    }

    /// The IPv4 address that a host would be reached by through this one: mapped (::ffff:0:0/96), compatible (::/96),
    /// translated (::ffff:0:0:0/96), by NAT64 (64:ff9b::/96 and a network's own in 64:ff9b:1::/48) or 6to4 (2002::/16).
    var carried: IPAddress? {
        guard family == .version6 else { return nil }
        let hasInLastBits =
            number >> 32 == 0xFFFF || number >> 32 == 0xFFFF_0000 || number >> 32 == 0x64_FF9B << 64
            || number >> 80 == 0x64_FF9B_0001 || number >> 32 == 0 && number > 1
        if hasInLastBits { return IPAddress(version4: number & 0xFFFF_FFFF) }
        return number >> 112 == 0x2002 ? IPAddress(version4: number >> 80 & 0xFFFF_FFFF) : nil
    }

    private init(version4 number: UInt128) {
        family = .version4
        self.number = number
    }

    func isNamed(by blocks: [AddressBlock]) -> Bool {
        !isOffLimits && blocks.contains { isWithin($0) }
    }

    /// Link-local, where cloud metadata lives, "this network", multicast, and the hosts of two clouds elsewhere.
    var isOffLimits: Bool {
        switch family {
        case .version4:
            number >> 16 == 0xA9FE || number >> 24 == 0 || number >> 28 >= 0xE
                || number == 0xA83F_8110  // 168.63.129.16 Azure's host
                || number == 0x6464_64C8  // 100.100.100.200 Alibaba's metadata
        case .version6:
            number >> 118 == 0x3FA || number >> 120 == 0xFF || number == 0
                || number == 0xFD00_0EC2 << 96 | 0x254  // fd00:ec2::254 Amazon's metadata
        }
    }

    func isWithin(_ block: AddressBlock) -> Bool {
        guard let start = IPAddress(block.bytes), start.family == family else { return false }
        let shift = UInt128(block.bytes.count * 8 - block.length)
        return number >> shift == start.number >> shift
    }

    var isPublic: Bool {
        switch family {
        case .version4: !Self.special4.contains { number >> (32 - $0.length) == $0.prefix >> (32 - $0.length) }
        case .version6:
            // Only 2000::/3 is handed out for global unicast. This leaves out ::, ::1, IPv4-mapped and
            // IPv4-compatible, NAT64 (64:ff9b::/96, 64:ff9b:1::/48), fc00::/7, fe80::/10 and ff00::/8 at once.
            number >> 125 == 1
                && !Self.special6.contains { number >> (128 - $0.length) == $0.prefix >> (128 - $0.length) }
        }
    }

    private struct Block {
        let prefix: UInt128
        let length: UInt128
    }

    /// IANA IPv4 Special-Purpose Address Registry, multicast, and one cloud's host address that is not in it.
    private static let special4: [Block] = [
        Block(prefix: 0x0000_0000, length: 8),  // 0.0.0.0/8 this network
        Block(prefix: 0x0A00_0000, length: 8),  // 10.0.0.0/8 private
        Block(prefix: 0x6440_0000, length: 10),  // 100.64.0.0/10 shared by carriers
        Block(prefix: 0x7F00_0000, length: 8),  // 127.0.0.0/8 loopback
        Block(prefix: 0xA83F_8110, length: 32),  // 168.63.129.16 Azure's host, reachable from inside alone
        Block(prefix: 0xA9FE_0000, length: 16),  // 169.254.0.0/16 link-local, cloud metadata
        Block(prefix: 0xAC10_0000, length: 12),  // 172.16.0.0/12 private
        Block(prefix: 0xC000_0000, length: 24),  // 192.0.0.0/24 protocol assignments
        Block(prefix: 0xC000_0200, length: 24),  // 192.0.2.0/24 documentation
        Block(prefix: 0xC058_6300, length: 24),  // 192.88.99.0/24 6to4 relays
        Block(prefix: 0xC0A8_0000, length: 16),  // 192.168.0.0/16 private
        Block(prefix: 0xC612_0000, length: 15),  // 198.18.0.0/15 benchmarks
        Block(prefix: 0xC633_6400, length: 24),  // 198.51.100.0/24 documentation
        Block(prefix: 0xCB00_7100, length: 24),  // 203.0.113.0/24 documentation
        Block(prefix: 0xE000_0000, length: 4),  // 224.0.0.0/4 multicast
        Block(prefix: 0xF000_0000, length: 4),  // 240.0.0.0/4 reserved, broadcast
    ]

    /// What is special within 2000::/3.
    private static let special6: [Block] = [
        Block(prefix: 0x2001 << 112, length: 23),  // 2001::/23 protocol assignments, Teredo
        Block(prefix: 0x2001_0DB8 << 96, length: 32),  // 2001:db8::/32 documentation
        Block(prefix: 0x2002 << 112, length: 16),  // 2002::/16 6to4, carries an IPv4 address
        Block(prefix: 0x3FFF << 112, length: 20),  // 3fff::/20 documentation
    ]
}
