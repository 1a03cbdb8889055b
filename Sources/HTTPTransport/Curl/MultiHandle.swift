import CCurl

/// Owns one libcurl multi handle: the connections and the transfers that use them.
///
/// Belongs to one thread.
struct MultiHandle: ~Copyable {
    /// Wakes the thread that waits in `wait`.
    ///
    /// Unchecked: libcurl documents curl_multi_wakeup as the one function of a multi handle that any thread may call
    /// at any time while the handle lives; `Mailbox` forgets the bell before the handle is cleaned up.
    struct Bell: @unchecked Sendable {
        fileprivate let pointer: UnsafeMutableRawPointer

        func ring() {
            curl_multi_wakeup(pointer)
        }
    }

    private let pointer: UnsafeMutableRawPointer

    init?(idleConnectionsMax: Int) {
        guard libcurlIsReady, let pointer = curl_multi_init() else { return nil }
        guard curl_multi_set_long(pointer, CURLMOPT_MAXCONNECTS, idleConnectionsMax) == CURLM_OK else {
            curl_multi_cleanup(pointer)
            return nil
        }
        self.pointer = pointer
    }

    deinit { curl_multi_cleanup(pointer) }

    var bell: Bell { Bell(pointer: pointer) }

    func add(_ easy: UnsafeMutableRawPointer) -> Bool {
        curl_multi_add_handle(pointer, easy) == CURLM_OK
    }

    func remove(_ easy: UnsafeMutableRawPointer) {
        curl_multi_remove_handle(pointer, easy)
    }

    /// Does what can be done without waiting; false if libcurl reports a fault of the handle itself.
    func perform() -> Bool {
        var running: Int32 = 0
        return curl_multi_perform(pointer, &running) == CURLM_OK
    }

    /// The next transfer that ended since the last call, or nil.
    func nextEnded() -> (easy: UnsafeMutableRawPointer, code: CURLcode)? {
        var left: Int32 = 0
        while let message = curl_multi_info_read(pointer, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            return (easy, message.pointee.data.result)
        }
        return nil
    }

    /// Waits for a socket, one of libcurl's own timers, the bell, or at most `milliseconds`.
    func wait(milliseconds: Int32) -> Bool {
        curl_multi_poll(pointer, nil, 0, milliseconds, nil) == CURLM_OK
    }
}

/// libcurl's set-up of the process, done once at first use and never undone: other threads may be using it.
private let libcurlIsReady = curl_global_init_default() == CURLE_OK
