import CCurl

/// Owns one libcurl easy handle with what libcurl borrows for as long: the header list and the error text.
struct EasyHandle: ~Copyable {
    /// An option that libcurl did not take.
    struct Refusal: Error {
        let option: CURLoption
        let code: CURLcode
    }

    let pointer: UnsafeMutableRawPointer
    private let errorText: UnsafeMutablePointer<CChar>
    private var headerList: UnsafeMutablePointer<curl_slist>?

    init?() {
        guard let pointer = curl_easy_init() else { return nil }
        self.pointer = pointer
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        headerList = nil
        curl_easy_set_pointer(pointer, CURLOPT_ERRORBUFFER, errorText)
    }

    deinit {
        curl_easy_cleanup(pointer)
        curl_slist_free_all(headerList)
        errorText.deallocate()
    }

    /// libcurl's words about the last failure; empty if it had none.
    var failureText: String { String(cString: errorText) }

    func set(_ option: CURLoption, _ value: Int) throws(Refusal) {
        try check(curl_easy_set_long(pointer, option, value), option)
    }

    /// Sets an option whose argument is a `curl_off_t`.
    func set(_ option: CURLoption, offset value: Int) throws(Refusal) {
        try check(curl_easy_set_offset(pointer, option, curl_off_t(value)), option)
    }

    /// Sets a text, which libcurl copies.
    func set(_ option: CURLoption, _ value: String) throws(Refusal) {
        try check(curl_easy_set_text(pointer, option, value), option)
    }

    func set(_ option: CURLoption, _ value: UnsafeRawPointer) throws(Refusal) {
        try check(curl_easy_set_pointer(pointer, option, value), option)
    }

    func setReceive(_ option: CURLoption, _ callback: curl_write_callback) throws(Refusal) {
        try check(curl_easy_set_receive(pointer, option, callback), option)
    }

    func setOpenSocket(_ callback: curl_opensocket_callback) throws(Refusal) {
        try check(curl_easy_set_open_socket(pointer, callback), CURLOPT_OPENSOCKETFUNCTION)
    }

    func setBeforeRequest(_ callback: curl_prereq_callback) throws(Refusal) {
        try check(curl_easy_set_before_request(pointer, callback), CURLOPT_PREREQFUNCTION)
    }

    /// Sets the request's body, which libcurl copies.
    ///
    /// The size goes first: without it the body ends at a zero byte.
    func setBody(_ body: [UInt8]) throws(Refusal) {
        try set(CURLOPT_POSTFIELDSIZE_LARGE, offset: body.count)
        guard !body.isEmpty else { return try set(CURLOPT_COPYPOSTFIELDS, "") }
        let code = body.withUnsafeBytes { curl_easy_set_pointer(pointer, CURLOPT_COPYPOSTFIELDS, $0.baseAddress) }
        try check(code, CURLOPT_COPYPOSTFIELDS)
    }

    /// Sets the header lines in libcurl's notation (`Name: value`, `Name;` for an empty value, `Name:` to suppress).
    mutating func setHeaderLines(_ lines: [String]) throws(Refusal) {
        for line in lines {
            guard let longer = curl_slist_append(headerList, line) else {
                throw Refusal(option: CURLOPT_HTTPHEADER, code: CURLE_OUT_OF_MEMORY)
            }
            headerList = longer
        }
        guard let headerList else { return }
        try set(CURLOPT_HTTPHEADER, UnsafeRawPointer(headerList))
    }

    private func check(_ code: CURLcode, _ option: CURLoption) throws(Refusal) {
        guard code == CURLE_OK else { throw Refusal(option: option, code: code) }
    }
}
