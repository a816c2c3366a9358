// The launcher itself is the module CommandLaunching, which stacksctl uses with or without the trait.
#if CommandLauncher
    @_exported public import CommandLaunching
#else
    /// Stands where the launcher is when the trait is on, to say what is missing.
    @available(*, unavailable, message: "add traits: [\"CommandLauncher\"] to the .package(…) of stacks-api-swift")
    public struct CommandLauncher {}
#endif
