import ArgumentParser
import FlowLanguage
import FlowTesting
import Foundation

struct GraphCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "graph",
        abstract: "Draws the graphs of an app's flows.",
        discussion: "With --coverage, what the test cases exercise is drawn green and what they leave out red."
    )

    enum Format: String, ExpressibleByArgument, CaseIterable { case text, mermaid, svg }

    @Argument(help: "The app's folder.") var app: String = "."
    @Argument(help: "The flow; default: all of them.") var flow: String?
    @Option(help: "text, mermaid or svg.") var format = Format.text
    @Flag(help: "Play the test cases first, and mark what they exercise.") var coverage = false
    @Option(help: "Write to this file; for several flows, one file each in this folder.") var output: String?

    func run() async throws {
        try await reporting {
            let loaded = try LoadedCases.load(app)
            let graphs = loaded.app.flows.values.sorted { $0.name < $1.name }.filter { flow == nil || $0.name == flow }
            guard !graphs.isEmpty else {
                let names = loaded.app.flows.keys.sorted().joined(separator: ", ")
                throw CommandFailure("\(loaded.app.name) has no flow '\(flow ?? "")'; it has \(names)")
            }
            let passages = coverage ? try await loaded.play(progress: nil).passages : nil
            if format != .text, graphs.count > 1, output == nil {
                throw CommandFailure("a \(format.rawValue) drawing holds one flow: name one, or a folder with --output")
            }
            for graph in graphs {
                try write(text(of: graph, passages, loaded.app), of: graph, isAlone: graphs.count == 1)
            }
        }
    }

    private func text(of graph: FlowGraph, _ passages: Passages?, _ app: App) -> String {
        switch format {
        case .mermaid: return MermaidText.render(DrawnGraph(graph, passages: passages))
        case .svg: return SVGDrawing(DrawnGraph(graph, passages: passages)).text
        case .text:
            var text = FlowGraphText.render(graph)
            if let passages {
                let report = CoverageReport(app: app, passages: passages)
                text += report.flows.first { $0.graph.name == graph.name }?.text ?? ""
            }
            return text
        }
    }

    private func write(_ text: String, of graph: FlowGraph, isAlone: Bool) throws {
        guard let output else { return Console.data(text) }
        var target = URL(filePath: output)
        if !isAlone {
            try OutputFile.makeFolder(output)
            let ending = ["text": "txt", "mermaid": "mmd", "svg": "svg"][format.rawValue] ?? "txt"
            target = target.appending(path: "\(graph.name).\(ending)")
        }
        try OutputFile.write(text.utf8, to: target.path)
    }
}
