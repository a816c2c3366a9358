import HTTPTypes
import Hummingbird
import StacksTesting

extension ControlRoute {
    /// How many faults can be on. Each request is compared with all of them.
    private static let largestFaultCount = 1000

    static let faults: [ControlRoute] = [
        ControlRoute(
            .get, "faults", "the faults that are on, with what remains of them",
            query: [
                ControlMember(
                    name: "organization", kind: .organization,
                    about: "only faults for this one, or for all; all when left out")
            ] + paging, documents: [[FaultListDocument].self]
        ) { control, call in
            try control.json(control.simulator.faults(call.page).map(FaultListDocument.init))
        },
        ControlRoute(
            .post, "faults", "adds a fault", body: FaultDocument.members, status: .noContent, failures: [.conflict]
        ) { control, call in
            let document = try call.read(FaultDocument.self)
            try document.check()
            guard control.simulator.addFault(document.fault, atMost: largestFaultCount) else {
                throw ControlFailure.conflict(
                    "\(largestFaultCount) faults are on, and there can be no more; DELETE faults removes them.")
            }
            return Response(status: .noContent)
        },
        ControlRoute(.delete, "faults", "removes all faults", status: .noContent) { control, _ in
            control.simulator.removeFaults()
            return Response(status: .noContent)
        },
        ControlRoute(.delete, "faults/:fault", "removes a fault, by its number", status: .noContent) { control, call in
            let number = call.values["fault"] ?? ""
            guard let number = Int(number), control.simulator.removeFault(number) else {
                throw ControlFailure.notFound("There is no fault \(ControlValue.text(number).shown).")
            }
            return Response(status: .noContent)
        },
    ]
}
