package import Expressions
package import FlowEngine
import FlowLanguage

/// One e-mail as SendGrid's `POST /v3/mail/send` takes it.
package struct SendGridMail: Sendable, Hashable {
    package enum Content: Sendable, Hashable {
        /// Plain text, and HTML beside it when there is some.
        case text(subject: String, text: String, html: String?)
        /// A dynamic template of SendGrid with its data.
        case template(id: String, data: ValueMap)
    }

    /// The most bytes of an e-mail's request; SendGrid itself takes 30 MB.
    package static let bytesMax = 256 << 10

    package var from: String
    package var to: String
    package var content: Content

    package init(from: String, to: String, content: Content) {
        self.from = from
        self.to = to
        self.content = content
    }

    /// What is wrong with it, in a sentence; nil when it can be sent.
    package var fault: String? {
        guard EmailAddress.isValid(from) else { return "the connection's `from` is not an e-mail address" }
        guard EmailAddress.isValid(to) else { return "the recipient is not an e-mail address" }
        switch content {
        case .text(let subject, let text, _):
            guard (1...200).contains(subject.count), !subject.contains(where: \.isNewline) else {
                return "a subject is one line of 1 to 200 characters"
            }
            guard !text.isEmpty else { return "the text is empty" }
        case .template(let id, _):
            guard id.hasPrefix("d-"), StripeID.isID(id.replacing("-", with: "_")) else {
                return "a dynamic template's id starts with d-"
            }
        }
        return (body?.count ?? .max) <= Self.bytesMax ? nil : "the e-mail is larger than \(Self.bytesMax) bytes"
    }

    /// The request's JSON; nil when a value of the template's data has no form in JSON.
    package var body: [UInt8]? {
        var personalization: ValueMap = ["to": [["email": .string(to)]]]
        var mail: ValueMap = [:]
        switch content {
        case .text(let subject, let text, let html):
            var parts: [Value] = [["type": "text/plain", "value": .string(text)]]
            if let html { parts.append(["type": "text/html", "value": .string(html)]) }
            mail["subject"] = .string(subject)
            mail["content"] = .list(parts)
        case .template(let id, let data):
            mail["template_id"] = .string(id)
            personalization["dynamic_template_data"] = .map(data)
        }
        mail["from"] = ["email": .string(from)]
        mail["personalizations"] = [.map(personalization)]
        return try? JSON.encode(.map(mail))  // Only bytes that are no JSON, such as NaN, have no form.
    }

    /// The request that sends it, once.
    package func request(through connection: String) -> OutsideRequest? {
        guard fault == nil, let body else { return nil }
        return OutsideRequest(
            connection: connection,
            method: "POST",
            path: SendGridService.path,
            headers: ["content-type": "application/json"],
            body: body,
            effect: .once
        )
    }

    /// The failure that an answer other than 2xx stands for.
    package static func failure(from answer: OutsideAnswer) -> BlockFailure {
        let error = (try? JSON.parse(answer.body))?["errors"]?.listValue?.first  // No JSON: the status says it.
        return BlockFailure(
            code: "email_refused",
            type: "sendgrid",
            message: error?["message"]?.stringValue.map { String($0.prefix(500)) }
                ?? "SendGrid answered \(answer.status) without saying why",
            status: answer.status,
            param: error?["field"]?.stringValue.map { String($0.prefix(100)) },
            retryable: answer.status == 429 || answer.status >= 500
        )
    }
}
