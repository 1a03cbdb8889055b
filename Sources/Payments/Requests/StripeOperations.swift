/// The operations of Stripe's API v1 that `request` knows, by name.
///
/// Source: Stripe's published client libraries, version 2026-08-26.dahlia, the 177 operations around payments,
/// customers, products, subscriptions and invoices. One line for each resource: its name, its path, its operations. An
/// operation that is not one of the six usual ones says its verb and what follows the path; what it cannot do without
/// stands in brackets.
enum StripeOperations {
    static let all: [String: StripeOperation] = {
        var all: [String: StripeOperation] = [:]
        for line in table.split(separator: "\n") {
            let words = line.split(separator: " ")
            for word in words.dropFirst(2) {
                let operation = StripeOperation(resource: words[0], path: words[1], word: word)
                all[operation.name] = operation
            }
        }
        return all
    }()

    /// In alphabetical order.
    static let names = all.keys.sorted()

    private static let table = """
        balance /v1/balance retrieve=GET
        balanceTransactions /v1/balance_transactions list retrieve
        charges /v1/charges list create retrieve update search(query) capture=POST/{id}/capture
        confirmationTokens /v1/confirmation_tokens retrieve
        coupons /v1/coupons del retrieve update list create
        creditNotes /v1/credit_notes list create(invoice) retrieve update preview=GET/preview(invoice) \
            voidCreditNote=POST/{id}/void listPreviewLineItems=GET/preview/lines(invoice) \
            listLineItems=GET/{id}/lines
        customers /v1/customers del retrieve update deleteDiscount=DELETE/{id}/discount list create \
            search(query) listBalanceTransactions=GET/{id}/balance_transactions \
            createBalanceTransaction=POST/{id}/balance_transactions(amount,currency) \
            retrieveBalanceTransaction=GET/{customerId}/balance_transactions/{id} \
            updateBalanceTransaction=POST/{customerId}/balance_transactions/{id} \
            retrieveCashBalance=GET/{id}/cash_balance updateCashBalance=POST/{id}/cash_balance \
            listCashBalanceTransactions=GET/{id}/cash_balance_transactions \
            retrieveCashBalanceTransaction=GET/{customerId}/cash_balance_transactions/{id} \
            createFundingInstructions=POST/{id}/funding_instructions(bank_transfer.type,currency,funding_type) \
            listPaymentMethods=GET/{id}/payment_methods \
            retrievePaymentMethod=GET/{customerId}/payment_methods/{id} listSources=GET/{id}/sources \
            createSource=POST/{id}/sources(source) retrieveSource=GET/{customerId}/sources/{id} \
            updateSource=POST/{customerId}/sources/{id} deleteSource=DELETE/{customerId}/sources/{id} \
            verifySource=POST/{customerId}/sources/{id}/verify deleteTaxId=DELETE/{customerId}/tax_ids/{id} \
            retrieveTaxId=GET/{customerId}/tax_ids/{id} listTaxIds=GET/{id}/tax_ids \
            createTaxId=POST/{id}/tax_ids(type,value)
        disputes /v1/disputes list retrieve update close=POST/{id}/close
        events /v1/events list retrieve
        invoiceItems /v1/invoiceitems del retrieve update list create
        invoicePayments /v1/invoice_payments list retrieve
        invoices /v1/invoices del retrieve update list create search(query) addLines=POST/{id}/add_lines \
            attachPayment=POST/{id}/attach_payment finalizeInvoice=POST/{id}/finalize \
            markUncollectible=POST/{id}/mark_uncollectible pay=POST/{id}/pay removeLines=POST/{id}/remove_lines \
            sendInvoice=POST/{id}/send updateLines=POST/{id}/update_lines voidInvoice=POST/{id}/void \
            createPreview=POST/create_preview listLineItems=GET/{id}/lines \
            updateLineItem=POST/{invoiceId}/lines/{id}
        mandates /v1/mandates retrieve
        paymentIntents /v1/payment_intents list create(amount,currency) retrieve update search(query) \
            applyCustomerBalance=POST/{id}/apply_customer_balance cancel=POST/{id}/cancel \
            capture=POST/{id}/capture confirm=POST/{id}/confirm \
            incrementAuthorization=POST/{id}/increment_authorization(amount) \
            verifyMicrodeposits=POST/{id}/verify_microdeposits \
            listAmountDetailsLineItems=GET/{id}/amount_details_line_items
        paymentMethods /v1/payment_methods list create retrieve update attach=POST/{id}/attach \
            detach=POST/{id}/detach
        payouts /v1/payouts list create(amount,currency) retrieve update cancel=POST/{id}/cancel \
            reverse=POST/{id}/reverse
        plans /v1/plans del retrieve update list create(currency,interval)
        prices /v1/prices list create(currency) retrieve update search(query)
        products /v1/products del retrieve update list create(name) search(query) \
            deleteFeature=DELETE/{productId}/features/{id} retrieveFeature=GET/{productId}/features/{id} \
            listFeatures=GET/{id}/features createFeature=POST/{id}/features(entitlement_feature)
        promotionCodes /v1/promotion_codes list create(promotion.type) retrieve update
        refunds /v1/refunds list create retrieve update cancel=POST/{id}/cancel
        setupAttempts /v1/setup_attempts list(setup_intent)
        setupIntents /v1/setup_intents list create retrieve update cancel=POST/{id}/cancel \
            confirm=POST/{id}/confirm verifyMicrodeposits=POST/{id}/verify_microdeposits
        subscriptionItems /v1/subscription_items del retrieve update list(subscription) create(subscription)
        subscriptions /v1/subscriptions cancel=DELETE/{id} retrieve update deleteDiscount=DELETE/{id}/discount \
            list create search(query) migrate=POST/{id}/migrate(billing_mode.type) resume=POST/{id}/resume \
            pause=POST/{id}/pause
        tokens /v1/tokens retrieve create
        webhookEndpoints /v1/webhook_endpoints del retrieve update list create(enabled_events,url)
        checkout.sessions /v1/checkout/sessions list create retrieve update expire=POST/{id}/expire \
            listLineItems=GET/{id}/line_items
        testHelpers.testClocks /v1/test_helpers/test_clocks del retrieve list create(frozen_time) \
            advance=POST/{id}/advance(frozen_time)
        """
}
