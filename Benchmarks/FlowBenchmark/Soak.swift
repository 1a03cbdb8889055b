import Foundation

/// A very long time at full speed: memory and file descriptors must stand still.
struct Soak {
    let folder: String
    let runs: Int

    func measure(_ report: inout Report) async throws {
        let machine = Machine()
        let parts = 20
        let samples = try await EngineLoad.with(folder: folder) { load in
            var samples: [(memory: Double, files: Int)] = []
            for part in 1...parts {
                try await load.run(runs / parts, concurrency: 256)
                samples.append((Machine.residentMebibytes, Machine.openFiles))
                let line =
                    "\(runs / parts * part) runs: \(Int(samples[part - 1].memory)) MiB, \(samples[part - 1].files) files\n"
                // At once, also into a file: a soak is watched.
                FileHandle.standardOutput.write(Data(line.utf8))
            }
            return samples
        }
        // The first fifth fills caches.
        let (early, late) = (samples[parts / 5], samples[parts - 1])
        report.add("soak: memory after a fifth", early.memory, "MiB", machine)
        report.add("soak: memory at the end", late.memory, "MiB", machine)
        report.add("soak: open files after a fifth", Double(early.files), "", machine)
        report.add("soak: open files at the end", Double(late.files), "", machine)
        guard late.memory < early.memory * 1.15 + 8, late.files <= early.files + 2 else {
            throw BenchmarkFailure("memory or files have grown over \(runs) runs")
        }
    }
}
