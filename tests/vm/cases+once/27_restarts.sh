#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What an engine leaves to the one that follows it: the phases that containers are in; what is refused, to one that can refuse
# nothing since ftrace is switched off as it starts; and to one that the kernel's command line disarms.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$E2E/engine.sh"
source "$REPO/tests/vm/container_lib.sh"
EVENTS=accept
export NSWARDEN_START_DEADLINE=480 NSWARDEN_ALERT_DEADLINE=60
PINS=/sys/fs/bpf/nswarden
plan 30

# Below $WORK/startup nothing may be read before the container's first process has run $WORK/up, below $WORK/running nothing from then
# on.
mkdir -p "$POLICIES" "$WORK"/{startup,running}
echo s | tee "$WORK/startup/key" >"$WORK/running/key"
cp /bin/bash "$WORK/up"
cat >"$POLICIES/phases.yaml" <<POLICY
nswarden: 1
policy: phases
mode: enforce
startup: {until: {exec: $WORK/up}}
deny:
  read: [{path: "$WORK/startup/**", when: startup}, {path: "$WORK/running/**", when: running}]
POLICY

# A container without a runtime; see container_lib.sh.
box() {
  local shell
  mkfifo "$WORK/$1.in"
  unshare --mount --pid --fork --kill-child --mount-proc "${@:2}" <"$WORK/$1.in" >>"$WORK/$1.out" 2>&1 &
  at_exit kill $!
  exec {shell}>"$WORK/$1.in"
  shells[$1]=$shell
  says '^status 0$' "$1" true
}
starting() { refused "$1" /bin/cat "$WORK/startup/key" && allowed "$1" /bin/cat "$WORK/running/key"; }
running() { refused "$1" /bin/cat "$WORK/running/key" && allowed "$1" /bin/cat "$WORK/startup/key"; }
lifted() { allowed "$1" /bin/cat "$WORK/running/key" && allowed "$1" /bin/cat "$WORK/startup/key"; }
end_engine() { kill "-$1" "$ENGINE_PID"; wait "$ENGINE_PID" 2>/dev/null || true; }
status_says() { "$NSWARDEN" status --json | jq -e "$1"; }
taken_over() { wait_for 120 grep -q 'taken over' "$ENGINE_LOG"; }
ftrace() { echo "$1" >/proc/sys/kernel/ftrace_enabled; }

check_engine "the engine starts"
box first /bin/busybox sh
# The one's first process has run it, and runs something else by now.
box second /bin/busybox sh -c "exec $WORK/up -c 'exec /bin/busybox sh'"
# This one's tries to, but there it is nothing that the kernel can run; the shell runs it as a script of its own.
echo 'exec /bin/busybox sh' >"$WORK/script"
chmod +x "$WORK/script"
box third /bin/bash -c "mount --bind $WORK/script $WORK/up && exec /bin/busybox sh -c 'exec $WORK/up'"
check "a container that starts is judged so" wait_for 60 starting first
check "... also one that has tried in vain to run what ends that" wait_for 60 starting third
check "... and one that has started" wait_for 60 running second

at_exit ftrace 1
end_engine 9
check "killed: both go on in their phases" eval 'starting first && running second'
check "ftrace is switched off" ftrace 0
check_engine "an engine starts that can refuse nothing"
check "it says that it cannot" grep -q 'enforcement: not possible here' "$ENGINE_LOG"
check "... and that it leaves what is pinned, as an alert" alerts_become 1 '.rule == "engine impaired" and .output_fields["nswarden.what"] == "enforcement"'
check "... in its log" grep -q 'engine impaired: enforcement: .* leaves in place' "$ENGINE_LOG"
check "... and in its status" status_says '.heartbeat.impaired and any(.heartbeat.watched[]; .what == "enforcement" and (.works | not)) and .pinned != ""'
sleep 15 # more than it gives those of another version
check_equal "... and it does" 1 "$(find "$PINS" -mindepth 3 -maxdepth 3 -path '*/links/*' | wc -l)"
check "ftrace is switched on again" ftrace 1
check "... what the engine before it refused is refused again" eval 'starting first && running second'
check "release --all lifts that" eval '"$NSWARDEN" release --all --reason test && lifted first'
check "... which status says" status_says '.disarmed.reason == "test"'
check "... and arm ends" eval '"$NSWARDEN" arm && starting first'
end_engine TERM
check "it ends, and says what stays" grep -q 'stays refused' "$ENGINE_LOG"
check "... and so it does" eval 'starting first && running second'

# As the boot loader would give it.
sed 's/$/ nswarden.disarm/' /proc/cmdline >"$WORK/cmdline"
mount --bind "$WORK/cmdline" /proc/cmdline
at_exit eval 'umount /proc/cmdline 2>/dev/null'
check_engine "an engine starts that can refuse, and is told not to"
check "it says so" grep -q "enforcement: DISARMED by nswarden.disarm on the kernel's command line" "$ENGINE_LOG"
check "... and so does status" status_says '.disarmed.reason | test("command line")'
check "... it takes over from the one before that one" taken_over
check "... and nothing is refused" eval 'lifted first && lifted second'
check "... which the history has" history_shows 'disarm.*nswarden.disarm' --event disarm
end_engine 9
check "killed: nothing is refused" eval 'lifted first && lifted second'
umount /proc/cmdline
check_engine "an engine starts that is not told so"
check "both are in the phases that they were in" wait_for 60 eval 'starting first && running second'
check "... also once it has taken over" eval 'taken_over && starting first && running second'
printf 'exec %s\n' "$WORK/up" >&"${shells[first]}"
check "... and a phase ends as ever" wait_for 60 running first
finish
