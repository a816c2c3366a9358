import Testing

@testable import StacksAPI

/// The definitions of all operations, as far as one can contradict another or itself.
@Suite struct OperationTests {
    @Test("a definition is that of its operation", arguments: StacksOperation.all)
    func names(_ operation: StacksOperation) {
        #expect(operation.definition.operation == operation)
        #expect(StacksOperation.all[operation.index] == operation)
    }

    @Test(
        "there is advice for a failure in doubt exactly when a request cannot simply be repeated",
        arguments: StacksOperation.all)
    func advice(_ operation: StacksOperation) {
        let definition = operation.definition
        #expect((definition.adviceInDoubt == nil) == (definition.repetition == .always))
    }

    @Test("a paced operation has a stack's key in its path", arguments: StacksOperation.all)
    func pacing(_ operation: StacksOperation) {
        let definition = operation.definition
        #expect(definition.rateScope == nil || definition.path.description.contains("{stack_key}"))
    }

    @Test("a path without one of its parameters is a programming error")
    func parameters() async {
        await #expect(processExitsWith: .failure) {
            _ = StacksOperation.finishJob.definition.path.path(below: "/", stack: "k", job: nil)
        }
        await #expect(processExitsWith: .failure) {
            _ = StacksOperation.jobStates.definition.path.path(below: "/", stack: nil, job: nil)
        }
    }

    @Test("of a job in several batches of a list, the last one counts")
    func joinsStates() {
        let states = [
            JobStates(states: ["a": .running, "b": .running]), JobStates(states: [:], unreadableJobs: ["a", "c"]),
        ]
        #expect(JobStates.joined(states) == JobStates(states: ["b": .running], unreadableJobs: ["a", "c"]))
        #expect(
            JobStates.joined(states.reversed())
                == JobStates(states: ["a": .running, "b": .running], unreadableJobs: ["c"]))
    }
}
