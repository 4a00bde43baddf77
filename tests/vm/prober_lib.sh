# SPDX-License-Identifier: Apache-2.0
# A prober in a container without a runtime (tests/acts/prober.cc): a task of each kind tries what a policy
# forbids, one try after the other. Sourced after e2e/lib.sh and e2e/engine.sh.
# shellcheck shell=bash
PROBER=${NSWARDEN_ACTS_PROGRAM:-$REPO/build/release/tests/acts/nsw_acts}
T=$WORK/t

# What the prober tries, and the lists of a policy that refuse it.
PORT=7009
FORBIDDEN=("open:$T/secret/key" "exec:$T/program" "connect:$PORT")
make_forbidden() {
  mkdir -p "$T/secret"
  echo s >"$T/secret/key"
  cp "$PROBER" "$T/program"
}
denied_lists() { printf 'deny:\n  read: ["%s/secret/**"]\n  exec: [%s/program]\n  connect: ["127.0.0.1:%d/tcp"]\n' "$T" "$T" "$PORT"; }

# start_prober COUNTS TRIES: in a container of its own, which is decided on by then; sets PROBER_PID. It rests until
# `proceed`. It makes way for others: it tries whenever there is time.
start_prober() {
  truncate -s 72 "$1" # struct Counts
  order "$1" 6 1
  nice -n 19 unshare --mount --pid --fork --mount-proc "$PROBER" probe "$@" "${FORBIDDEN[@]}" &
  PROBER_PID=$!
  at_exit stop_prober "$PROBER_PID" "$1"
  wait_for 120 eval "((\$(number $1 8) == ${#FORBIDDEN[@]}))" || diag "the prober does not come up"
}
proceed() { order "$1" 6 0; }
stop_prober() {
  order "$2" 7 1
  wait "$1" 2>/dev/null || true
}

# number COUNTS INDEX [COUNT]: the sum of so many of its numbers.
number() {
  local numbers
  read -ra numbers < <(od -An -v -t u8 -w64 -j $(($2 * 8)) -N $((${3:-1} * 8)) "$1")
  local IFS=+
  echo $((${numbers[*]}))
}
refusals() { number "$1" 0 3; }
successes() { number "$1" 3 3; }
# order COUNTS INDEX 0|1
order() { printf "\\x$3" | dd of="$1" bs=1 seek=$(($2 * 8)) conv=notrunc status=none; }
# tries_more COUNTS N: waits until so many more were refused.
tries_more() {
  local goal=$(($(refusals "$1") + $2))
  wait_for 240 eval "((\$(refusals $1) >= $goal))" || diag "only $(refusals "$1") of $goal refusals"
}

# What was reported: counts of the history's rows, and acts that are counted by their rule alone.
in_history() { sqlite3 "file:$HISTORY?mode=ro" "SELECT ifnull(sum(count), 0) FROM events WHERE verdict = 'denied'"; }
counted() {
  sqlite3 "file:$HISTORY?mode=ro" "SELECT detail FROM operations WHERE what = 'refused'" |
    awk 'match($0, /: [0-9]+ act/) { sum += substr($0, RSTART + 2) } END { print sum + 0 }'
}
reported() { echo $(($(in_history) + $(counted))); }
