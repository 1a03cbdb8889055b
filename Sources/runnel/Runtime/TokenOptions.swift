import ArgumentParser
import FlowServer
import Foundation

/// Whose JSON Web Tokens a server takes.
struct TokenOptions: ParsableArguments {
    @Option(help: "A JSON Web Key Set (HS256, RS256, ES256): bearer tokens under its keys name their callers.")
    var jwks: String?
    @Option(help: "What `iss` of a token must be; needed with --jwks.") var jwtIssuer: String?
    @Option(help: "What must be among `aud` of a token; needed with --jwks.") var jwtAudience: String?
    @Option(help: "The claim that holds the roles.") var jwtRoles = "roles"

    /// Nil without `--jwks`.
    func verifier() throws -> TokenVerifier? {
        guard let jwks else { return nil }
        guard let jwtIssuer, let jwtAudience, !jwtIssuer.isEmpty, !jwtAudience.isEmpty else {
            throw CommandFailure(
                "--jwks needs --jwt-issuer and --jwt-audience: a token for another app is none for this"
            )
        }
        guard let bytes = FileManager.default.contents(atPath: jwks) else {
            throw CommandFailure("\(jwks) cannot be read")
        }
        do {
            return try TokenVerifier(
                keySet: Array(bytes),
                expecting: .init(issuer: jwtIssuer, audience: jwtAudience, rolesClaim: jwtRoles)
            )
        } catch {
            throw CommandFailure("\(jwks): \(error)")
        }
    }
}
