#!/usr/bin/env python3
"""Takes one feature out after the other and says which numbered test noticed.

Each mutation changes one place of the sources; the tests are built and the one that holds the number is run; the place
is put back. A mutation that no test notices, or whose place is not there any more, ends it with 1.

    Tests/PaymentsTests/mutations.py [--together] BUILD TEST [NAME …]

With `--together` all are made at once and built once, where building is dear: they lie apart, and each test is of its
own feature. BUILD builds the tests, TEST is given `--filter PATTERN`: `'swift build --build-tests' 'swift test --skip-build'`.
"""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# number, file, what stands there, what takes its place, the test that must turn red
MUTATIONS = [
    ("Z2", "Sources/Connections/Stripe/StripeCredentials.swift",
     "guard let key = StripeKey(text), key.kind == .publishable else {",
     "guard let key = StripeKey(text) else {",
     "PaymentsTests.CreatePaymentIntentTests/swappedKeys"),
    ("Z14", "Sources/Payments/Commands/ConfirmPaymentIntent.swift",
     "        try record(intent, payment: payment, call, in: ledger.transaction)\n", "",
     "PaymentsTests.ConfirmPaymentIntentTests/records"),
    ("Z15", "Sources/Payments/Emails/PaymentEmails.swift",
     "        try Self.check(call.data)\n", "",
     "PaymentsTests.ConfirmPaymentIntentTests/emailRules"),
    ("Z18", "Sources/Payments/Webhook/StripeWebhook.swift",
     "        guard event.mode == mode else { throw WebhookRefusal(.wrongMode) }\n", "",
     "PaymentsTests.CanaryTests/rolled"),
    ("M7", "Sources/Payments/States/RefundLedger.swift",
     '                ResolvedCondition("refundPending", .lte, ceiling),\n',
     '                ResolvedCondition("refundPending", .lte, .add(ceiling, .value(.int(1_000_000)))),\n',
     "PaymentsTests.RefundTests/fiftyAtOnce"),
    ("M11", "Sources/Payments/Webhook/PaymentsFeature+Events.swift",
     "            guard try CallbackClaims(transaction).open(claim, flow: flow.name) else { continue }\n",
     "            _ = try CallbackClaims(transaction).open(claim, flow: flow.name)\n",
     "PaymentsTests.CallbackTests/twoEndpoints"),
    ("M14", "Sources/Payments/Recurring/LowerRecurringAmount.swift",
     "        guard amount < invoice.amountDue else { return done }\n",
     "        guard amount < 0 else { return done }\n",
     "PaymentsTests.DueTests/lowers"),
    ("M16", "Sources/Payments/Callbacks/PaymentsFeature+Callbacks.swift",
     "        return paid == Money(settings.total(of: order) ?? payment.amount, currency)\n",
     "        _ = (paid, currency)\n        return true\n",
     "PaymentsTests.CallbackTests/otherAmount"),
    ("E2", "Sources/Payments/Money/StripeMoneyRules.swift",
     "        return threeDecimal.contains(currency) ? 10 : 1\n", "        return 1\n",
     "PaymentsTests.MoneyRulesTests"),
    ("E6", "Sources/Payments/States/PaymentStatus.swift",
     "        case .failed: 4\n        }\n    }\n\n    /// Which of", "        case .failed: -1\n        }\n    }\n\n    /// Which of",
     "PaymentsTests.RefundTests/pendingThenFailed"),
    ("E9", "Sources/Payments/Reconciliation/PaymentsReconciler.swift",
     "        try await takeMissedEvents(since: since, &report)\n        try await compareIntents(since: since, &report)\n",
     "        _ = since\n",
     "PaymentsTests.ReconcileTests/lostEvents"),
    ("E15", "Sources/Payments/Activation/PaymentsBinding.swift",
     "        guard unmatched.isEmpty else { return .unmatched(unmatched.sorted()) }\n", "",
     "PaymentsTests.MergeTests/binding"),
]


def run(command: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True)


def survivors(mutations: list, build: str, test: str) -> list:
    """Makes the mutations, tries their tests, puts every place back; gives the numbers that nothing noticed."""
    kept, lost = {}, []
    try:
        for number, path, old, new, _ in mutations:
            file = ROOT / path
            text = file.read_text()
            kept.setdefault(file, text)
            if text.count(old) != 1:
                print(f"{number}: the place is not there once: {path}")
                lost.append(number)
                continue
            file.write_text(text.replace(old, new))
        built = run(build)
        if built.returncode != 0:
            print(f"does not build\n{built.stdout[-2000:]}")
            return [mutation[0] for mutation in mutations]
        for number, _, _, _, pattern in mutations:
            tested = run(f"{test} --filter '{pattern}'")
            # Red must be the test's own word, not a crash of the tool or a filter that meets nothing.
            noticed = tested.returncode != 0 and "recorded an issue" in tested.stdout
            print(f"{number}: {'noticed by' if noticed else 'SURVIVES'} {pattern}", flush=True)
            if not noticed:
                lost.append(number)
    finally:
        for file, text in kept.items():
            file.write_text(text)
    return lost


def main() -> int:
    words = [word for word in sys.argv[1:] if word != "--together"]
    build, test, names = words[0], words[1], words[2:]
    chosen = [mutation for mutation in MUTATIONS if not names or mutation[0] in names]
    groups = [chosen] if "--together" in sys.argv else [[mutation] for mutation in chosen]
    return 1 if any([survivors(group, build, test) for group in groups]) else 0


if __name__ == "__main__":
    sys.exit(main())
