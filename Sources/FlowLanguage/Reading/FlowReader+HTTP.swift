/// An `http-request` as it was written.
struct HTTPRequestSource {
    var connection: Located<String>?
    var url: YAMLNode?
    var method: Located<HTTPMethod>?
    var path: YAMLNode?
    var headers: [YAMLPair]
    var query: YAMLNode?
    var body: YAMLNode?
    var expect: YAMLNode?
    var effect: Effect?
}

extension FlowReader {
    func readHTTPRequest(_ reader: inout MappingReader) -> BlockBody {
        .httpRequest(
            HTTPRequestSource(
                connection: reader.text("connection"),
                url: reader.value("url"),
                method: reader.choice("method", of: HTTPMethod.self),
                path: reader.value("path"),
                headers: reader.value("headers").flatMap { context.pairs(of: $0, what: "'headers'") } ?? [],
                query: reader.value("query"),
                body: reader.value("body"),
                expect: reader.value("expect"),
                effect: reader.choice("effect", of: Effect.self)?.value
            )
        )
    }
}
