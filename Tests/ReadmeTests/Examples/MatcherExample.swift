import StacksAPI
import StacksController

func configureReleases() -> StackController.Configuration {
    var configuration = StackController.Configuration(stackKey: "releases", queue: "deploy")
    let rules = JobMatcher(tags: ["os": "linux", "image": ["debian-12", "debian-13"]])
    configuration.matcher = { job in
        guard job.build.branch == "main" else { return .declined(reason: "only main is released") }
        return rules.verdict(on: job.agentQueryRules)
    }
    return configuration
}

func configureTags(_ configuration: inout StackController.Configuration) {
    configuration.tags = ["os": "macos", "xcode": ["16.3", "16.4"], "image": .any]
}
