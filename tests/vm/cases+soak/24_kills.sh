#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The engine is killed (-9) again and again, at random moments of its start and after it, while a prober tries what is forbidden: it
# never succeeds, and what it was refused is reported. NSWARDEN_KILLS times (100), NSWARDEN_SEED repeats a run.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$E2E/engine.sh"
EVENTS=accept
source "$REPO/tests/vm/prober_lib.sh"
ALERTS_TO=none
SETTINGS=$'hold: 10s\nrings: {denials: 64KiB}' # where all is emulated a decision takes its time; soon full
KILLS=${NSWARDEN_KILLS:-100}
PROBES=100000
RANDOM=${NSWARDEN_SEED:=$((SRANDOM % 32768))}
export NSWARDEN_START_DEADLINE=480
PINS=/sys/fs/bpf/nswarden
plan 10

mkdir -p "$POLICIES"
make_forbidden
{ printf 'nswarden: 1\npolicy: keeps\nmode: enforce\n'; denied_lists; } >"$POLICIES/keeps.yaml"
counts=$WORK/counts
started=$SECONDS
check_engine "the engine starts"
span=$(((SECONDS - started) * 12)) # tenths of a second: a fifth longer than that took,
((span <= 400)) || span=400         # but not for ever
start_prober "$counts" 0
proceed "$counts"
tries_more "$counts" 100

# What an engine has taken from the ring and not yet written down is lost with it: what half a second brings. `lost`: how much that
# can be in all. Nothing is told twice: what the history has of a number, it knows to have.
lost=0 came_up=0
kill_soon() {
  local tenths=$1 from now
  if ((tenths > 10)); then sleep "$(((tenths - 10) / 10)).$(((tenths - 10) % 10))"; fi
  from=$(refusals "$counts")
  sleep 1
  kill -9 "$ENGINE_PID" 2>/dev/null
  wait "$ENGINE_PID" 2>/dev/null
  now=$(refusals "$counts")
  if grep -q ' watching$' "$2"; then came_up=$((came_up + 1)); fi
  lost=$((lost + now - from))
}
spawn() {
  "$NSWARDEN" run --config "$WORK/nswarden.yaml" --policies "$POLICIES" --history "$HISTORY" --output none \
    --docker /run/no-docker.sock >>"$WORK/killed.log" 2>&1 </dev/null &
  ENGINE_PID=$!
}
kill_again_and_again() {
  local n
  kill_soon 10 "$ENGINE_LOG"
  for ((n = 2; n <= KILLS; n++)); do
    : >"$WORK/killed.log"
    spawn
    kill_soon $((RANDOM % span)) "$WORK/killed.log"
  done
}
started=$SECONDS
kill_again_and_again || true
diag "$KILLS kills in $((SECONDS - started)) s, $came_up of engines that had come up (seed $NSWARDEN_SEED)"
check_equal "killed $KILLS times: the history is intact" ok "$(sqlite3 "$HISTORY" 'PRAGMA integrity_check')"
check_equal "... $(refusals "$counts") forbidden acts so far, and none succeeded" 0 "$(successes "$counts")"
tries_more "$counts" $((PROBES > $(refusals "$counts") ? PROBES - $(refusals "$counts") : 0))
check_engine "an engine comes up after all of them"
check "it takes over" wait_for 120 grep -q 'taken over' "$ENGINE_LOG"
check_equal "... and leaves one engine's links" 1 "$(find "$PINS" -mindepth 3 -maxdepth 3 -path '*/links/*' | wc -l)"
stop_prober "$PROBER_PID" "$counts"
check "the prober tried $PROBES times or more" eval '(($(refusals "$counts") >= PROBES))'
check_equal "... $(refusals "$counts") times, and never succeeded" 0 "$(successes "$counts")"
all_told() { (($(reported) <= $(refusals "$counts") && $(reported) >= $(refusals "$counts") - lost)); }
check "what was refused is reported, but for what engines had in their hands" wait_for 240 all_told
diag "refused: $(refusals "$counts"); reported: $(reported), $(counted) of them by their rule alone; at most $lost were in engines' hands"
check_equal "no verdict is of an unknown rule" 0 "$("$NSWARDEN" status --json | jq .engine.unknown_verdicts)"
finish
