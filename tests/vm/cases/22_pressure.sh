#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is refused stays refused, and is reported, under pressure: while policies are exchanged a hundred times, while a ring is full of
# another container's events, and where there are more refusals than the ring of refusals holds. Each refusal that the prober met
# is reported once, by itself or as one of a number. There is no runtime: the containers are namespaces.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$E2E/engine.sh"
EVENTS="open"
source "$E2E/ledger.sh"
source "$REPO/tests/vm/prober_lib.sh"
ALERTS_TO=none
SETTINGS=$'hold: 10s\nrings: {files: 1MiB, denials: 64KiB}' # where all is emulated a decision takes its time; soon full
RELOADS=${NSWARDEN_RELOADS:-100}
export NSWARDEN_START_DEADLINE=480 NSWARDEN_REST_DEADLINE=240
plan 16

# versions: files of the policies that come one after the other. What is forbidden is in each, if not by the same entry. Each fifth
# is broken.
versions() {
  local n lists deny allow
  lists=$(denied_lists)
  for ((n = 0; n <= RELOADS; n++)); do
    deny=$lists allow=''
    case $((n % 5)) in
      1) deny=${deny/"$T/secret"/"$T"} ;;                             # by a directory further up
      2) deny=${deny/"127.0.0.1:$PORT/tcp"/"127.0.0.0/8:7000-7100"} ;; # by a range
      3) deny+=$'\n  write: ["/srv/some/**", "**/*.x'"$n"$'"]\n  capabilities: [sys_time]' ;;
      4) deny+=$'\n  operations: [what is this]' ;;
    esac
    ((n % 3)) || allow=$'allow:\n  chmod: ["/**"]\n'
    printf 'nswarden: 1\npolicy: keeps\nmode: enforce\n%s\n%s' "$deny" "$allow" >"$WORK/keeps.$n"
    printf 'nswarden: 1\npolicy: other\nmode: enforce\ndeny:\n  read: [%s/none/%d, "%s/*/key"]\n' "$T" "$n" "$T" >"$WORK/other.$n"
  done
}
# use N: the first policy always, the second one where N is odd.
use() {
  mv "$WORK/keeps.$1" "$POLICIES/keeps.yaml"
  if (($1 % 2)); then mv "$WORK/other.$1" "$POLICIES/other.yaml"; else rm -f "$POLICIES/other.yaml"; fi
}
# reload N: returns when the engine has said what came of it.
reload() {
  local line
  use "$1"
  kill -HUP "$ENGINE_PID"
  while read -r -t 120 line <&"$said"; do
    case $line in
      *'policies loaded anew'*) return ;;
      *'the old policies stay'*) stayed=$((stayed + 1)); return ;;
    esac
  done
  return 1
}
all_reloads() {
  local n
  for ((n = 1; n <= RELOADS; n++)); do reload "$n" || { diag "nothing was said of reload $n"; return 1; }; done
}
all_reported() { (($(reported) - told == $(refusals "$1"))); }
check_reported() {
  check "$2" wait_for 240 all_reported "$1"
  diag "refused: $(refusals "$1"); reported: $(($(reported) - told)), $(counted) of all by their rule alone"
}

mkdir -p "$POLICIES"
make_forbidden
versions
use 0
check_engine "the engine starts"
check "it says that it enforces" grep -q "enforcement: on" "$ENGINE_LOG"

# Policies are exchanged.
exec {said}< <(exec tail -n 0 -F "$ENGINE_LOG")
at_exit kill "$!"
told=0 stayed=0 counts=$WORK/swapped
start_prober "$counts" 0
proceed "$counts"
tries_more "$counts" 300
started=$SECONDS
if all_reloads; then ok "policies are exchanged $RELOADS times under load (L4)"; else not_ok "policies are exchanged $RELOADS times under load (L4)"; fi
diag "in $((SECONDS - started)) s"
check_equal "... a fifth of them was refused, and the one before stayed" $(((RELOADS + 1) / 5)) "$stayed"
tries_more "$counts" 300
stop_prober "$PROBER_PID" "$counts"
check_equal "... each of $(refusals "$counts") forbidden acts meanwhile is refused (L4)" 0 "$(successes "$counts")"
for kind in 0 1 2; do (($(number "$counts" "$kind") > 100)) || diag "only $(number "$counts" "$kind") of act $kind"; done
check "... of each kind there were some" eval '(($(number $counts 0) > 100 && $(number $counts 1) > 100 && $(number $counts 2) > 100))'
check_reported "$counts" "... and each is reported, once (L4)"

# One container's events fill their ring; another's forbidden act is refused, and told of.
told=$(reported) counts=$WORK/alone
start_prober "$counts" 1
begin
kill -STOP "$ENGINE_PID"
in_flood open 20000 "$WORK/engine.log"
proceed "$counts"
wait "$PROBER_PID" || true
kill -CONT "$ENGINE_PID"
ACTS='open=20001' # with the one that is refused
check_ledger "a flood of events while nobody reads them (L1)"
check "... fills the ring" lost_alone open lost_ring_full
check_equal "... one forbidden act of each kind behind it is refused (L1)" "3 0" "$(refusals "$counts") $(successes "$counts")"
check_reported "$counts" "... and each is reported (L1)"

# More refusals than their ring holds.
told=$(reported) counts=$WORK/many before=$(counted)
start_prober "$counts" 3000
kill -STOP "$ENGINE_PID"
proceed "$counts"
wait "$PROBER_PID" || true
kill -CONT "$ENGINE_PID"
check_equal "a flood of forbidden acts while nobody reads of them: each is refused (L1)" "9000 0" \
  "$(refusals "$counts") $(successes "$counts")"
check_reported "$counts" "... and each is reported, once (L1)"
check "... more than the ring has room for by their rule alone" eval '(($(counted) > before))'
check_equal "no verdict is of an unknown rule" 0 "$("$NSWARDEN" status --json | jq .engine.unknown_verdicts)"
check_equal "the history has lost none" 0 "$("$NSWARDEN" status --json | jq '[.events[].lost_queue + .events[].lost_error] | add')"
finish
