# SPDX-License-Identifier: Apache-2.0
# Starts of containers, eight at a time without a pause: the first instruction of none that is forbidden is executed, also while
# the engine is restarted, and as many that are allowed run. NSWARDEN_STARTS of each. Sourced after e2e/lib.sh and e2e/engine.sh by a case
# that has made the programs /forbidden and /allowed, and has run_container PROGRAM ID: runs one to its end, and fails as its runtime does.
# shellcheck shell=bash
EVENTS=accept
SETTINGS=$'hold: 10s\nunbound: closed' # where all is emulated a decision takes its time
STARTS=${NSWARDEN_STARTS:?} WORKERS=8
DEADLINE=$((120 + STARTS * 30)) # s
export NSWARDEN_START_DEADLINE=480 NSWARDEN_ALERT_DEADLINE=120

# start PROGRAM ID: `ran`, `refused`, or what else was said, as a line of the outcomes.
start() {
  local said
  if said=$(run_container "$1" "$2" 2>&1); then
    said=ran
  elif [[ $said == *"exec /$1: operation not permitted"* ]]; then
    said=refused
  fi
  printf '%s %s\n' "$1" "${said//$'\n'/ }" >>"$WORK/outcomes/${2%%-*}"
}
# worker N: its share of each. While there is $WORK/restart none that is allowed is begun: nobody would decide on it.
worker() {
  local forbidden=$((STARTS / WORKERS + (STARTS % WORKERS >= $1))) allowed n=0
  allowed=$forbidden
  while ((forbidden + allowed > 0)); do
    if ((forbidden > 0)); then start forbidden "w$1-f$((forbidden--))"; fi
    if ((allowed > 0)) && : >"$WORK/under-way.$1" && [[ ! -e $WORK/restart ]]; then start allowed "w$1-a$((allowed--))"; fi
    rm -f "$WORK/under-way.$1"
    if ((forbidden == 0)) && [[ -e $WORK/restart ]]; then sleep 1; fi
  done
}
done_so_far() { cat "$WORK"/outcomes/* 2>/dev/null | wc -l; }
outcomes() { cat "$WORK"/outcomes/* | grep -c "^$1\$" || true; }
none_under_way() { ! compgen -G "$WORK/under-way.*"; }

# first_starts: seven checks.
first_starts() {
  local started workers=() w stop before decided
  mkdir -p "$POLICIES" "$WORK/outcomes"
  printf 'nswarden: 1\npolicy: first\nmode: enforce\ndeny:\n  exec: [/forbidden]\n' >"$POLICIES/first.yaml"
  check_engine "the engine starts"
  started=$SECONDS
  for ((w = 1; w <= WORKERS; w++)); do worker "$w" & workers+=("$!"); done
  check "half of the containers are started" wait_for "$DEADLINE" eval '(($(done_so_far) >= STARTS))'
  : >"$WORK/restart"
  wait_for 120 none_under_way || diag "one that is allowed does not come to its end"
  stop=$SECONDS
  kill "$ENGINE_PID"
  wait "$ENGINE_PID" 2>/dev/null || true
  before=$(outcomes 'forbidden refused')
  check_engine "the engine is restarted meanwhile"
  diag "$(($(outcomes 'forbidden refused') - before)) forbidden starts while there was none, in $((SECONDS - stop)) s"
  rm "$WORK/restart"
  wait "${workers[@]}"
  diag "$((2 * STARTS)) starts in $((SECONDS - started)) s"
  check_equal "no forbidden program is executed: each of $STARTS is refused (I7, I10)" "$STARTS" "$(outcomes 'forbidden refused')"
  check_equal "each of $STARTS that are allowed runs" "$STARTS" "$(outcomes 'allowed ran')"
  diag "$(cat "$WORK"/outcomes/* | grep -vE '^(forbidden refused|allowed ran)$' | sort | uniq -c | head -n 5)"
  check "each refusal is alerted on, once" alerts_become "$STARTS" '.verdict == "denied"'
  decided='.verdict == "denied" and .rule == "first/exec//forbidden"'
  check "... by the policy's rule, but for those that nobody could decide on" eval \
    '(($(alerts "$decided") + $(alerts ".rule == \"container without a decision\"") == STARTS && $(alerts "$decided") > STARTS / 4))'
  diag "$(alerts "$decided") by the policy's rule"
}
