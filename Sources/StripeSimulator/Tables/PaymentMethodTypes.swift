/// The types of payment methods that an intent, a set-up or a session can take (the enumerations of the official types).
enum PaymentMethodTypes {
    static func isKnown(_ type: String) -> Bool { known.contains(type) }

    private static let known = Set(
        """
        ach_credit_transfer ach_debit acss_debit affirm afterpay_clearpay alipay alma amazon_pay au_becs_debit
        bacs_debit bancontact billie bizum blik boku_promptpay boleto capchase_pay card card_present cashapp
        check_scan click_to_pay crypto custom customer_balance demo_pay duitnow dummy_auth_push
        dummy_passthrough_card edenred eps fpx gcash getbalance gift_card giropay gopay grabpay id_bank_transfer
        ideal interac_present jp_credit_transfer kakao_pay klarna knet konbini kr_card kr_market kriya link mb_way
        mobilepay momo mondu multibanco naver_pay netbanking ng_bank ng_bank_transfer ng_card ng_market ng_ussd
        ng_wallet nz_bank_account octopus oxxo p24 paper_check pay_by_bank payco paynow paypal paypay payto pix
        promptpay qris rechnung revolut_pay samsung_pay satispay scalapay sepa_credit_transfer sepa_debit sequra
        shop_pay shopeepay sofort south_korea_market stripe_balance sunbit swish tamara test_pay truemoney twint upi
        us_bank_account us_cash_voucher vipps wechat_pay wero zip
        """.split { $0.isWhitespace }.map(String.init)
    )
}
