import StacksTesting

extension ControlMember.Kind {
    /// The key of a queue, or an alias of the default one.
    static let queue = ControlMember.Kind.known { $0.queues.map(\.key) + ["_default", "__default__"] }
    /// The slug of an organization.
    static let organization = ControlMember.Kind.known { $0.organizations.map(\.slug) }
    /// A state of the API, or another one that jobs have been in.
    static let jobState = ControlMember.Kind.known { $0.jobStates.map(\.rawValue) }

    /// The names of what there is, each once: several organizations can have the same.
    func names(in simulator: StacksSimulator) -> [String] {
        guard case .known(let names) = self else { return [] }
        var seen = Set<String>()
        return names(simulator).filter { seen.insert($0).inserted }
    }
}

extension ControlMember {
    static let organization = ControlMember(
        name: "organization", kind: .organization, about: "the slug; the first one when left out")
    static let onlyOrganization = ControlMember(
        name: "organization", kind: .organization, about: "only what belongs to this one; all when left out")
}
