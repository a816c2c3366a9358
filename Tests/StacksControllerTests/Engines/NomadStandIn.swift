#if os(Linux)
    /// What stands in for Nomad: `curl` is its HTTP API, and refuses what is not in its description, and `nomad` is what the
    /// recipe needs of its command. What is removed is killed with all that is in it.
    ///
    /// `$BED/jobs` has a directory for each dispatched job, `$BED/requests` a line for each request. Files of the bed change
    /// its mind: `unreachable`, `no job`, `plain job`, `no dispatch`, `odd dispatch`, `full`, `fails`, `no exec`; `slow dispatch`,
    /// which waits for `go`; `lost dispatch`, whose response does not come; `unlisted`, no list of jobs; `neighbour`, a task that runs before the agent's, and
    /// `dead`, which runs on after it; `no permission`, an exec that is refused; `breaks`, a connection that breaks once the agent runs.
    /// What is handed to an exec that is refused is in `handed`. `version` is its own: the newer one has `job allocs`, for which the
    /// older one prints a usage and fails, and lists of jobs with their meta values.
    let nomadStandIn = [
        "curl": #"""
        # The agent's own.
        [ -n "${NOMAD_ADDR:-}" ] || exec /usr/bin/curl "$@"
        [ "${*: -2}" = '--config -' ] || exit 2
        while [ "$1" != --config ]; do
            [ "$1" != --request ] || method=$2
            shift
        done
        configuration=$(cat)
        field() { printf '%s\n' "$configuration" | sed -n "s/^$1 = \"\\(.*\\)\"\$/\\1/p"; }
        url=$(field url)
        printf '%s %s\n' "$method" "$url" >>"$BED/requests"
        refuse() { echo "curl: (22) The requested URL returned error: $1" >&2; exit 22; }
        [ ! -e "$BED/unreachable" ] || { echo "curl: (7) Failed to connect" >&2; exit 7; }
        [ "$(field header)" = 'X-Nomad-Token: acl \"secret' ] || refuse 403
        place='namespace=builds%2Fa&region=eu'
        case "$method ${url#http://nomad:4646/v1/job/buildkite-agent}" in
        "GET ?$place")
            [ ! -e "$BED/no job" ] || refuse 404
            if [ -e "$BED/plain job" ]; then echo '{"ID":"buildkite-agent","ParameterizedJob":null,"Stop":false}'
            else echo '{"ID":"buildkite-agent","ParameterizedJob":{"MetaRequired":["job"]},"Stop":false}'; fi
            ;;
        "POST /dispatch?$place")
            [ ! -e "$BED/no dispatch" ] || refuse 403
            [ ! -e "$BED/odd dispatch" ] || { echo '{}'; exit; }
            job=$(field data | sed 's/\\\(.\)/\1/g' | jq -r .Meta.job)
            mkdir -p "$BED/jobs/$job"
            [ ! -e "$BED/lost dispatch" ] || { echo 'curl: (28) Operation timed out' >&2; exit 28; }
            [ ! -e "$BED/slow dispatch" ] || until [ -e "$BED/go" ]; do sleep 0.02; done
            echo "{\"DispatchedJobID\":\"buildkite-agent/dispatch-$job\",\"EvalID\":\"e\"}"
            ;;
        "GET %2Fdispatch-"*"/allocations?$place")
            job=${url#*%2Fdispatch-}
            job=${job%%/*}
            [ -d "$BED/jobs/$job" ] || refuse 404
            if [ ! -e "$BED/jobs/$job/asked" ] || [ -e "$BED/full" ]; then echo '[]'
            elif [ -e "$BED/neighbour" ] && [ ! -e "$BED/jobs/$job/proxied" ]; then
                echo >"$BED/jobs/$job/proxied"
                echo "[{\"ID\":\"$job\",\"ClientStatus\":\"running\",
                    \"TaskStates\":{\"proxy\":{\"State\":\"running\"},\"agent\":{\"State\":\"pending\"}}}]"
            elif [ -e "$BED/dead" ]; then
                echo "[{\"ID\":\"$job\",\"ClientStatus\":\"running\",\"TaskStates\":{
                    \"proxy\":{\"State\":\"running\",\"Events\":[{\"DisplayMessage\":\"proxies\"}]},
                    \"agent\":{\"State\":\"dead\",\"Events\":[{\"DisplayMessage\":\"Exit Code: 2\"}]}}}]"
            elif [ -e "$BED/fails" ]; then
                echo '[{"ID":"x","ClientStatus":"failed","TaskStates":{"agent":{"Events":[{"DisplayMessage":"Failed to pull \u001b[2J"}]}}}]'
            else
                echo >"$BED/jobs/$job/runs"
                echo "[{\"ID\":\"$job\",\"ClientStatus\":\"running\",\"TaskStates\":{\"agent\":{\"State\":\"running\"}}}]"
            fi
            echo >"$BED/jobs/$job/asked"
            ;;
        "DELETE %2Fdispatch-"*"?purge=true&$place")
            job=${url#*%2Fdispatch-}
            job=$BED/jobs/${job%%\?*}
            [ -d "$job" ] || refuse 404
            [ ! -e "$job/sandbox" ] || kill -- "-$(cat "$job/sandbox")" 2>/dev/null
            rm -r "$job"
            echo '{"EvalID":"e"}'
            ;;
        "GET %2Fdispatch-"*"?$place")
            job=${url#*%2Fdispatch-}
            job=${job%%\?*}
            [ -d "$BED/jobs/$job" ] || refuse 404
            echo "{\"ID\":\"buildkite-agent/dispatch-$job\",\"Meta\":{\"job\":\"$job\"}}"
            ;;
        "GET http://nomad:4646/v1/jobs?prefix=buildkite-agent%2Fdispatch-&meta=true&$place")
            [ ! -e "$BED/unlisted" ] || refuse 500
            for job in $(ls "$BED/jobs" 2>/dev/null); do
                meta=
                [ "$(cat "$BED/version")" != 1.10.0 ] || meta=",\"Meta\":{\"job\":\"$job\"}"
                echo "{\"ID\":\"buildkite-agent/dispatch-$job\",\"Stop\":false,\"SubmitTime\":1$meta}"
            done | jq -s .
            ;;
        *) refuse 405 ;;
        esac
        """#,
        "nomad": #"""
        usage() { echo "Usage: nomad [-version] [-help] [-autocomplete-(un)install] <command> [args]"; exit 127; }
        if [ "$*" = 'alloc exec -help' ]; then
            [ ! -e "$BED/no exec" ] || usage
            printf '  -task <task-name>\n'
        elif [[ "$*" == 'alloc exec '* ]]; then
            shift 2
            has_input=true
            while [[ $1 == -* ]]; do
                case $1 in
                -i | -t=false) ;;
                -i=false) has_input=false ;;
                -e | -task) [ "$2" = none ] || [ "$2" = agent ] || usage; shift ;;
                *) usage ;;
                esac
                shift
            done
            job=$BED/jobs/$1
            shift
            [ -d "$job" ] || { echo 'Error querying allocation: No allocation(s) with that prefix' >&2; exit 1; }
            [ ! -e "$BED/neighbour" ] || [ -e "$job/runs" ] || {
                echo 'failed to exec into task: task "agent" is not running' >&2
                exit 1
            }
            [ ! -e "$BED/no permission" ] || {
                ! $has_input || cat >"$BED/handed"
                echo 'failed to exec into task: Unexpected response code: 403 (Permission denied)' >&2
                exit 1
            }
            $has_input && exec 3<&0 || exec 3</dev/null
            setsid env -i PATH="$PATH" BED="$BED" sh -c 'echo $$ >"$0"; exec "$@"' \
                "$($has_input && echo "$job/sandbox" || echo /dev/null)" "$@" <&3 3<&- &
            sandbox=$!
            if $has_input && [ -e "$BED/breaks" ]; then
                until compgen -G "$BED/*.started" >/dev/null; do sleep 1; done
                echo 'failed to exec into task: websocket: close 1006 (abnormal closure): unexpected EOF' >&2
                exit 1
            fi
            wait "$sandbox"
        elif [[ "$*" == 'job allocs '* ]]; then
            # The older one takes it for a mistake in `nomad job`, and prints that one's usage.
            [ "$(cat "$BED/version")" = 1.10.0 ] || { echo 'Usage: nomad job <subcommand> [options] [args]'; exit 1; }
            echo 'No allocations placed'
        else
            usage
        fi
        """#,
    ]

    /// What leads to it.
    let nomadEnvironment = [
        "NOMAD_ADDR": "http://nomad:4646/", "NOMAD_TOKEN": "acl \"secret", "NOMAD_NAMESPACE": "builds/a",
        "NOMAD_REGION": "eu",
    ]
#endif
