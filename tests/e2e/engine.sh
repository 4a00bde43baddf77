# SPDX-License-Identifier: Apache-2.0
# The engine under test, for scripts that have sourced lib.sh.
# shellcheck shell=bash
ALERTS=$WORK/alerts.json
ENGINE_LOG=$WORK/engine.log
HISTORY=$WORK/history.db
POLICIES=$WORK/policies

# copy_policies: the test policies in a folder of this script's own, as the engine wants them (root's, nobody else's to write).
copy_policies() {
  mkdir -p "$POLICIES"
  install -m 0644 "$E2E"/policies/*.yaml "$POLICIES"
}

# start_engine [ARGS...]: sets ENGINE_PID. Alerts go to $ALERTS as JSON lines, what the engine says to $ENGINE_LOG. Where
# $EVENTS is set (`open, connect`) the history wants these alone: in an emulated guest most of the start is the kernel's
# checking of programs. There $SETTINGS are further lines of the configuration. ALERTS_TO=none: alerts go to the history alone.
start_engine() {
  local docker=${DOCKER_HOST-} # empty: none that answers
  docker=${docker#unix://}
  : >"$ENGINE_LOG"
  [[ -z ${EVENTS-} ]] || { printf 'history: {events: [%s]}\n%s\n' "$EVENTS" "${SETTINGS-}" >"$WORK/nswarden.yaml"; set -- --config "$WORK/nswarden.yaml" "$@"; }
  "$NSWARDEN" run --policies "$POLICIES" --history "$HISTORY" --output "${ALERTS_TO:-json}" --docker "${docker:-/run/no-docker.sock}" "$@" \
    >>"$ALERTS" 2>>"$ENGINE_LOG" </dev/null &
  ENGINE_PID=$!
  at_exit stop_engine "$ENGINE_PID"
  wait_for "${NSWARDEN_START_DEADLINE:-60}" grep -q ' watching$' "$ENGINE_LOG" && return
  diag "$(cat "$ENGINE_LOG")"
  return 1
}

# check_engine NAME [ARGS...]: a case that passes if the engine starts; not in a subshell, so that it stays our child.
check_engine() {
  local name=$1
  shift
  if start_engine "$@"; then ok "$name"; else not_ok "$name"; fi
}

# Nothing stays in force for the script that comes next.
stop_engine() {
  kill "$1" 2>/dev/null || return 0
  wait "$1" 2>/dev/null
  "$NSWARDEN" stop --remove >/dev/null
}

# alerts FILTER: how many alerts a jq filter selects.
alerts() { jq -c "select($1)" "$ALERTS" 2>/dev/null | wc -l; }

# alerts_become COUNT FILTER: wait until so many were made, then see that it stays so many.
alerts_become() {
  wait_for "${NSWARDEN_ALERT_DEADLINE:-15}" eval "[[ \$(alerts '$2') -ge $1 ]]" || true
  sleep 0.5
  local got
  got=$(alerts "$2")
  [[ $got == "$1" ]] && return
  echo "wanted $1 alerts, got $got, of: $2"
  tail -n 20 "$ALERTS"
  return 1
}

history_rows() { "$NSWARDEN" history --history "$HISTORY" --output json "$@"; }

# history_shows PATTERN ARGS...: some row of `nswarden history ARGS` matches, once the writer has come round to it.
history_shows() {
  local pattern=$1
  shift
  wait_for 10 eval "history_rows $(printf '%q ' "$@") | grep -qE $(printf '%q' "$pattern")" && return
  history_rows "$@"
  return 1
}
