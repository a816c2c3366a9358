import HTTPTypes
import StacksTesting

/// What is wrong with a fault though each of its members is good.
extension FaultDocument {
    /// Header fields that belong to the connection, or say where a response ends: the server writes them.
    private static let fieldsOfServer: Set<String> = [
        "connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding",
        "upgrade",
    ]

    /// Refuses a fault that can never occur, and one whose response no server can send.
    func check() throws(ControlFailure) {
        try checkAim()
        if kind == "delay", (delay_ms ?? 0) == 0 {
            throw .badRequest(
                "delay_ms is \(delay_ms.map { String($0) } ?? "missing"), but kind is \"delay\", which does nothing else; it "
                    + "must be at least 1.")
        }
        if let status, !HTTPResponse.Status(code: status).allowsBody {
            let reason = "status is \(status), whose response has no body"
            if kind != "respond" {
                throw .badRequest("\(reason), but kind is \"\(kind)\", which has one; it is for: respond.")
            }
            if body?.isEmpty == false { throw .badRequest("\(reason), but body is given.") }
        }
        var names = Set<String>()
        for name in (headers ?? [:]).keys.sorted() {
            guard !Self.fieldsOfServer.contains(name.lowercased()) else {
                throw .badRequest("headers.\(name) is given, but the server writes this header field itself.")
            }
            guard names.insert(name.lowercased()).inserted else {
                throw .badRequest("headers.\(name) is given twice: the case of letters makes no difference.")
            }
            guard kind != "refuse" || name.lowercased() != "content-type" else {
                throw .badRequest(
                    "headers.\(name) is given, but kind is \"refuse\", whose response is JSON; it is for: respond.")
            }
        }
    }

    private func checkAim() throws(ControlFailure) {
        let operation = operation.flatMap(SimulatedOperation.init(rawValue:))
        if let operation, kind == "malformed", !operation.hasContent {
            throw .badRequest(
                "kind is \"malformed\", but operation is \"\(operation.rawValue)\", whose response has no body.")
        }
        let isOfAgents = operation?.isAgentRequest ?? side.map { $0 == SimulatorFault.Side.agents.rawValue }
        if let operation, let side, (side == SimulatorFault.Side.agents.rawValue) != operation.isAgentRequest {
            throw .badRequest(
                "side is \"\(side)\", but operation is \"\(operation.rawValue)\", which is one of "
                    + "\(operation.isAgentRequest ? "agents" : "stacks").")
        }
        if let stack {
            let shown = "stack is \(ControlValue.text(stack).shown)"
            if let operation, !operation.namesStack {
                throw .badRequest(
                    "\(shown), but operation is \"\(operation.rawValue)\", which has no stack in its path.")
            }
            if isOfAgents == true {
                throw .badRequest("\(shown), but side is \"agents\", whose requests have no stack in their path.")
            }
        }
        if let job, let operation, !operation.canNameJob {
            throw .badRequest(
                "job is \(ControlValue.text(job).shown), but operation is \"\(operation.rawValue)\", which has no job in its "
                    + "path\(operation.needsToken ? "" : " and no token").")
        }
        if let organization, let operation, !operation.needsToken {
            throw .badRequest(
                "organization is \(ControlValue.text(organization).shown), but operation is \"\(operation.rawValue)\", whose "
                    + "requests have no token that would say whose they are.")
        }
    }
}
