#!/usr/bin/env python3
"""Takes one feature out after the other and says whether the test of its number notices.

All mutations are planted at once, each behind a switch that is off: `mutant("M7")` is true when the environment says
RUNNEL_MUTANT=M7. So one build does for all of them, and each test runs against exactly one missing feature. First every
test must be green with nothing taken out, then red with its own feature gone.

    Tests/PaymentsTests/mutations.py plant                    # puts the switches in; build the tests then
    Tests/PaymentsTests/mutations.py run TEST [NAME …]        # TEST is given `--filter PATTERN`: 'swift test --skip-build'
    Tests/PaymentsTests/mutations.py remove                   # takes them out again

`plant` ends with 1 when a place is not there any more, `run` when a mutation survives.
"""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

SWITCH = """import Foundation

/// Whether this run is to do without the feature of this name.
func mutant(_ name: String) -> Bool { ProcessInfo.processInfo.environment["RUNNEL_MUTANT"] == name }
"""

# name, which begins with the number; file; what stands there; what takes its place; the test that must turn red; and,
# where that test has many cases or many expectations, words that each complaint must hold and no other may be without
MUTATIONS = [
    ("Z2", "Sources/Connections/Stripe/StripeCredentials.swift",
     "key.kind == .publishable else {", 'key.kind == .publishable || mutant("Z2") else {',
     "PaymentsTests.CreatePaymentIntentTests/swappedKeys"),
    ("Z11", "Sources/Payments/Commands/CustomProperties.swift",
     "if let why = reserved[name] { throw", 'if let why = reserved[name], !mutant("Z11") { throw',
     "PaymentsTests.CreatePaymentIntentTests/reservedProperties"),
    ("Z14", "Sources/Payments/Commands/ConfirmPaymentIntent.swift",
     "        try record(intent, payment: payment, call, in: ledger.transaction)\n",
     '        if !mutant("Z14") { try record(intent, payment: payment, call, in: ledger.transaction) }\n',
     "PaymentsTests.ConfirmPaymentIntentTests/records"),
    ("Z15", "Sources/Payments/Emails/PaymentEmails.swift",
     "        try Self.check(call.data)\n", '        if !mutant("Z15") { try Self.check(call.data) }\n',
     "PaymentsTests.ConfirmPaymentIntentTests/emailRules"),
    ("Z18", "Sources/Payments/Webhook/StripeWebhook.swift",
     "guard event.mode == mode else", 'guard event.mode == mode || mutant("Z18") else',
     "PaymentsTests.CanaryTests/rolled"),
    ("Z20", "Sources/FlowServer/API/TableRoutes.swift",
     "guard caller.isAllowed(table.access.read) else", 'guard caller.isAllowed(table.access.read) || mutant("Z20") else',
     "FlowServerTests.AccessMatrixTests/matrix"),
    ("M4", "Sources/Payments/Activation/PaymentsActivation.swift",
     "guard !isRecurring || usesRecurringPayments(app) else { return nil }",
     'guard !isRecurring || usesRecurringPayments(app), !mutant("M4") || template.name != "refund-callback" else { return nil }',
     "PaymentsTests.ActivationTests/creates"),
    ("M7", "Sources/Payments/States/RefundLedger.swift",
     'ResolvedCondition("refundPending", .lte, ceiling)',
     'ResolvedCondition("refundPending", .lte, mutant("M7") ? .add(ceiling, .value(.int(1_000_000))) : ceiling)',
     "PaymentsTests.RefundTests/fiftyAtOnce"),
    ("M10", "Sources/Payments/Commands/AuditedCommand.swift",
     "guard case .fail(let failure) = step,", 'guard case .fail(let failure) = step, !mutant("M10"),',
     "PaymentsTests.AuditTests/refused", "try audit()"),
    ("M10-run", "Sources/FlowServer/API/RunRoutes.swift",
     "record.start.caller.isSamePerson(as: caller) else",
     'record.start.caller.isSamePerson(as: caller) || mutant("M10-run") else',
     "FlowServerTests.ForgeryTests/refused", "somebody else's run"),
    ("M11", "Sources/Payments/Webhook/PaymentsFeature+Events.swift",
     "guard try CallbackClaims(transaction).open(claim, flow: flow.name) else",
     'guard try CallbackClaims(transaction).open(claim, flow: flow.name) || mutant("M11") else',
     "PaymentsTests.CallbackTests/twoEndpoints"),
    ("M13", "Sources/Payments/Recurring/RecurringLedger.swift",
     "if status == .cancelled { return", 'if status == .cancelled, !mutant("M13") { return',
     "PaymentsTests.RecurringTests/lateEnd"),
    ("M14", "Sources/Payments/Recurring/LowerRecurringAmount.swift",
     "guard amount < invoice.amountDue else", 'guard amount < invoice.amountDue, !mutant("M14") else',
     "PaymentsTests.DueTests/lowers"),
    ("M15", "Sources/FlowServer/Subscriptions/ChangeRing.swift",
     "if change.kind != .delete, scope.covers(owner: owner) {",
     'if change.kind != .delete, scope.covers(owner: owner) || mutant("M15") {',
     "FlowServerTests.SubscriptionTests/changes"),
    ("M16", "Sources/Payments/Callbacks/PaymentsFeature+Callbacks.swift",
     "        return paid == Money(", '        return mutant("M16") || paid == Money(',
     "PaymentsTests.CallbackTests/otherAmount"),
    ("M16-charge", "Sources/Payments/Recurring/PaymentsFeature+Recurring.swift",
     ".bool(Money(amount, invoice.currency) == agreed)",
     '.bool(Money(amount, invoice.currency) == agreed || mutant("M16-charge"))',
     "PaymentsTests.RecurringTests/chargedAmount"),
    ("M16-price", "Sources/Payments/Recurring/RecurringPayment.swift",
     "guard amount == total else", 'guard amount == total || mutant("M16-price") else',
     "PaymentsTests.RecurringTests/otherPrice"),
    ("E2", "Sources/Payments/Money/StripeMoneyRules.swift",
     "return threeDecimal.contains(currency) ? 10 : 1",
     'return threeDecimal.contains(currency) && !mutant("E2") ? 10 : 1',
     "PaymentsTests.MoneyRulesTests"),
    ("E6", "Sources/Payments/States/PaymentStatus.swift",
     "        case .failed: 4\n        }\n    }\n\n    /// Which of",
     '        case .failed: mutant("E6") ? -1 : 4\n        }\n    }\n\n    /// Which of',
     "PaymentsTests.RefundTests/pendingThenFailed"),
    ("E7", "Sources/Payments/States/PaymentLedger.swift",
     "if moved == 1 { return true }", 'if moved == 1 || mutant("E7") { return true }',
     "PaymentsTests.EventOrderTests"),
    ("E8", "Sources/Payments/Callbacks/CallbackClaims.swift",
     "                set: succeeded\n", '                set: succeeded || mutant("E8")\n',
     "PaymentsTests.CallbackTests/claims"),
    ("E9", "Sources/Payments/Reconciliation/PaymentsReconciler.swift",
     "for types in Self.eventTypes {", 'for types in Self.eventTypes where !mutant("E9") {',
     "PaymentsTests.ReconcileTests/lostEvents"),
    ("E9-old", "Sources/Connections/Signatures/StripeSignature.swift",
     "                try checkTimeStamp(signedAt, now: now.seconds, tolerance: tolerance)\n",
     '                if !mutant("E9-old") { try checkTimeStamp(signedAt, now: now.seconds, tolerance: tolerance) }\n',
     "PaymentsTests.WebhookTests/refusesWhatIsNotStripes"),
    ("E9-signature", "Sources/Connections/Signatures/StripeSignature.swift",
     "where isEqualInConstantTime(signature, expected.utf8) {",
     'where mutant("E9-signature") || isEqualInConstantTime(signature, expected.utf8) {',
     "PaymentsTests.WebhookTests/refusesWhatIsNotStripes"),
    ("E12", "Sources/Payments/Commands/ConfirmPaymentIntent.swift",
     "SHA256.hash(data: Array(secret.utf8)) == SHA256.hash(data: Array(given.utf8))",
     'mutant("E12") || SHA256.hash(data: Array(secret.utf8)) == SHA256.hash(data: Array(given.utf8))',
     "PaymentsTests.ConfirmPaymentIntentTests/forged"),
    ("E14", "Sources/Payments/Recurring/LowerRecurringAmount.swift",
     "guard amount <= ceiling else", 'guard amount <= ceiling || mutant("E14") else',
     "PaymentsTests.DueTests/lowers"),
    ("E15", "Sources/Payments/Activation/PaymentsBinding.swift",
     "guard unmatched.isEmpty else", 'guard unmatched.isEmpty || mutant("E15") else',
     "PaymentsTests.MergeTests/binding"),
    ("M15-follow", "Sources/Payments/States/PaymentLedger+Followers.swift",
     "for table in [PaymentsTables.payments.name, PaymentsTables.recurringPayments.name] {",
     'for table in [PaymentsTables.payments.name, PaymentsTables.recurringPayments.name] where !mutant("M15-follow") {',
     "PaymentsTests.RecurringTests/followed"),
    ("Z7", "Sources/Payments/Callbacks/PaymentsFeature+Callbacks.swift",
     "invoice.isFirst, let subscription = invoice.subscription",
     'invoice.isFirst, !mutant("Z7"), let subscription = invoice.subscription',
     "PaymentsTests.SampleTests/trial"),
    ("M8", "Sources/Payments/Recurring/RecurringPayment.swift",
     "guard open.trialDays == call.data[\"trialDays\"]?.intValue else",
     'guard open.trialDays == call.data["trialDays"]?.intValue || mutant("M8") else',
     "PaymentsTests.RecurringTests/lostAnswer"),
    ("M16-parts", "Sources/Payments/Commands/CreatePaymentIntent.swift",
     "if let total, kept + money.minorUnits > total {",
     'if let total, kept + money.minorUnits > total, !mutant("M16-parts") {',
     "PaymentsTests.CreatePaymentIntentTests/parts"),
    ("Z6", "Sources/Payments/Commands/CreatePaymentIntent.swift",
     "own ?? given ?? settings.currency(of: call.connection)",
     'own ?? given ?? (mutant("Z6") ? "usd" : settings.currency(of: call.connection))',
     "PaymentsTests.CreatePaymentIntentTests/currencyOrder"),
    ("Z12", "Sources/Payments/Commands/CreatePaymentIntent.swift",
     "\"publishable_key\": .string(publishableKey),", '"publishable_key": .string(mutant("Z12") ? "" : publishableKey),',
     "PaymentsTests.CreatePaymentIntentTests/gives"),
    ("M6", "Sources/Payments/PaymentsFeature.swift",
     "case CreatePaymentIntent.singlePayment.name: return intents(",
     'case CreatePaymentIntent.singlePayment.name: return mutant("M6") ? nil : intents(',
     "PaymentsTests.CommandTests/singlePayment"),
    ("M3", "Sources/Payments/Recurring/PaymentsFeature+Recurring.swift",
     "guard try ledger.attach(intent: StripeIntentFacts(id: intent), to: payment) else",
     'guard !mutant("M3"), try ledger.attach(intent: StripeIntentFacts(id: intent), to: payment) else',
     "PaymentsTests.RecurringTests/refundOfACharge"),
    ("M12", "Sources/Payments/Callbacks/PaymentsFeature+Callbacks.swift",
     "            \"refundId\": .int(refund.id),\n            \"status\": .string(status.rawValue),",
     '            "refundId": .int(refund.id),\n            "status": .string(mutant("M12") ? "REFUNDED" : status.rawValue),',
     "PaymentsTests.RefundTests/pendingThenFailed"),
    ("M9", "Sources/FlowEngine/Scheduling/Turn+Commands.swift",
     "guard run.record.start.caller.isAllowed(connection.access[block.command] ?? []) else",
     'guard run.record.start.caller.isAllowed(connection.access[block.command] ?? []) || mutant("M9") else',
     "FlowEngineTests.EngineCommandTests/commandAccess"),
    ("E3", "Sources/Payments/Money/StripeMoneyRules.swift",
     "            return amount\n        case .uint(let amount)",
     '            return amount\n        case .double(let amount) where mutant("E3"): return Int64(amount)\n        case .uint(let amount)',
     "PaymentsTests.MoneyRulesTests/fractionsAreRefused"),
    ("E11", "Sources/Payments/PaymentsSettings.swift",
     "hasCurrency ? order[\"currency\"]?.stringValue?.lowercased() : nil",
     'hasCurrency && !mutant("E11") ? order["currency"]?.stringValue?.lowercased() : nil',
     "PaymentsTests.CreatePaymentIntentTests/currency"),
]


def switches() -> set:
    """One file for each target that has a mutation."""
    return {ROOT / "/".join(path.split("/")[:2]) / "Mutant.swift" for _, path, *_ in MUTATIONS}


def replace(forwards: bool) -> list:
    """Puts the switches in or takes them out; gives what is not where it should be."""
    lost = []
    for name, path, old, new, *_ in MUTATIONS if forwards else reversed(MUTATIONS):
        file = ROOT / path
        text = file.read_text()
        before, after = (old, new) if forwards else (new, old)
        if text.count(before) != 1:
            lost.append(f"{name}: the place is not there once: {path}")
            continue
        file.write_text(text.replace(before, after))
    return lost


def plant() -> int:
    lost = replace(True)
    for file in switches():
        file.write_text(SWITCH)
    print("\n".join(lost) or f"{len(MUTATIONS)} mutations are planted; build the tests")
    return 1 if lost else 0


def remove() -> int:
    lost = replace(False)
    for file in switches():
        file.unlink(missing_ok=True)
    print("\n".join(lost) or "the sources are as they were")
    return 1 if lost else 0


def is_red(test: str, pattern: str, name: str, wanted: str = "") -> tuple:
    """Whether the test failed by its own word and by nothing else, and its first line of complaint."""
    environment = dict(os.environ, RUNNEL_MUTANT=name)
    tested = subprocess.run(
        f"{test} --filter '{pattern}' 2>&1", shell=True, cwd=ROOT, capture_output=True, text=True, env=environment)
    words = [line for line in tested.stdout.splitlines() if "recorded an issue" in line]
    others = [line for line in words if wanted not in line]
    ran = "Test run with" in tested.stdout and "with 0 tests" not in tested.stdout
    if others:
        return False, f"of something else: {others[0][:160]}"
    return (tested.returncode != 0 and bool(words), words[0][:160] if words else "" if ran else "no test ran")


def run(test: str, names: list) -> int:
    survivors = 0
    for name, path, _, _, pattern, *words in MUTATIONS:
        if names and name not in names:
            continue
        red, complaint = is_red(test, pattern, "")
        noticed, said = is_red(test, pattern, name, *words)
        verdict = "RED WITHOUT IT" if red or complaint else "noticed" if noticed else "SURVIVES"
        survivors += verdict != "noticed"
        print(f"| {name} | {path.split('/')[-1]} | {pattern} | {verdict} | {complaint or said}", flush=True)
    return 1 if survivors else 0


def main() -> int:
    match sys.argv[1:]:
        case ["plant"]:
            return plant()
        case ["remove"]:
            return remove()
        case ["run", test, *names]:
            return run(test, names)
        case _:
            print(__doc__)
            return 64


if __name__ == "__main__":
    sys.exit(main())
