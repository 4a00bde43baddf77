# SPDX-License-Identifier: Apache-2.0
# The ledger of `nswarden status` held against acts of a known number (flood.cc); for scripts that have sourced lib.sh and
# engine.sh, and have started the engine. No counter may be computed from others, so all of these can fail:
#
#   acts      = emitted + lost_ring_full + lost_no_scratch + unpaired     the kernel's half
#   emitted + inherited = decoded + lost_decode                           what crossed; from the engine before
#   decoded   = wanted + not_wanted                                       what the history asked for
#   wanted    = stored + lost_queue + lost_error                          what became of it
#   stored    = the sum of the counts in the history's rows
# shellcheck shell=bash
FLOOD=${NSWARDEN_FLOOD:-$REPO/build/release/tests/nsw_flood}
LOSSES=(lost_ring_full lost_no_scratch unpaired lost_decode lost_queue lost_error)

# in_flood ARGS...: flood in a container of namespaces alone; how many acts of which type is in $ACTS, `open=5 fork=1`.
in_flood() {
  ACTS=$(unshare --mount --pid --fork --mount-proc "$FLOOD" "$@" 2>&1) || { diag "flood $*: $ACTS"; return 1; }
}

# at_rest: nothing is under way any more; its status is in $WORK/now.
at_rest() {
  "$NSWARDEN" status --json >"$WORK/now" &&
    jq -e '.engine.held == 0 and ([.events[].pending] | add) == 0 and
      all(.events[]; (.emitted // 0) + .inherited == .decoded + .lost_decode)' "$WORK/now"
}
begin() { wait_for 120 at_rest && cp "$WORK/now" "$WORK/before" || die "the ledger does not come to rest: $(<"$WORK/now")"; }

# end: waits for rest; a case of its own, named by NAME, since rest is part of the balance.
end() {
  wait_for "${NSWARDEN_REST_DEADLINE:-120}" at_rest || { diag "no rest: $(jq -c .events "$WORK/now")"; return 1; }
}

# moved TYPE COUNTER: by how much since `begin`.
moved() {
  jq -n --slurpfile a "$WORK/before" --slurpfile b "$WORK/now" --arg t "$1" --arg c "$2" \
    '($b[0].events[$t][$c] // 0) - ($a[0].events[$t][$c] // 0)'
}
moved_all() {
  local total=0 counter
  for counter in "${@:2}"; do total=$((total + $(moved "$1" "$counter"))); done
  echo "$total"
}

# lost_alone TYPE [CAUSE]: of all losses of that type CAUSE moved, and no other; none at all without CAUSE.
lost_alone() {
  local cause
  for cause in "${LOSSES[@]}"; do
    if [[ $cause == "${2-}" ]]; then
      (($(moved "$1" "$cause") > 0)) || { echo "$cause did not move"; return 1; }
    else
      (($(moved "$1" "$cause") == 0)) || { echo "$cause moved by $(moved "$1" "$cause")"; return 1; }
    fi
  done
}

# check_ledger NAME: a case that passes if the books of every type in $ACTS balance.
check_ledger() {
  local name=$1 act type count wrong=''
  end || wrong='no rest'
  for act in $ACTS; do
    type=${act%=*} count=${act#*=}
    [[ $count == "$(moved_all "$type" emitted lost_ring_full lost_no_scratch unpaired)" ]] || wrong+=" $type: acts;"
    [[ $(moved "$type" emitted) == "$(moved_all "$type" decoded lost_decode)" ]] || wrong+=" $type: emitted;"
    [[ $(moved "$type" decoded) == "$(moved_all "$type" wanted not_wanted)" ]] || wrong+=" $type: decoded;"
    [[ $(moved "$type" wanted) == "$(moved_all "$type" stored lost_queue lost_error)" ]] || wrong+=" $type: wanted;"
  done
  if [[ -z $wrong ]]; then ok "$name ($ACTS)"; return; fi
  not_ok "$name"
  diag "$ACTS does not balance:$wrong"
  for act in $ACTS; do diag "${act%=*}: $(jq -c ".events.${act%=*}" "$WORK/before") -> $(jq -c ".events.${act%=*}" "$WORK/now")"; done
}

# stored_in_file TYPE: the sum of the counts of that type's rows.
stored_in_file() { sqlite3 "file:$HISTORY?mode=ro" "SELECT ifnull(sum(count), 0) FROM events WHERE event = '$1'"; }
check_file() {
  local type wrong=''
  for type in open connect fork exec exit; do
    [[ $(jq ".events.$type.stored" "$WORK/now") == "$(stored_in_file "$type")" ]] || wrong+=" $type: $(stored_in_file "$type")"
  done
  check_equal "$1" "" "$wrong"
}

# ledger_engine [ARGS...]: the engine for these tests: no runtime, and no policy has anything to say.
ledger_engine() {
  mkdir -p "$POLICIES"
  printf 'nswarden: 1\npolicy: quiet\nimages: [none/such]\nrules: []\n' >"$POLICIES/quiet.yaml"
  export DOCKER_HOST=unix:///run/no-docker.sock
  check_engine "the engine starts" "$@"
}
