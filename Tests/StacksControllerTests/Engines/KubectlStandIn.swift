#if os(Linux)
    /// What stands in for `kubectl`, with a cluster. It knows the words that the recipe needs, and refuses all others, as kubectl
    /// does; a pod that is deleted is stopped, whoever is attached to it.
    ///
    /// `$BED/pods` has a directory for each pod, and `$BED/manifest` what was created last. Files of the bed change its mind:
    /// `unreachable`; `no VERB`, a permission; `waiting`, why the agent's container does not start; `sidecar`, the state of a
    /// container beside the agent's, listed before it; `evicted`, the reason for which
    /// the cluster ends it; `no state`, an end without an exit status; `deleting`, a pod that is being deleted; `breaks` and `is lost`, a connection that breaks before the
    /// token has come, or after; `stuck`, pods that are deleted and stay.
    let kubectlStandIn = #"""
        [ ! -e "$BED/unreachable" ] || { echo 'The connection to the server was refused' >&2; exit 1; }
        words=()
        for word; do [[ $word == --request-timeout=5s ]] || words+=("$word"); done
        set -- "${words[@]}"
        name='buildkite-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'
        if [[ "$*" =~ ^'auth can-i --quiet '(create|get|delete)' pods'(' --subresource=attach')?$ ]]; then
            [ ! -e "$BED/no $4${6:-}" ]
        elif [ "$*" = 'create --output=name --filename=-' ]; then
            manifest=$(cat)
            pod=$(sed -n 's/^  name: //p' <<<"$manifest")
            [[ $pod =~ ^$name$ ]] || { echo "error: invalid name: $pod" >&2; exit 1; }
            mkdir -p "$BED/pods"
            mkdir "$BED/pods/$pod" 2>/dev/null || {
                echo "Error from server (AlreadyExists): error when creating \"STDIN\": pods \"$pod\" already exists" >&2
                exit 1
            }
            tee "$BED/manifest" <<<"$manifest" >"$BED/pods/$pod/manifest"
            echo "pod/$pod"
        elif [[ "$*" =~ ^"get pod "($name)" --ignore-not-found --output=jsonpath="(.*)$ ]]; then
            pod=$BED/pods/${BASH_REMATCH[1]} template=${BASH_REMATCH[3]}
            [ -d "$pod" ] || exit 0
            phase=Running reason=null others= deleted=null state='{"running":{}}' sidecar=$(cat "$BED/sidecar" 2>/dev/null)
            if [ -e "$BED/waiting" ]; then
                phase=Pending state="{\"waiting\":{\"reason\":\"$(cat "$BED/waiting")\"}}"
            elif [ ! -e "$pod/seen" ]; then
                phase=Pending state='{"waiting":{"reason":"ContainerCreating"}}'
                [ -z "$sidecar" ] || sidecar=$state
            elif [ -e "$BED/evicted" ]; then
                phase=Failed reason="\"$(cat "$BED/evicted")\"" state='{"terminated":{"exitCode":137}}'
            elif [ -e "$BED/no state" ]; then phase=Failed state='{}'
            elif [ -e "$BED/deleting" ]; then
                deleted='"2026-11-29T12:00:00Z"' state='{"terminated":{"exitCode":143}}'
            elif [ -e "$pod/exit" ]; then
                state="{\"terminated\":{\"exitCode\":$(cat "$pod/exit")}}"
                [[ $sidecar == *running* ]] || phase=Failed
            elif [[ $sidecar == *waiting* ]]; then phase=Pending; fi
            echo >"$pod/seen"
            [ -z "$sidecar" ] || others="{name: \"proxy\", state: $sidecar},"
            # The paths as jq has them.
            filter=$(sed -E 's/\[\*\]/[]?/g; s/\[\?\(@\.name=="agent"\)\]/[]? | select(.name == "agent") | /g
                s/\{([^}]*)\}/\\([\1 | values | tostring] | join(" "))/g' <<<"$template")
            jq -nj "{metadata: {deletionTimestamp: $deleted}, status: {phase: \"$phase\", reason: $reason, containerStatuses: [
                $others {name: \"agent\", state: $state}]}} | \"$filter\""
        elif [[ "$*" =~ ^"attach --stdin --quiet --container=agent "($name)$ ]]; then
            pod=$BED/pods/${BASH_REMATCH[1]}
            exec 3<&0
            if [ ! -e "$pod/container" ]; then
                [ ! -e "$BED/breaks" ] || { rm "$BED/breaks"; echo 'error: lost connection to pod' >&2; exit 1; }
                echo >"$pod/container"
                script=$(sed -n '/^ *- sh$/,/"/s/^ *- \(".*\)/\1/p' "$pod/manifest" | jq -r .)
                setsid bash -c 'exec 3<&0
                    env -i PATH="$PATH" BED="$BED" sh -c "$1" <&3 3<&- & echo "$!" >"$2/container"
                    wait "$!"
                    status=$?
                    [ ! -d "$2" ] || { echo "$status" >"$2/exit.new"; mv "$2/exit.new" "$2/exit"; } 2>/dev/null' \
                    - "$script" "$pod" <&3 3<&- &
                [ ! -e "$BED/is lost" ] || { until compgen -G "$BED/*.started" >/dev/null; do sleep 1; done; exit 1; }
            fi
            until [ -e "$pod/exit" ] || [ ! -d "$pod" ] || [ -e "$BED/evicted" ] || [ -e "$BED/no state" ] ||
                [ -e "$BED/deleting" ]; do sleep 0.02; done
        elif [[ "$*" =~ ^"delete pod "($name)" "(--wait=false --ignore-not-found|--ignore-not-found --timeout=60s)$ ]]; then
            pod=$BED/pods/${BASH_REMATCH[1]}
            [ ! -e "$BED/stuck" ] || { [[ $* == *--wait=false* ]]; exit; }
            [ ! -s "$pod/container" ] || kill "$(cat "$pod/container")" 2>/dev/null
            # At once, whatever is being written there.
            [ ! -d "$pod" ] || mv "$pod" "$BED/deleted-$$"
            rm -rf "$BED/deleted-$$"
        else
            echo "error: unknown command or flag: $*" >&2
            exit 1
        fi
        """#
#endif
