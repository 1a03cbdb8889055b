import Foundation
import NIOCore

/// Why nothing can listen where the operator wants it; says what to change.
package struct ListenError: Error, Sendable, Hashable, CustomStringConvertible {
    package let description: String

    /// Nil for an error that is about something else.
    init?(_ error: any Error, host: String, port: Int) {
        if error is SocketAddressError.UnknownHost {
            description = "there is no host '\(host)' to listen on"
            return
        }
        switch (error as? IOError)?.errnoCode {
        case EADDRINUSE: description = "port \(port) of \(host) is taken by another process; choose another port"
        case EACCES: description = "port \(port) is not for this user to listen on; choose one from 1024 on"
        case EADDRNOTAVAIL: description = "'\(host)' is not an address of this machine"
        default: return nil
        }
    }
}
