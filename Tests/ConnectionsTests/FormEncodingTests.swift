import Connections
import Expressions
import Testing

private let vectorsPath = "stripe/form-encoding-vectors.json"

@Suite("Stripe's form notation")
struct FormEncodingTests {
    /// What one official client wrote for one set of parameters.
    struct Written: Sendable, CustomTestStringConvertible {
        let name: String
        let parameters: Value
        let form: String
        var testDescription: String { name }
    }

    /// Calls of the second API version send JSON and are no vectors of the form notation.
    private static let written: [Written] = {
        guard let file = try? JSON.parse(SharedVectors.bytes(vectorsPath)) else { return [] }
        let python = (file["vectors"]?.listValue ?? []).compactMap { vector -> Written? in
            guard let parameters = vector["params"], !parameters.isNull, let verb = vector["verb"]?.stringValue,
                let form = vector[verb == "POST" ? "post_data" : "query_string"]?.stringValue, !form.hasPrefix("{")
            else { return nil }
            return Written(name: vector["test"]?.stringValue ?? "?", parameters: parameters, form: form)
        }
        let node = (file["nodeVectors"]?.listValue ?? []).compactMap { vector -> Written? in
            guard let parameters = vector["params"], let form = vector["encoded"]?.stringValue else { return nil }
            return Written(name: "node: \(form)", parameters: parameters, form: form)
        }
        return python + node
    }()

    private static let read: [Written] = {
        guard let file = try? JSON.parse(SharedVectors.bytes(vectorsPath)) else { return [] }
        return (file["decodeVectors"]?.listValue ?? []).compactMap { vector in
            guard let value = vector["decoded"], let form = vector["encoded"]?.stringValue else { return nil }
            return Written(name: form, parameters: value, form: form)
        }
    }()

    /// Within a value, Python's client encodes brackets and Node's does not; here they are encoded, as in Python.
    ///
    /// Servers read both alike. The one vector of Node's that shows this is compared with its brackets encoded.
    private static let differences = ["br=a[b]c": "br=a%5Bb%5Dc"]

    @Test("writes what the official clients write", .enabled(if: SharedVectors.exist(vectorsPath)), arguments: written)
    func encodes(vector: Written) throws {
        #expect(try StripeForm.encode(vector.parameters) == Self.differences[vector.form] ?? vector.form)
    }

    @Test("reads what Stripe's side reads", .enabled(if: SharedVectors.exist(vectorsPath)), arguments: read)
    func decodes(vector: Written) throws {
        #expect(try .map(StripeForm.decode(vector.form)) == vector.parameters)
    }

    @Test("no vector is lost on the way", .enabled(if: SharedVectors.exist(vectorsPath)))
    func counts() {
        #expect(Self.written.count >= 250 && Self.read.count >= 17)
    }

    @Test("numbers are plain decimals, moments are seconds, absent optionals leave no trace")
    func kinds() throws {
        let moment = try #require(Timestamp(seconds: 1_700_000_000, nanoseconds: 999_999_999))
        let map: Value = [
            "whole": 5.0, "third": 0.25, "small": 1.5e-7, "large": .double(1.25e20), "negative": -2e-5,
            "u": .uint(.max), "at": .timestamp(moment), "no": .optional(.none), "yes": .optional(OptionalValue(1)),
        ]
        let expected = [
            "whole=5", "third=0.25", "small=0.00000015", "large=125000000000000000000", "negative=-0.00002",
            "u=18446744073709551615", "at=1700000000", "yes=1",
        ]
        #expect(try StripeForm.encode(map) == expected.joined(separator: "&"))
    }

    @Test("a key that would change its own place is refused, and the author is told what to write")
    func brackets() throws {
        for map in [["a[b]": 1], ["metadata": ["x][amount": 1]], ["": 1], ["a": [1: 2]]] as [Value] {
            let error = try #require(throws: FormError.self) { try StripeForm.encode(map) }
            #expect(error.code == .malformedKey)
        }
        let error = try #require(throws: FormError.self) { try StripeForm.encode(["metadata": ["a[b]": 1]] as Value) }
        #expect("\(error)".contains("metadata[a[b]]"))
    }

    @Test("what a form cannot say is refused with its place")
    func unsupported() throws {
        for value in [.bytes([1]), .duration(.seconds(1)), .double(.nan), .double(.infinity)] as [Value] {
            let error = try #require(throws: FormError.self) { try StripeForm.encode(["a": ["b": [value]]] as Value) }
            #expect(error.code == .unsupportedKind && error.parameter == "a[b][0]")
        }
        #expect(throws: FormError.self) { try StripeForm.encode(.list([1])) }
    }

    @Test("depth and size have an end, both ways")
    func bounds() throws {
        func nested(_ levels: Int) -> Value { (0..<levels).reduce(1) { inner, _ in ["a": inner] } }
        #expect(try StripeForm.encode(nested(32)).hasSuffix("=1"))
        #expect(throws: FormError.self) { try StripeForm.encode(nested(33)) }
        #expect(throws: FormError.self) { try StripeForm.encode(nested(5_000)) }
        let large: Value = ["a": .string(String(repeating: "é", count: 1 << 19))]
        #expect(throws: FormError.self) { try StripeForm.encode(large) }
        let many: Value = ["a": .list(Array(repeating: 1, count: 10_001))]
        #expect(throws: FormError.self) { try StripeForm.encode(many) }
        #expect(try StripeForm.decode("a" + String(repeating: "[b]", count: 31) + "=1").count == 1)
        #expect(throws: FormError.self) { try StripeForm.decode("a" + String(repeating: "[b]", count: 32) + "=1") }
        #expect(throws: FormError.self) { try StripeForm.decode(String(repeating: "a", count: (1 << 20) + 1)) }
        #expect(throws: FormError.self) { try StripeForm.decode(String(repeating: "a[]=1&", count: 10_001)) }
    }

    @Test(
        "a form that says two things at once, or nothing clear, is refused",
        arguments: [
            ("a=1&a=2", FormError.Code.conflictingKeys), ("a=1&a[b]=2", .conflictingKeys),
            ("a[b]=1&a[]=2", .conflictingKeys), ("a[]=1&a[0]=2", .conflictingKeys), ("a[b]=1&a=2", .conflictingKeys),
            ("[a]=1", .malformedKey), ("a[b=1", .malformedKey), ("a]=1", .malformedKey), ("a[b]c=1", .malformedKey),
            ("a[[b]]=1", .malformedKey), ("=1", .malformedKey), ("a=%", .malformedEncoding),
            ("a=%G1", .malformedEncoding), ("a=%2", .malformedEncoding), ("a=%FF", .malformedEncoding),
        ]
    )
    func refused(form: String, code: FormError.Code) throws {
        let error = try #require(throws: FormError.self) { try StripeForm.decode(form) }
        #expect(error.code == code)
    }

    @Test("what is written is read back as the same texts")
    func roundTrip() throws {
        let value: Value = [
            "a b&c=d%": "x&y=z+%", "list": ["1", ["k": "v"], "3"], "unicode": "🪷", "map": ["10": "a", "x": "b"],
        ]
        #expect(try .map(StripeForm.decode(StripeForm.encode(value))) == value)
    }

    @Test("a large form is read in time that grows with its size")
    func manyPairs() throws {
        let form = (0..<10_000).map { "m[k\($0)]=\($0)" }.joined(separator: "&")
        #expect(try StripeForm.decode(form)["m"]?.mapValue?.count == 10_000)
    }
}
