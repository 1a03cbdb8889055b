import CJavaScriptCore
import Glibc

// Text between Swift and JavaScriptCore.

/// Makes a string of the engine's; the caller releases it.
func makeString(_ bytes: some Collection<UInt8>) -> JSStringRef? {
    let copied = bytes.withContiguousStorageIfAvailable(makeString(copying:))
    return copied ?? Array(bytes).withUnsafeBufferPointer(makeString(copying:))
}

private func makeString(copying bytes: UnsafeBufferPointer<UInt8>) -> JSStringRef? {
    if let start = bytes.baseAddress, memchr(start, 0, bytes.count) != nil {
        // A C string would end there.
        let units = Array(String(decoding: bytes, as: UTF8.self).utf16)
        return JSStringCreateWithCharacters(units, units.count)
    }
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: bytes.count + 1) { terminated in
        for index in bytes.indices { terminated[index] = CChar(bitPattern: bytes[index]) }
        terminated[bytes.count] = 0
        return JSStringCreateWithUTF8CString(terminated.baseAddress)
    }
}

func makeString(_ text: String) -> JSStringRef? { makeString(text.utf8) }

extension JSContextRef {
    /// A value that holds `bytes` as a string.
    func value(_ bytes: some Collection<UInt8>) -> JSValueRef? {
        guard let string = makeString(bytes) else { return nil }
        defer { JSStringRelease(string) }
        return JSValueMakeString(self, string)
    }

    func value(_ text: String) -> JSValueRef? { value(text.utf8) }

    /// A value that holds a string with a character for each of `bytes`.
    func bytes(_ bytes: [UInt8]) -> JSValueRef? {
        let units = bytes.map { UInt16($0) }
        guard let string = JSStringCreateWithCharacters(units, units.count) else { return nil }
        defer { JSStringRelease(string) }
        return JSValueMakeString(self, string)
    }
}

/// The UTF-8 of a value's text; nil when it has none: a symbol, half a surrogate pair, or more than fits the memory.
func utf8(of value: JSValueRef?, in context: JSContextRef?) -> [UInt8]? {
    guard let string = JSValueToStringCopy(context, value, nil) else { return nil }
    defer { JSStringRelease(string) }
    return utf8(of: string)
}

func utf8(of string: JSStringRef) -> [UInt8]? {
    let length = JSStringGetLength(string)
    let capacity = JSStringGetMaximumUTF8CStringSize(string)
    let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
        let written = buffer.withMemoryRebound(to: CChar.self) {
            JSStringGetUTF8CString(string, $0.baseAddress, capacity)
        }
        // The closing zero is counted.
        count = max(0, written - 1)
    }
    return bytes.isEmpty && length > 0 ? nil : bytes
}
