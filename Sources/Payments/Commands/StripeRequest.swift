import Connections
import Expressions
import FlowEngine
import FlowLanguage

/// The requests that the commands make, without host and credentials.
enum StripeRequest {
    /// The most bytes of a form body.
    static let bodyBytesMax = 60 << 10

    static func get(_ path: String, _ call: CommandCall) -> OutsideRequest {
        OutsideRequest(connection: call.connection.name, method: "GET", path: path, effect: .safe)
    }

    static func post(_ path: String, _ body: String, key: String, _ call: CommandCall) -> OutsideRequest {
        OutsideRequest(
            connection: call.connection.name,
            method: "POST",
            path: path,
            body: Array(body.utf8),
            effect: .keyed,
            key: key
        )
    }

    /// - Throws: `Refusal` when a value has no form or there are too many.
    static func body(_ parameters: ValueMap) throws(Refusal) -> String {
        let body: String
        do {
            body = try StripeForm.encode(parameters)
        } catch {
            throw Refusal(
                code: "parameter_refused",
                message: "a parameter cannot be sent: \(error)",
                param: "customProps"
            )
        }
        guard body.utf8.count <= bodyBytesMax else {
            throw Refusal(code: "parameters_too_large", message: "the parameters are larger than \(bodyBytesMax) bytes")
        }
        return body
    }
}

extension BlockFailure {
    /// A failure that the payments themselves found.
    static func payments(
        _ code: String,
        _ message: String,
        status: Int = 400,
        param: String? = nil,
        retryable: Bool = false
    ) -> BlockFailure {
        BlockFailure(code: code, type: "payments", message: message, status: status, param: param, retryable: retryable)
    }
}
