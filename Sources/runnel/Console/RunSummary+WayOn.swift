import FlowEngine
import FlowServer

extension RunSummary {
    /// What an operator does about a run that is not over; `place` names the app and its data as a command takes them.
    func wayOn(at place: String, isServed: Bool) -> String {
        let command = { (word: String) in "`runnel runs \(word) \(id) \(place)`" }
        let server = isServed ? "" : ", and `runnel serve \(place)` goes on with it"
        return switch status {
        case .paused: "run \(id) is paused; \(command("resume")) lets it go on\(server)"
        case .quarantined:
            "run \(id) is quarantined, since the process ended in it again and again; "
                + "\(command("resume")) gives it another try\(server)"
        case .outcomeUnknown:
            "nobody knows what became of a request of run \(id); look it up at the service, and say so with "
                + "\(command("settle"))\(server)"
        case .queued, .running, .waiting, .retrying, .succeeded, .failed, .cancelled:
            isServed
                ? "run \(id) is not over; `runnel runs show \(id) \(place) --follow` tells how it goes on"
                : "run \(id) is not over; `runnel serve \(place)` goes on with it"
        }
    }
}
