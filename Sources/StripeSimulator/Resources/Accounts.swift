extension Ledger {
    static let accountRoutes: [Route] = [
        .get("account") { ledger, _ throws(StripeError) in ledger.account(ledger.accountID) },
        .get("accounts/:id") { ledger, call throws(StripeError) in
            // Any connected account is taken to be there, as `Stripe-Account` takes it.
            let name = call.id.dropFirst("acct_".count)
            guard call.id.hasPrefix("acct_"), !name.isEmpty, call.id.utf8.count <= 64,
                name.utf8.allSatisfy({ byte in
                    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                })
            else {
                throw StripeError(
                    status: 403,
                    code: "account_invalid",
                    "The provided key does not have access to account '\(call.id.prefix(64))' (or that account does "
                        + "not exist). Application access may have been revoked."
                )
            }
            return ledger.account(call.id)
        },
    ]

    /// An account that has been set up and may charge and pay out: the members of the recorded one, with nobody's data.
    private func account(_ id: String) -> JSONObject {
        let due: JSONObject = [
            "alternatives": [], "current_deadline": nil, "currently_due": [], "disabled_reason": nil, "errors": [],
            "eventually_due": [], "past_due": [], "pending_verification": [],
        ]
        let isOwn = id == accountID
        var account: JSONObject = [
            "id": .string(id), "object": "account", "business_profile": Self.businessProfile,
            "business_type": isOwn ? "company" : "individual",
            "capabilities": isOwn
                ? ["card_payments": "active", "transfers": "active"] : ["transfers": "active"],
            "charges_enabled": true, "company": ["name": isOwn ? "Simulated Business" : nil],
            "controller": isOwn ? ["type": "account"] : Self.platformController, "country": "US",
            "created": .int(Self.accountsSince), "default_currency": "usd", "details_submitted": true,
            "email": "owner@example.com", "external_accounts": Self.emptyList("/v1/accounts/\(id)/external_accounts"),
            "future_requirements": .object(due), "login_links": Self.emptyList("/v1/accounts/\(id)/login_links"),
            "metadata": [:], "payouts_enabled": true, "requirements": .object(due), "settings": Self.accountSettings,
            "tos_acceptance": ["date": .int(Self.accountsSince)], "type": isOwn ? "standard" : "express",
        ]
        if !isOwn { account["individual"] = Self.owner(of: id) }
        return account
    }

    private static func owner(of account: String) -> JSONValue {
        [
            "id": .string("person_" + account.dropFirst("acct_".count).prefix(14)), "object": "person",
            "account": .string(account), "created": .int(accountsSince), "first_name": "Example", "last_name": "Owner",
            "relationship": [
                "authorizer": false, "director": false, "executive": false, "legal_guardian": false, "owner": false,
                "percent_ownership": nil, "representative": true, "title": nil,
            ],
        ]
    }

    /// 2025-01-01: before anything that is made in the account.
    private static let accountsSince: Int64 = 1_735_689_600

    private static func emptyList(_ url: String) -> JSONValue {
        ["object": "list", "data": [], "has_more": false, "total_count": 0, "url": .string(url)]
    }

    private static let businessProfile: JSONValue = [
        "annual_revenue": nil, "estimated_worker_count": nil, "mcc": nil,
        "minority_owned_business_designation": nil, "name": "Simulated Business",
        "specified_commercial_transactions_act_url": nil, "support_address": nil, "support_email": nil,
        "support_phone": nil, "support_url": nil, "url": "https://example.com",
    ]

    private static let platformController: JSONValue = [
        "fees": ["payer": "application_express"], "is_controller": true, "losses": ["payments": "application"],
        "requirement_collection": "stripe", "stripe_dashboard": ["type": "express"], "type": "application",
    ]

    private static let accountSettings: JSONValue = [
        "bacs_debit_payments": ["display_name": nil, "service_user_number": nil],
        "branding": ["icon": nil, "logo": nil, "primary_color": nil, "secondary_color": nil],
        "card_issuing": ["tos_acceptance": ["date": nil, "ip": nil]],
        "card_payments": [
            "decline_on": ["avs_failure": false, "cvc_failure": false], "statement_descriptor_prefix": nil,
            "statement_descriptor_prefix_kana": nil, "statement_descriptor_prefix_kanji": nil,
        ],
        "dashboard": ["display_name": "Simulated Business", "timezone": "Etc/UTC"],
        "invoices": ["default_account_tax_ids": nil, "hosted_payment_method_save": "always"],
        "payments": [
            "statement_descriptor": "EXAMPLE.COM", "statement_descriptor_kana": nil,
            "statement_descriptor_kanji": nil,
        ],
        "payouts": [
            "debit_negative_balances": true, "schedule": ["delay_days": 2, "interval": "daily"],
            "statement_descriptor": nil,
        ],
        "sepa_debit_payments": [:],
    ]
}
