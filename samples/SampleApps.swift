/// The sample apps, inside the command: `runnel init` and `runnel demo` need no checkout.
package struct SampleApp: Sendable {
    package struct File: Sendable {
        /// From the app's folder: `flows/checkout.yaml`.
        package let path: String
        package let contents: [UInt8]
    }

    package let name: String
    package let files: [File]

    /// A shop with card payments and refunds.
    package static let shop = SampleApp(
        name: "shop",
        files: [
            File(path: "app.yaml", contents: PackageResources.app_yaml),
            File(path: "flows/add-product.yaml", contents: PackageResources.add_product_yaml),
            File(path: "flows/place-order.yaml", contents: PackageResources.place_order_yaml),
            File(path: "flows/checkout.yaml", contents: PackageResources.checkout_yaml),
            File(path: "flows/buy.yaml", contents: PackageResources.buy_yaml),
            File(path: "flows/confirm.yaml", contents: PackageResources.confirm_yaml),
            File(path: "flows/refund-order.yaml", contents: PackageResources.refund_order_yaml),
            File(path: "flows/payment-callback.yaml", contents: PackageResources.payment_callback_yaml),
            File(path: "flows/refund-callback.yaml", contents: PackageResources.refund_callback_yaml),
            File(path: "public/index.html", contents: PackageResources.index_html),
            File(path: "public/shop.css", contents: PackageResources.shop_css),
            File(path: "public/shop.js", contents: PackageResources.shop_js),
            File(path: "public/shop.svg", contents: PackageResources.shop_svg),
            File(path: "tests/orders.yaml", contents: PackageResources.orders_yaml),
            File(path: "tests/payments.yaml", contents: PackageResources.payments_yaml),
            File(path: "tests/refunds.yaml", contents: PackageResources.refunds_yaml),
        ]
    )
}
