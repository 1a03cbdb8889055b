import Testing

/// A mistake that somebody makes in a copy of a sample, and the case that shows it.
///
/// Each passes undisturbed: only a certain order, crash or answer reveals it.
struct PlantedBug: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var sample: String
    var test: String
    var file: String
    var healthy: String
    var broken: String

    static let bugs = [
        PlantedBug(
            testDescription: "the shop reads its sales and writes what it read plus one",
            sample: "shop",
            test: "Two orders of a product",
            file: "flows/payment-callback.yaml",
            healthy: """
                          - id: countSale
                            block: update-record
                            table: products
                            where: { id: '${ blocks.order.product }' }
                            set: { sales: '${ record.sales + 1 }' }
                """,
            broken: """
                          - id: product
                            block: find-record
                            table: products
                            where: { id: '${ blocks.order.product }' }
                          - id: countSale
                            block: update-record
                            table: products
                            where: { id: '${ blocks.order.product }' }
                            set: { sales: '${ blocks.product.sales + 1 }' }
                """
        ),
        PlantedBug(
            testDescription: "the shop reads its sales, asks Stripe, and writes what it read plus one",
            sample: "shop",
            test: "Two orders of a product",
            file: "flows/payment-callback.yaml",
            healthy: """
                          - id: countSale
                            block: update-record
                            table: products
                            where: { id: '${ blocks.order.product }' }
                            set: { sales: '${ record.sales + 1 }' }
                """,
            broken: """
                          - id: product
                            block: find-record
                            table: products
                            where: { id: '${ blocks.order.product }' }
                          - id: intent
                            block: execute-connection-command
                            connection: stripe
                            command: retrieve-payment-intent
                            data: { paymentId: '${ blocks.handler.paymentId }' }
                          - id: countSale
                            block: update-record
                            table: products
                            where: { id: '${ blocks.order.product }' }
                            set: { sales: '${ blocks.product.sales + 1 }' }
                """
        ),
        PlantedBug(
            testDescription: "the shop notes a refund before it has asked Stripe for it",
            sample: "shop",
            test: "A paid order is given back once",
            file: "flows/refund-order.yaml",
            healthy: """
                  - id: refund
                    block: execute-connection-command
                """,
            broken: """
                  - id: noted
                    block: update-record
                    table: orders
                    where: { id: '${ input.orderId }' }
                    set: { status: REFUNDED }
                  - id: refund
                    block: execute-connection-command
                """
        ),
        PlantedBug(
            testDescription: "donations thanks before it has marked the donation paid",
            sample: "donations",
            test: "A donation arrives and is thanked for",
            file: "flows/payment-callback.yaml",
            healthy: """
                          - id: markPaid
                            block: update-record
                            table: donations
                            where: { id: '${ blocks.handler.orderId }', status: { in: [NEW, FAILED] } }
                            set: { status: PAID }
                          - id: thanks
                            block: execute-connection-command
                            when: blocks.donation.donor != null
                            connection: mail
                            command: send-email
                            data:
                              to: ${ blocks.donation.donor }
                              subject: Thank you
                              text: 'Your ${ money.format(blocks.donation.total, blocks.donation.currency) } has arrived.'
                """,
            broken: """
                          - id: thanks
                            block: execute-connection-command
                            when: blocks.donation.donor != null
                            connection: mail
                            command: send-email
                            data:
                              to: ${ blocks.donation.donor }
                              subject: Thank you
                              text: 'Your ${ money.format(blocks.donation.total, blocks.donation.currency) } has arrived.'
                          - id: markPaid
                            block: update-record
                            table: donations
                            where: { id: '${ blocks.handler.orderId }', status: { in: [NEW, FAILED] } }
                            set: { status: PAID }
                """
        ),
        PlantedBug(
            testDescription: "donations marks a refund itself when Stripe's answer is there, however late",
            sample: "donations",
            test: "A refund that fails after all",
            file: "flows/give-back.yaml",
            healthy: """
                      paymentId: ${ blocks.payment.id }               # without an amount: all that is left
                """,
            broken: """
                      paymentId: ${ blocks.payment.id }               # without an amount: all that is left
                  - id: marked
                    block: update-record
                    table: donations
                    where: { id: '${ input.donationId }' }
                    set: { status: REFUNDED }
                """
        ),
        PlantedBug(
            testDescription: "subscriptions lets a first charge that comes late bring back what has ended",
            sample: "subscriptions",
            test: "Who leaves at once",
            file: "flows/recurring-charge-callback.yaml",
            healthy: """
                          - id: markPaid
                            block: update-record
                            table: orders
                            where: { id: '${ blocks.handler.orderId }', status: NEW }
                """,
            broken: """
                          - id: markPaid
                            block: update-record
                            table: orders
                            where: { id: '${ blocks.handler.orderId }' }
                """
        ),
        PlantedBug(
            testDescription: "subscriptions takes back a refund that failed, whatever became of the order meanwhile",
            sample: "subscriptions",
            test: "Who leaves after a refund",
            file: "flows/refund-callback.yaml",
            healthy: """
                            where: { id: '${ blocks.handler.orderId }', status: REFUNDED }
                """,
            broken: """
                            where: { id: '${ blocks.handler.orderId }' }
                """
        ),
    ]
}
