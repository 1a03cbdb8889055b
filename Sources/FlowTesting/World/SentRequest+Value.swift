import Connections
import Expressions
import FlowEngine

extension SentRequest {
    /// As expectations see it; a body is read where it is JSON or a form.
    var value: Value {
        [
            "connection": .string(connection), "method": .string(request.method), "path": .string(request.path),
            "body": body, "key": .string(request.key ?? ""), "status": .int(Int64(status)),
        ]
    }

    private var body: Value {
        if request.body.isEmpty { return .null }
        let text = String(decoding: request.body, as: UTF8.self)
        if service == "stripe", let form = try? StripeForm.decode(text) { return .map(form) }
        return (try? JSON.parse(request.body)) ?? .string(text)
    }

    /// The e-mail that the request sends, if it is one and was taken.
    var email: Value? {
        guard service == "sendgrid", (200..<300).contains(status), let mail = try? JSON.parse(request.body) else {
            return nil
        }
        let recipient = mail["personalizations"]?.listValue?.first?["to"]?.listValue?.first?["email"]
        return [
            "connection": .string(connection), "to": recipient ?? .null,
            "subject": mail["subject"] ?? mail["template_id"] ?? "",
            "text": mail["content"]?.listValue?.first?["value"] ?? "",
        ]
    }
}
