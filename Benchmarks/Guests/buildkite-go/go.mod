module benchmarks/buildkite-go

go 1.25.0

require github.com/buildkite/stacksapi v1.0.0
