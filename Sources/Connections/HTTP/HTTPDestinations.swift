package import FlowLanguage
package import HTTPTransport

/// Where the requests of one connection may go: the guard against requests forged towards the inside (SSRF).
///
/// Two questions, asked for each request and again for each redirect: is the host one that was named, and is the
/// address that the socket connects to one that may be reached. The first is answered here, the second by
/// `AddressPolicy` at the moment of connecting, so that no name can mean something else by then.
package struct HTTPDestinations: Sendable {
    /// Nil: any host.
    private let hosts: [HTTPAllowance]?
    private let blocks: [AddressBlock]

    /// Every host on the public Internet.
    package static let anyPublicHost = HTTPDestinations(hosts: nil, blocks: [])

    private init(hosts: [HTTPAllowance]?, blocks: [AddressBlock]) {
        self.hosts = hosts
        self.blocks = blocks
    }

    /// What a connection says: its own host, and its `allow:`.
    ///
    /// With neither, any public host.
    package init(_ connection: HTTPConnection) {
        var hosts: [HTTPAllowance] = []
        var blocks: [AddressBlock] = []
        if let origin = connection.url.flatMap({ try? HTTPOrigin(ofURL: $0) }) {  // No URL: requests are refused later.
            hosts.append(.host(origin.host, port: origin.port))
        }
        for allowance in connection.allow {
            hosts.append(allowance)
            guard case .addresses(let bytes, let length) = allowance, !allowance.isLinkLocal else { continue }
            if let block = AddressBlock(bytes: bytes, length: length) { blocks.append(block) }
        }
        self.init(hosts: hosts.isEmpty ? nil : hosts, blocks: blocks)
    }

    /// Which addresses may be connected to.
    package var addressPolicy: AddressPolicy { blocks.isEmpty ? .publicOnly : .publicAnd(blocks) }

    /// Whether the host of that origin was named.
    package func allow(_ origin: HTTPOrigin) -> Bool {
        guard let hosts else { return true }
        return hosts.contains { allowance in
            switch allowance {
            case .host(let name, let port):
                (port == nil || port == origin.port)
                    && (name.hasPrefix("*.") ? origin.host.hasSuffix(name.dropFirst()) : origin.host == name)
            case .addresses(let bytes, let length):
                origin.isAddress(within: bytes, length: length)
            }
        }
    }
}

extension HTTPOrigin {
    /// Whether the host is written as an address of that block.
    fileprivate func isAddress(within block: [UInt8], length: Int) -> Bool {
        let text = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        guard let address = HTTPAllowance.bytes(ofAddress: text), address.count == block.count else { return false }
        return (0..<length).allSatisfy { bit in
            let mask = UInt8(0x80) >> UInt8(bit % 8)
            return address[bit / 8] & mask == block[bit / 8] & mask
        }
    }
}
