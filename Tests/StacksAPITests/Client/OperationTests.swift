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

    @Test("a remembered path is that of the stack and of the operation")
    func rememberedPaths() {
        let memo = PathMemo(prefix: "/v3/")
        for operation in StacksOperation.all + StacksOperation.all.reversed() {
            let definition = operation.definition
            for stack in ["a", "b", "b", "a"] {
                for job in [nil, JobID("00000000-0000-4000-8000-000000000001"), JobID("x y")] {
                    if job == nil, definition.path.description.contains("{job_uuid}") { continue }
                    #expect(
                        memo.path(definition, stack: stack, job: job)
                            == definition.path.path(below: "/v3/", stack: stack, job: job))
                }
            }
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
