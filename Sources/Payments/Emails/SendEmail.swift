import Connections
import Expressions
import FlowEngine
import FlowLanguage

/// `send-email` and `send-template` of SendGrid: one e-mail, at most once; an unclear sending parks the run.
struct SendEmail: Command {
    enum Kind: String, Sendable, CaseIterable {
        case email = "send-email"
        case template = "send-template"
    }

    let kind: Kind
    let settings: PaymentsSettings

    static func declaration(_ kind: Kind) -> CommandDeclaration {
        let recipient = ParameterDeclaration(name: "to", type: .string, isRequired: true, summary: "One address")
        let content: [ParameterDeclaration] =
            switch kind {
            case .email:
                [
                    ParameterDeclaration(name: "subject", type: .string, isRequired: true, summary: "One line"),
                    ParameterDeclaration(name: "text", type: .string, isRequired: true, summary: "Plain text"),
                    ParameterDeclaration(name: "html", type: .string, summary: "The same as HTML"),
                ]
            case .template:
                [
                    ParameterDeclaration(
                        name: "templateId",
                        type: .string,
                        isRequired: true,
                        summary: "A dynamic template: d-…"
                    ),
                    ParameterDeclaration(name: "data", type: .map(.string, .dynamic), summary: "The template's data"),
                ]
            }
        return CommandDeclaration(
            name: kind.rawValue,
            summary: kind == .email ? "Sends an e-mail" : "Sends an e-mail made from a template",
            parameters: [recipient] + content,
            output: RecordType(
                name: "E-mail",
                fields: ["state": RecordType.Field(.string), "messageId": RecordType.Field(.string)]
            ),
            effect: .once
        )
    }

    var declaration: CommandDeclaration { Self.declaration(kind) }

    func begin(_ call: CommandCall, in transaction: any StoreTransaction) throws(StoreError) -> CommandStep {
        let mail = mail(call)
        guard mail.fault == nil, let request = mail.request(through: call.connection.name) else {
            return .fail(.payments("email_malformed", mail.fault ?? "the e-mail cannot be written as JSON"))
        }
        let hasKey = settings.emails.key(of: call.connection.name, mode: call.mode) != nil
        // Live mode without a key is a fault of the set-up, told when the request is to leave.
        let isSent = hasKey || call.mode == .live
        if let outbox = outbox(call, transaction) {
            let entry = EmailOutbox.Entry(purpose: "message", object: object(call), mail: mail)
            _ = try outbox.put(entry, hasKey: isSent)
        }
        guard isSent else {
            return .succeed(["state": .string(EmailOutbox.State.held.rawValue), "messageId": ""])
        }
        return .send(request)
    }

    func receive(
        _ answer: OutsideAnswer,
        to request: OutsideRequest,
        of call: CommandCall,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CommandStep {
        let failure = (200..<300).contains(answer.status) ? nil : SendGridMail.failure(from: answer)
        if let outbox = outbox(call, transaction) {
            let entry = EmailOutbox.Entry(purpose: "message", object: object(call), mail: mail(call))
            try outbox.settle(entry, failureCode: failure?.code)
        }
        if let failure { return .fail(failure) }
        let id = answer.headers["x-message-id"] ?? ""
        return .succeed(["state": .string(EmailOutbox.State.sent.rawValue), "messageId": .string(id)])
    }

    private func mail(_ call: CommandCall) -> SendGridMail {
        let text = { (name: String) in call.data[name]?.stringValue ?? "" }
        let content: SendGridMail.Content =
            switch kind {
            case .email: .text(subject: text("subject"), text: text("text"), html: call.data["html"]?.stringValue)
            case .template: .template(id: text("templateId"), data: call.data["data"]?.mapValue ?? [:])
            }
        let from = call.connection.settings["from"]?.stringValue ?? ""
        return SendGridMail(from: from, to: text("to"), content: content)
    }

    /// The same in `begin` and `receive` of one attempt, another one in every other.
    private func object(_ call: CommandCall) -> String {
        let address = call.address
        return "run \(address.run) \(address.path) visit \(address.visit) attempt \(address.attempt)"
    }

    /// The outbox's table comes with `payments:`; without it the journal alone shows what was sent.
    private func outbox(_ call: CommandCall, _ transaction: any StoreTransaction) -> EmailOutbox? {
        guard settings.declaration != nil else { return nil }
        return EmailOutbox(transaction, connection: call.connection.name, mode: call.mode, owner: call.address.run)
    }
}
