/// One authenticated, checked request to one operation.
struct Call: Sendable {
    let path: String
    /// The ids in the path, in order.
    let ids: [String]
    /// The checked parameters; an unset one is null.
    let parameters: JSONObject
    let key: APIKey
    let version: APIVersion
    let requestID: String
    let idempotencyKey: String?
    /// Whether the caller names a version, as every official client does.
    var isVersioned = true

    var id: String { ids.first ?? "" }

    func string(_ name: String) -> String? { parameters.string(name) }
    func int(_ name: String) -> Int64? { parameters.int(name) }
    func bool(_ name: String) -> Bool? { parameters.bool(name) }
    func object(_ name: String) -> JSONObject? { parameters.object(name) }
    func strings(_ name: String) -> [String]? { parameters.array(name)?.compactMap(\.string) }

    /// The value for a field that a parameter sets: null when absent or unset.
    func value(_ name: String) -> JSONValue { parameters[name] ?? .null }

    /// The same call with other parameters: one operation carried out by another.
    func with(_ parameters: JSONObject, ids: [String] = []) -> Call {
        Call(
            path: path,
            ids: ids,
            parameters: parameters,
            key: key,
            version: version,
            requestID: requestID,
            idempotencyKey: idempotencyKey,
            isVersioned: isVersioned
        )
    }

    /// Copies the parameters that were given to the fields of the same names.
    func copy(_ names: [String], to object: inout JSONObject) {
        for name in names {
            if let value = parameters[name] { object[name] = value }
        }
    }

    /// Metadata after an update: keys are added, changed, and deleted by an empty value; all by an empty parameter.
    func updatedMetadata(_ old: JSONObject?) -> JSONObject {
        switch parameters["metadata"] {
        case .none: return old ?? JSONObject()
        case .some(.object(let changes)):
            var result = old ?? JSONObject()
            for member in changes.members { result[member.key] = member.value.isNull ? Optional.none : member.value }
            return result
        default: return JSONObject()
        }
    }
}

extension Ledger {
    /// Checks that an object that a call changes keeps to 50 keys of metadata, those it has with those that come.
    func checkMetadata(_ call: Call) throws(StripeError) {
        guard call.object("metadata") != nil, let id = call.ids.last else { return }
        let old = objects.values.lazy.compactMap { $0[id] }.first?.object("metadata")
        guard let old, call.updatedMetadata(old).count > ParameterList.maximumKeys else { return }
        throw ParameterList.tooManyKeys("metadata")
    }
}

/// What the server hands in.
struct SimulatorRequest: Sendable {
    var method: String
    /// The path without the query, percent escapes as sent.
    var path: String
    var query: [UInt8] = []
    /// Names in lower case.
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []

    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

/// What the server sends.
struct SimulatorResponse: Sendable {
    var status: Int
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []
    /// The answer is to be held back so long.
    var delayMilliseconds: Int64 = 0
    /// The connection is to be torn instead of answering.
    var isTorn = false

    func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}
