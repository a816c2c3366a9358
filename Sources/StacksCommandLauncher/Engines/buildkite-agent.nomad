# The parameterized job that run-in-nomad dispatches: `nomad job run buildkite-agent.nomad` registers it. It has no secret,
# and its task only keeps a sandbox in which the agent is started. A job for another image has another name.
job "buildkite-agent" {
  type        = "batch"
  datacenters = ["dc1"]

  parameterized {
    payload       = "forbidden"
    meta_required = ["job"]
  }

  group "agent" {
    # What has failed is given back to Buildkite, and not tried again here.
    restart {
      attempts = 0
      mode     = "fail"
    }
    reschedule {
      attempts  = 0
      unlimited = false
    }

    # run-in-nomad looks for the name of the task.
    task "agent" {
      driver       = "docker"
      kill_timeout = "30s"

      config {
        image      = "buildkite/agent:3"
        entrypoint = ["sleep"]
        # Longer than any job takes: what is left when run-in-nomad was killed ends by then.
        args = ["86400"]
      }

      resources {
        cpu    = 1000
        memory = 1024
      }
    }
  }
}
