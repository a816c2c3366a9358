import ArgumentParser
import StacksAPI

/// `stacksctl whoami`
struct Whoami: APICommand {
    static let configuration = CommandConfiguration.subcommand(
        abstract: "Show the token's organization, cluster and queue.",
        discussion: "The token itself is not shown.\n\nEXAMPLE:\n  stacksctl whoami"
    )

    @OptionGroup(visibility: .globalOption) var global: GlobalOptions

    func result(from client: StacksClient) async throws -> CommandResult {
        let response = try await client.tokenIdentity()
        return CommandResult(response.value).from(response)
    }
}

extension CommandResult {
    /// The token's organization, cluster and queue.
    init(_ identity: TokenIdentity) {
        let fields: [(name: String, label: String, value: String?)] = [
            ("uuid", "uuid", identity.uuid),
            ("description", "description", identity.description),
            ("token_type", "type", identity.tokenType),
            ("organization_slug", "organization", identity.organizationSlug),
            ("organization_uuid", "organization uuid", identity.organizationUUID),
            ("cluster_name", "cluster", identity.clusterName),
            ("cluster_uuid", "cluster uuid", identity.clusterUUID),
            ("organization_queue_key", "queue", identity.organizationQueueKey),
            ("organization_queue_uuid", "queue uuid", identity.organizationQueueUUID),
        ]
        var properties = PropertyList()
        for field in fields { properties.add(field.label, field.value) }
        var lines = properties.lines
        if identity.isUnclustered {
            lines += ["", "This token belongs to no cluster: the Stacks API does not accept it."]
        }
        self.init(
            members: Dictionary(fields.map { ($0.name, JSONValue($0.value)) }) { _, last in last },
            lines: lines
        )
    }
}
