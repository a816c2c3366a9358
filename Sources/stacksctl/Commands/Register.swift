import ArgumentParser
import StacksAPI

/// `stacksctl register`
struct Register: APICommand {
    static let configuration = CommandConfiguration.subcommand(
        abstract: "Register a stack, or update it.",
        discussion: """
            Stack keys are unique in an organization. Registering a key again moves it to this queue.

            EXAMPLE:
              stacksctl register --key mac-fleet --queue default --metadata version=1.4
            """
    )

    @OptionGroup var queueOption: QueueOption
    @OptionGroup(visibility: .globalOption) var global: GlobalOptions

    @Option(help: ArgumentHelp("The stack's key, 1 to 80 of A-Z a-z 0-9 _ and -.", valueName: "key"))
    var key: String

    @Option(help: ArgumentHelp("The stack's type; all types except 'custom' are Buildkite's own.", valueName: "type"))
    var type = "custom"

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("Metadata of the stack; can be repeated up to 100 times.", valueName: "key=value")
    )
    var metadata: [KeyValue] = []

    func result(from client: StacksClient) async throws -> CommandResult {
        let response = try await client.registerStack(
            key: key,
            type: StackType(rawValue: type),
            queue: queueOption.queue.key,
            metadata: metadata.dictionary(option: "--metadata")
        )
        return CommandResult(response.value).from(response)
    }
}

extension CommandResult {
    /// A registered stack.
    init(_ stack: Stack) {
        var properties = PropertyList()
        properties.add("key", stack.key)
        properties.add("state", stack.state.rawValue)
        properties.add("type", stack.type.rawValue)
        properties.add("queue", stack.clusterQueueKey?.rawValue)
        properties.add("id", stack.id.description)
        properties.add("organization", stack.organizationUUID.description)
        properties.add("last connected", stack.lastConnectedOn.map(iso8601))
        for (key, value) in stack.metadata.sorted(by: { $0.key < $1.key }) {
            properties.add("metadata \(printable(key))", value)
        }
        self.init(
            members: [
                "id": .string(stack.id.description),
                "organization_uuid": .string(stack.organizationUUID.description),
                "cluster_queue_key": .init(stack.clusterQueueKey?.rawValue),
                "key": .string(stack.key),
                "type": .string(stack.type.rawValue),
                "metadata": .object(stack.metadata.mapValues { .string($0) }),
                "last_connected_on": .init(stack.lastConnectedOn),
                "state": .string(stack.state.rawValue),
            ],
            lines: properties.lines
        )
    }
}
