// Who wants the client alone leaves the trait out, and resolves none of the packages that the controller stands on.
#if !canImport(ServiceLifecycle)
    #error("StacksController needs the trait Controller: leave traits: out of .package(…), or name it there")
#endif
