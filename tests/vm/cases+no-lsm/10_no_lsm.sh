#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A kernel that has BPF-LSM, started without `bpf` in its lsm= list: such a program attaches there, and is never asked. The
# engine must not claim to refuse anything; it says so, names the remedy, and detects. Who does what a policy with
# `fallback: kill` forbids is killed in the kernel, before it is done; nobody else is.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$REPO/tests/vm/kernel_lib.sh"
source "$E2E/engine.sh"
export NSWARDEN_START_DEADLINE=240 NSWARDEN_ALERT_DEADLINE=60
plan 50

check "bpf is not an active security module" eval '! grep -qw bpf /sys/kernel/security/lsm'
"$NSWARDEN" probe >"$WORK/probe"
check "probe: BPF-LSM does not work, and what follows" grep -qE '^BPF-LSM +no +policies can alert, but nothing is refused' "$WORK/probe"
check "... what was tried: the refusal had no effect" grep -qE 'tried: .*(refusal has no effect|not supported|Invalid argument)' "$WORK/probe"
check "... the remedy: the lsm= list" grep -qE 'to get it: .*bpf in its lsm= list' "$WORK/probe"
check "... and what kills in its place works" grep -qE '^fmod_ret +yes' "$WORK/probe"

echo secret >"$WORK/secret"
start_tool --events open,connect "read=$WORK/secret"
keep_features no-lsm
seen "the kernel half does not claim to enforce" '^ready enforcing=0'
start_container
allowed "nothing is refused" "cat $WORK/secret"
seen "an act is judged in the kernel all the same" "^open openat verdict=audit .* path=$WORK/secret raw="
stop_tool

# The same of two policies: one says `fallback: kill`.
policy() { # NAME FOLDER ADDRESS LINE
  cat >"$POLICIES/$1.yaml" <<YAML
nswarden: 1
policy: $1
mode: enforce
$4
deny:
  read: ["$2/read"]
  write: ["$2/write"]
  exec: ["$2/exec"]
  connect: [$3]
  capabilities: [sys_module]
YAML
  mkdir "$2"
  echo secret >"$2/read"
  echo before >"$2/write"
  cp /bin/touch "$2/exec"
}
mkdir -p "$POLICIES"
mild=$WORK/mild mortal=$WORK/mortal
policy mild "$mild" 127.0.0.2 ''
policy mortal "$mortal" 127.0.0.3 'fallback: kill'
sed -i /sys_module/d "$POLICIES/mild.yaml"
chmod 644 "$POLICIES"/*.yaml
ln "$mortal/read" "$WORK/innocent"
python3 - "$WORK/accepted" 127.0.0.2 127.0.0.3 <<'PYTHON' &
import selectors, socket, sys
waiting = selectors.DefaultSelector()
for address in sys.argv[2:]:
    listener = socket.create_server((address, 8099))
    waiting.register(listener, selectors.EVENT_READ, address)
while True:
    for key, _ in waiting.select():
        key.fileobj.accept()[0].close()
        with open(sys.argv[1], "a") as accepted:
            print(key.data, file=accepted, flush=True)
PYTHON
at_exit kill $!
export DOCKER_HOST=unix:///run/none.sock
EVENTS="open, exec, connect"
SETTINGS="hold: 10s" # where all is emulated a decision takes its time
check_engine "the engine starts"
check "it says that it cannot enforce" grep -q 'enforcement: not possible here' "$ENGINE_LOG"
check "... and where it says why, with the remedy" grep -q 'nswarden probe. says why' "$ENGINE_LOG"
check "... and which policies only detect" grep -q 'these policies only detect: mild' "$ENGINE_LOG"
check "... and which kill, and that they go on" grep -q 'these kill, at the act (fallback: kill): mortal; pinned' "$ENGINE_LOG"
"$NSWARDEN" status >"$WORK/status"
check "status says it, too" eval 'head -n 1 "$WORK/status" | grep -q "enforcement not possible here, fallback: kill kills at the act"'
check "... of each policy" eval 'grep -qE "^mild +detection only" "$WORK/status" && grep -qE "^mortal +killed at the act" "$WORK/status"'
rm "$WORK/commands"
start_container .
check "ps says it of a container" wait_for 60 eval '"$NSWARDEN" ps | grep "mortal (killed at the act)"'

# killed NAME COMMAND: a case. detected NAME RULE, deadly NAME RULE: one alert each, and what it says.
killed() {
  local status=0
  inside "$2" || status=$?
  check_equal "$1" 137 "$status"
}
detected() { check "$1" alerts_become 1 '.rule == "'"$2"'" and .verdict == "would_deny" and .action == "alert"'; }
deadly() { check "$1" alerts_become 1 '.rule == "'"$2"'" and .verdict == "killed" and .action == "kill" and .policy == "mortal"'; }

allowed "detection: a read" "cat $mild/read"
detected "... is told" "mild/read/$mild/read"
allowed "detection: a write" "echo after >>$mild/write"
detected "... is told" "mild/write/$mild/write"
allowed "detection: a program" "$mild/exec $WORK/mild-ran"
detected "... is told" "mild/exec/$mild/exec"
allowed "detection: a connection" "bash -c 'exec 3<>/dev/tcp/127.0.0.2/8099'"
detected "... is told" "mild/connect/127.0.0.2"

killed "killed: who reads" "cat $mortal/read >$WORK/copied"
check_equal "... before anything is read" '' "$(<"$WORK/copied")"
deadly "... with one alert" "mortal/read/$mortal/read"
check "... and the history has who was killed by which rule" history_shows '"verdict":"killed"' --path "$mortal/read" --rule 'mortal/read/*' --verdict killed
killed "killed: who writes" "bash -c 'echo after >$mortal/write'"
check_equal "... and nothing is written" before "$(<"$mortal/write")"
deadly "... with one alert" "mortal/write/$mortal/write"
killed "killed: who executes" "$mortal/exec $WORK/mortal-ran"
check "... before the program's first instruction" test ! -e "$WORK/mortal-ran"
deadly "... with one alert" "mortal/exec/$mortal/exec"
killed "killed: who connects" "bash -c 'exec 3<>/dev/tcp/127.0.0.3/8099'"
deadly "... with one alert" "mortal/connect/127.0.0.3"
unload="python3 -c 'import ctypes; ctypes.CDLL(None).syscall(176, b\"nothing\", 0)'"
killed "killed: who uses a capability" "$unload"
deadly "... with one alert" "mortal/capabilities/sys_module"
allowed "who has not got the capability is left" "setpriv --bounding-set -sys_module --inh-caps -sys_module $unload"

check "killed: a container's first program" eval '! unshare --mount --pid --fork --mount-proc "$mortal/exec" "$WORK/first-ran"'
check "... before its first instruction" test ! -e "$WORK/first-ran"
check "... with one alert more" alerts_become 2 '.rule == "mortal/exec/'"$mortal"'/exec" and .verdict == "killed"'

check_equal "the host's processes are left: a read" secret "$(cat "$mortal/read")"
check "... a program" "$mortal/exec" "$WORK/host-ran"
check "... a connection" bash -c 'exec 3<>/dev/tcp/127.0.0.3/8099'
check "the host's connections came, and the one that is only told of; the killed one did not" wait_for 10 eval \
  '[[ $(paste -sd" " "$WORK/accepted") == "127.0.0.2 127.0.0.3" ]]'

# Pinned: without a daemon it goes on, and is reported afterwards.
kill -9 "$ENGINE_PID"
wait "$ENGINE_PID" 2>/dev/null || true
killed "without a daemon: who reads by another name" "cat $WORK/innocent"
check_engine "the next daemon"
check "... reports it" alerts_become 2 '.rule == "mortal/read/'"$mortal"'/read" and .verdict == "killed"'
check "deny is an error, with the way to the reason" eval '! "$NSWARDEN" deny --container x --read /x --for 5s 2>"$WORK/err"; grep -qE "cannot refuse|no container" "$WORK/err"'
finish
