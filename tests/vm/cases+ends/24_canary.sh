#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What switches the engine's programs off under it, or takes away what keeps them, raises an alarm within five seconds; that
# it works again is told, too. Where the kernel does not let itself be switched off, that is the outcome. Nothing is said as
# long as all is well, under load neither.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$E2E/engine.sh"
EVENTS="open, connect"
export NSWARDEN_START_DEADLINE=480 DOCKER_HOST=unix:///run/docker.sock # there or not
PINS=/sys/fs/bpf/nswarden
SLACK_MS=3000 # where all is emulated
plan 21

# told RULE [WHAT]: how many alerts say that of the engine.
told() { alerts ".rule == \"engine $1\"${2:+ and .output_fields[\"nswarden.what\"] == \"$2\"}"; }
milliseconds() { date -d "${1-now}" +%s%3N; }
# begin WHAT: from now on a new alarm about it is waited for.
begin() { what=$1 before=$(told impaired "$1"); }
last_alarm() { jq -r "select(.rule == \"engine impaired\" and .output_fields[\"nswarden.what\"] == \"$what\") | .time" "$ALERTS" | tail -n 1; }
# alarmed: it is told of, in time. Called when it has just been switched off.
alarmed() {
  local began took
  began=$(milliseconds)
  wait_for 30 eval "((\$(told impaired '$what') > before))" || { echo "no alarm: $what"; tail -n 3 "$ALERTS"; return 1; }
  took=$(($(milliseconds "$(last_alarm)") - began))
  echo "$what: alarm after $took ms" >>"$WORK/took"
  ((took <= 5000 + SLACK_MS)) || { echo "only after $took ms"; return 1; }
}
status_says() { "$NSWARDEN" status --json | jq -e ".heartbeat | $1"; }
restored() { wait_for 40 status_says '.impaired | not' || { "$NSWARDEN" status | head -n 8; return 1; }; }
beats() { grep -c '^WATCHDOG=1' "$WORK/beats" || true; }
pinned() { find "$PINS" | sort; }

mkdir -p "$POLICIES"
printf 'nswarden: 1\npolicy: p\nimages: ["*"]\nmode: enforce\ndeny:\n  read: ["/srv/secrets/**"]\n' >"$POLICIES/p.yaml"
python3 - "$WORK/notify" >"$WORK/beats" <<'PYTHON' &
import socket, sys
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
while True:
    print(manager.recv(4096).decode(), flush=True)
PYTHON
at_exit kill $!
NOTIFY_SOCKET=$WORK/notify WATCHDOG_USEC=5000000 check_engine "the engine starts"
diag "watched: $("$NSWARDEN" status --json | jq -c '[.heartbeat.watched[].what]')"
check "kprobes, BTF tracepoints, BPF-LSM, probes and pins are watched" status_says \
  '["kprobe", "kretprobe", "tp_btf", "BPF-LSM", "probes", "pins"] - [.watched[].what] | length == 0'

# All is well, and the machine is busy: a container that forks and opens, and others' work on maps.
unshare --mount --pid --fork --kill-child --mount-proc /bin/bash -c 'while :; do /bin/true </etc/passwd; (:); done' >/dev/null 2>&1 &
load=$!
(while :; do bpftool map dump name counters; done) >/dev/null 2>&1 &
mapping=$!
at_exit eval "kill $load $mapping 2>/dev/null"
beaten=$(beats)
sleep 20
kill "$load" "$mapping" 2>/dev/null
check_equal "a container that works hard is no alarm (A3)" "0 0" "$(told impaired) $(told restored)"
check "the service manager's watchdog was told again and again" eval '(($(beats) >= beaten + 5))'
check "status: nothing is impaired" status_says '.impaired | not'

# kprobes, all of them.
begin kprobe
echo 0 >/sys/kernel/debug/kprobes/enabled
check "kprobes switched off: an alarm within five seconds (A3)" alarmed
check "... of kretprobes, too (A3)" wait_for 10 eval '(($(told impaired kretprobe) == 1))'
check "... status names them, and since when" status_says '.watched[] | select(.what == "kprobe") | (.works | not) and .since_ns > 0'
check "... and for people" eval '"$NSWARDEN" status | grep "^IMPAIRED for .*: kprobe: "'
beaten=$(beats)
sleep 3
check_equal "... it is told once, the log and the service manager have it, and its watchdog hears no more" "1 1 yes 0" \
  "$(told impaired kprobe) $(grep -c 'error engine impaired: kprobe:' "$ENGINE_LOG") $(! grep -q '^STATUS=impaired: kprobe' "$WORK/beats" || echo yes) $(($(beats) - beaten))"
echo 1 >/sys/kernel/debug/kprobes/enabled
check "switched on again: all works" restored
sleep 1
check_equal "... which is told, once" "1 1" "$(told restored kprobe) $(told restored kretprobe)"
check "... and to the watchdog" wait_for 10 eval '(($(beats) > beaten))'

# ftrace: kprobes at the beginning of functions, fentry, fexit and LSM programs rest on it.
begin kprobe
if echo 0 >/proc/sys/kernel/ftrace_enabled; then
  check "ftrace switched off: an alarm within five seconds (A3)" alarmed
  diag "ftrace could be switched off: $("$NSWARDEN" status --json | jq -c '[.heartbeat.watched[] | select(.works | not) | .what]')"
  echo 1 >/proc/sys/kernel/ftrace_enabled
else
  ok "ftrace switched off: the kernel refuses it (A3)"
  sleep 5
fi 2>"$WORK/ftrace"
diag "$(cat "$WORK/ftrace")"
check "... and all works" restored

# The kretprobes of tracefs.
begin probes
probes=$(grep -c nswarden/ /sys/kernel/tracing/kprobe_events || true)
{ echo >/sys/kernel/tracing/kprobe_events; } 2>"$WORK/tracefs" || diag "$(cat "$WORK/tracefs")"
if [[ $(grep -c nswarden/ /sys/kernel/tracing/kprobe_events || true) == "$probes" ]]; then
  ok "tracefs's kprobes taken away: the kernel refuses it (A3)"
else
  check "tracefs's kprobes taken away: an alarm within five seconds (A3)" alarmed
fi

# Links, one by one.
begin probes
detached=0
while read -r link; do
  ! bpftool link detach id "$link" >/dev/null 2>&1 || detached=$((detached + 1))
done < <(bpftool link show --json | jq '.[].id')
if ((detached == 0)); then
  ok "links detached: the kernel refuses it (A2)"
else
  check "links detached: an alarm within five seconds (A2)" alarmed
fi

# Pins.
pinned >"$WORK/pinned"
begin pins
rm -r "$PINS" 2>/dev/null || true # a folder that has a pin anew meanwhile cannot be removed
check "pins unlinked: an alarm within five seconds (A2)" alarmed
check_equal "... and they are there again" "$(cat "$WORK/pinned")" "$(pinned)"
check "... all works" restored

# A descriptor of the engine closed by who traces it.
link=$(find "/proc/$ENGINE_PID/fd" -lname 'anon_inode:bpf*link*' -printf '%f\n' | sort -n | head -n 1)
begin probes
wait_for 20 "$REPO/tests/vm/close_descriptor.py" "$ENGINE_PID" "$link" || diag "descriptor $link could not be closed"
check "a link's descriptor closed from outside: an alarm within five seconds (A2)" alarmed
diag "$(cat "$WORK/took")"
finish
