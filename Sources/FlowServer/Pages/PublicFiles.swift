import Crypto
import Expressions
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// The files of an app's `public` folder, read once at the start: what is not among them does not exist.
///
/// A request's path is looked up and never turned into a file's name, so no path leads out of the folder.
package struct PublicFiles: Sendable {
    package struct File: Sendable, Hashable {
        let type: String
        let bytes: [UInt8]
        /// By its contents, so that browsers ask again and get the file only when it changed.
        let tag: String
    }

    /// Why a folder is not served.
    package struct Refusal: Error, CustomStringConvertible {
        package let description: String
    }

    /// Files of an app, and bytes of one and of all: they are held in memory.
    package static let countMax = 500, fileBytesMax = 4 << 20, bytesMax = 32 << 20
    /// First steps of paths that are the server's own.
    static let reserved: Set<String> = [
        "pages", "hooks", "events", "tables", "runs", "runnel", "admin", "healthz", "readyz", "metrics",
    ]
    private static let types = [
        "html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8",
        "json": "application/json", "txt": "text/plain; charset=utf-8", "svg": "image/svg+xml", "png": "image/png",
        "jpg": "image/jpeg", "webp": "image/webp", "avif": "image/avif", "ico": "image/x-icon",
        "woff2": "font/woff2", "webmanifest": "application/manifest+json",
    ]

    /// By path, from the slash.
    package let files: [String: File]

    /// None.
    package static let none = PublicFiles(files: [:])

    private init(files: [String: File]) { self.files = files }

    /// Reads `folder`; an app without it has no files.
    ///
    /// - Throws: `Refusal` for links, files of other kinds or names than can be served, and what is too large.
    package init(folder: String) throws {
        let root = URL(fileURLWithPath: folder, isDirectory: true)
        var files: [String: File] = [:]
        var total = 0
        let names: [String]
        do {
            names = try FileManager.default.subpathsOfDirectory(atPath: root.path)
        } catch {
            // An app without the folder has nothing to serve.
            guard !FileManager.default.fileExists(atPath: root.path) else {
                throw Refusal(description: "public/ cannot be read")
            }
            names = []
        }
        for name in names.sorted() where !Self.isHidden(name) {
            guard let file = try Self.file(name, below: root) else { continue }
            total += file.bytes.count
            guard files.count < Self.countMax, total <= Self.bytesMax else {
                throw Refusal(
                    description: "public/ holds more than \(Self.countMax) files or \(Self.bytesMax >> 20) MiB"
                )
            }
            files["/" + name] = file
            if name == "index.html" {
                files["/"] = file
            } else if name.hasSuffix("/index.html") {
                files["/" + name.dropLast("/index.html".count)] = file
            }
        }
        self.init(files: files)
    }

    /// The folder whose name RFC 8615 fixes is the one hidden name that is meant to be seen: proofs that a host is ours.
    private static let wellKnown = ".well-known"

    private static func isHidden(_ name: String) -> Bool {
        let steps = name.split(separator: "/")
        return (steps.first == Substring(wellKnown) ? steps.dropFirst() : steps[...])
            .contains { $0.hasPrefix(".") }
    }

    private static func file(_ name: String, below root: URL) throws -> File? {
        let path = root.appendingPathComponent(name).path
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        switch attributes[.type] as? FileAttributeType {
        case .typeDirectory?: return nil
        case .typeRegular?: break
        default: throw Refusal(description: "public/\(name) is a link or no file")
        }
        let steps = name.split(separator: "/")
        guard steps.allSatisfy(isPlain), let first = steps.first, !reserved.contains(String(first)) else {
            throw Refusal(
                description: "public/\(name): names are letters, digits, '.', '_' and '-', and none of the server's own"
            )
        }
        // Apple's and others' proofs are files whose names have no ending.
        let ending = (name as NSString).pathExtension.lowercased()
        let isProof = steps.count > 1 && first == wellKnown && ending.isEmpty
        guard let type = isProof ? "text/plain; charset=utf-8" : types[ending] else {
            let known = types.keys.sorted().joined(separator: ", ")
            throw Refusal(description: "public/\(name) is of no kind that is served: \(known)")
        }
        guard let bytes = FileManager.default.contents(atPath: path).map(Array.init), bytes.count <= fileBytesMax else {
            throw Refusal(description: "public/\(name) cannot be read, or is larger than \(fileBytesMax >> 20) MiB")
        }
        return File(type: type, bytes: bytes, tag: PublicRoutes.tag(of: bytes))
    }

    private static func isPlain(_ step: Substring) -> Bool {
        step.utf8.count <= 100
            && step.utf8.allSatisfy {
                (0x61...0x7A).contains($0 | 0x20) || (0x30...0x39).contains($0) || "._-".utf8.contains($0)
            }
    }
}

/// `GET /…`: the app's files, the widget's script and where Stripe's script is; all of it public.
struct PublicRoutes: Sendable {
    let files: PublicFiles
    let stripe: StripeScriptPlace

    func add(to table: inout RouteTable) {
        for (path, file) in files.files { add(file, at: path, to: &table) }
        let script = PackageResources.payment_js
        let widget = PublicFiles.File(
            type: "text/javascript; charset=utf-8",
            bytes: script,
            tag: Self.tag(of: script)
        )
        add(widget, at: "/runnel/payment.js", to: &table)
        table.add(.get, "/runnel/config.json", access: .anyone) { _, _ in try .json(["stripe": .string(stripe.script)])
        }
    }

    private func add(_ file: PublicFiles.File, at path: String, to table: inout RouteTable) {
        let policy = stripe.contentPolicy
        for method in [HTTPRequest.Method.get, .head] {
            table.add(method, path, access: .anyone) { request, _ in Self.response(file, request, policy: policy) }
        }
    }

    private static func response(_ file: PublicFiles.File, _ request: Request, policy: String) -> Response {
        let headers: HTTPFields = [
            .contentType: file.type, .eTag: file.tag, .cacheControl: "no-cache", .contentSecurityPolicy: policy,
            .referrerPolicy: "no-referrer", .openerPolicy: "same-origin", .resourcePolicy: "same-origin",
        ]
        guard request.headers[.ifNoneMatch] != file.tag else { return Response(status: .notModified, headers: headers) }
        // A HEAD says how long the file is; the server leaves the body out.
        return Response(
            status: .ok,
            headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: file.bytes))
        )
    }

    static func tag(of bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef")
        return "\""
            + SHA256.hash(data: bytes).prefix(16).map { "\(digits[Int($0 >> 4)])\(digits[Int($0 & 15)])" }
            .joined() + "\""
    }
}

/// Where pages load Stripe's script from, and what they may reach besides the server.
package struct StripeScriptPlace: Sendable, Hashable {
    /// The script's URL.
    package let script: String
    let contentPolicy: String

    /// Stripe's own; its script starts frames and further scripts on names below its own.
    package static let stripe = StripeScriptPlace(
        script: "https://js.stripe.com/v3/",
        scripts: "https://js.stripe.com https://*.js.stripe.com",
        connections: "https://api.stripe.com",
        frames: "https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com"
    )

    /// A simulator's at `origin`, such as `http://127.0.0.1:12111`.
    package static func simulator(_ origin: String) -> StripeScriptPlace {
        StripeScriptPlace(script: origin + "/v3/", scripts: origin, connections: origin, frames: "'none'")
    }

    /// Nothing is allowed but what is named: no inline script or style, no frame around the page, no plug-in.
    private init(script: String, scripts: String, connections: String, frames: String) {
        self.script = script
        contentPolicy = [
            "default-src 'none'", "script-src 'self' \(scripts)", "style-src 'self'", "img-src 'self' data:",
            "font-src 'self'", "manifest-src 'self'", "connect-src 'self' \(connections)", "frame-src \(frames)",
            "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
        ].joined(separator: "; ")
    }
}

extension HTTPField.Name {
    static let referrerPolicy = name("Referrer-Policy")
    static let openerPolicy = name("Cross-Origin-Opener-Policy")
    static let resourcePolicy = name("Cross-Origin-Resource-Policy")
}
