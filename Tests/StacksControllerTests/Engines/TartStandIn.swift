#if os(Linux)
    /// What stands in for `tart`, by its documented options and the messages and exit statuses of version 2.32: it refuses
    /// whatever the real one refuses of what the recipe does. No virtual machine is behind it.
    ///
    /// `$BED/tart` is Tart's home: `images` has a line for each image, and `vms/NAME` is a machine, which runs for as long as the
    /// process in `vms/NAME/pid` does. `$BED/calls` has a line for each call. Files change its mind: `boots`, how many calls of `tart exec` a guest
    /// agent does not answer; `hangs`, whether it then never does; `hasty`, whether it says that a process has ended before it
    /// has read what that wrote last: it reads while the process sleeps; `old`, a version without exec; `full`, no disk for
    /// clones; `vms/NAME/stuck`, a machine that cannot be deleted.
    let tartStandIn = """
        home=$BED/tart
        usage() { echo "Error: $1" >&2; echo "Usage: tart <subcommand>" >&2; exit 64; }
        fail() { echo "$2" >&2; exit "$1"; }
        pid() { cat "$home/vms/$1/pid" 2>/dev/null; }
        # Nobody may reap one whose recipe was killed.
        runs() { grep -q '^State:.[^ZX]' "/proc/$(pid "$1")/status" 2>/dev/null; }
        exists() { [ -d "$home/vms/$1" ] || fail 2 "the specified VM \\"$1\\" does not exist"; }
        name() {
            [ $# -ge 1 ] || usage "Missing expected argument '<name>'"
            [[ $1 != -* ]] || usage "Unknown option '$1'"
        }
        command=$1
        shift
        case $command in
        list)
            [ "$*" = --quiet ] || usage "the recipe lists with --quiet"
            ls "$home/vms"
            cat "$home/images"
            ;;
        clone)
            [ $# = 2 ] || usage "clone takes a source and a name"
            [[ $2 != */* ]] || usage "<new-name> should be a local name"
            grep -Fxq -e "$1" "$home/images" || fail 2 "the specified VM \\"$1\\" does not exist"
            [ ! -e "$home/full" ] || fail 1 "No space left on device"
            mkdir "$home/vms/$2"
            ;;
        run)
            while [[ ${1:-} == -* ]]; do
                case $1 in --no-graphics | --no-audio | --no-clipboard) ;; *) usage "Unknown option '$1'" ;; esac
                shift
            done
            name "$@"
            [ $# = 1 ] || usage "Unexpected argument '$2'"
            exists "$1"
            ! runs "$1" || fail 2 "VM \\"$1\\" is already running!"
            count=0
            for vm in $(ls "$home/vms"); do ! runs "$vm" || count=$((count + 1)); done
            [ "$count" -lt 2 ] || fail 1 "The number of VMs exceeds the system limit (other running VMs: …)"
            echo $$ >"$home/vms/$1/pid"
            # Nothing of the guest outlives its machine.
            end() { kill -KILL -- $(sed 's/^/-/' "$home/vms/$vm/guest" 2>/dev/null) 2>/dev/null; exit "$1"; }
            vm=$1
            # SIGINT ends the real one even where a shell has it ignored.
            trap 'end 0' USR1
            trap 'end 143' TERM
            while [ -d "$BED" ]; do sleep 0.02; done
            ;;
        exec)
            if [ "$*" = --help ]; then
                [ ! -e "$home/old" ] || usage "Unexpected argument 'exec'"
                exit 0
            fi
            interactive=false
            while [[ ${1:-} == -* ]]; do
                case $1 in -i) interactive=true ;; *) usage "Unknown option '$1'" ;; esac
                shift
            done
            name "$@"
            vm=$1
            shift
            [ $# -ge 1 ] || usage "Missing expected argument '<command> ...'"
            exists "$vm"
            runs "$vm" || fail 2 "VM \\"$vm\\" is not running"
            boots=$(cat "$home/boots" 2>/dev/null)
            if [ "${boots:-0}" -gt 0 ]; then
                echo $((boots - 1)) >"$home/boots"
                fail 1 "Failed to connect to the VM using its control socket: …, is the Tart Guest Agent running?"
            fi
            while [ -e "$home/hangs" ]; do sleep 0.02; done
            $interactive && exec 3<&0 || exec 3</dev/null
            if [ -e "$home/hasty" ]; then
                written=$home/vms/$vm/written
                exec 4>&1 >"$written"
                trap 'cat "$written.read" >&4 2>/dev/null' EXIT
            fi
            setsid env -i PATH="$PATH" BED="$BED" MACHINE="$vm" \\
                sh -c 'echo $$ >>"$0"; exec "$@"' "$home/vms/$vm/guest" "$@" <&3 3<&- &
            guest=$!
            wait "$guest"
            status=$?
            # The connection to a machine that ends breaks.
            runs "$vm" || fail 1 "unavailable (14): connection closed"
            exit "$status"
            ;;
        stop)
            if [ "${1:-}" = --timeout ]; then shift 2; fi
            name "$@"
            exists "$1"
            runs "$1" || fail 2 "VM \\"$1\\" is not running"
            kill -USR1 "$(pid "$1")"
            while runs "$1"; do sleep 0.01; done
            ;;
        delete)
            name "$@"
            exists "$1"
            ! runs "$1" || fail 1 "VM \\"$1\\" is running"
            [ ! -e "$home/vms/$1/stuck" ] || fail 1 'Operation not permitted'
            rm -r "$home/vms/$1"
            ;;
        *) usage "Unexpected argument '$command'" ;;
        esac
        """
#endif
