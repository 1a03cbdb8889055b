"""Evaluations per second of the benchmark's expressions with PyPI cel-expr-python, called the way its users call it."""
import time

from cel_expr_python import cel

T = cel.Type
SUBJECTS = [
    ("condition", "blocks.handler.paymentStatus == 'SUCCEEDED' && !blocks.handler.callbackProcessed",
     {"blocks": T.MAP},
     {"blocks": {"handler": {"orderId": 7, "paymentId": 12, "paymentStatus": "SUCCEEDED", "callbackProcessed": False,
                             "callbackState": "new", "orderAlreadyPaid": False, "amountMatches": True}}}),
    ("arithmetic", "(a + b * 3 - c) * (a - 2) + (b + c) * (c - a) + a * b - c * 2 + 7 - b",
     {"a": T.INT, "b": T.INT, "c": T.INT}, {"a": 11, "b": 5, "c": 3}),
    ("records", "records.filter(r, r.total > 500 && r.status == 'PAID').map(r, r.total * 2)",
     {"records": T.LIST},
     {"records": [{"id": n, "total": n * 13 % 1000, "status": "PAID" if n % 2 == 0 else "NEW"} for n in range(100)]}),
]
for name, text, variables, data in SUBJECTS:
    expression = cel.NewEnv(variables=variables).compile(text)
    best = 0.0
    for _ in range(5):
        count, start = 0, time.process_time()
        while time.process_time() - start < 0.1:
            for _ in range(20):
                expression.eval(data=data).value()
            count += 20
        best = max(best, count / (time.process_time() - start))
    print(f"{name}: {best:.0f} evaluations/s")
