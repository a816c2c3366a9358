// The launcher itself is the module CommandLaunching, which stacksctl uses with or without the trait.
#if CommandLauncher
    @_exported public import CommandLaunching
#else
    /// Takes the launcher's place while the trait is off, so that the compiler says what is missing.
    @available(*, unavailable, message: "add traits: [\"CommandLauncher\"] to the .package(…) of stacks-api-swift")
    public struct CommandLauncher {
        public struct Configuration { public init() {} }

        public init(command: [String], configuration: Configuration = Configuration()) throws {}
    }
#endif
