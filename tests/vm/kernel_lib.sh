# SPDX-License-Identifier: Apache-2.0
# What the cases of the kernel half (cases/1*.sh) share: the hand tool and a container of unshare(1), without a runtime.
# Sourced after e2e/lib.sh.
# shellcheck shell=bash
KERNEL_TOOL=${NSWARDEN_KERNEL_TOOL:-$REPO/build/release/tests/nsw_kernel_tool}
LOG=$WORK/records

# start_tool [ENTRY...]: the kernel half with these deny entries; its records go to $LOG.
start_tool() {
  "$KERNEL_TOOL" "$@" >"$LOG" 2>&1 &
  TOOL_PID=$!
  at_exit stop_tool
  tool_is_up() { grep -q "^ready" "$LOG" || ! kill -0 "$TOOL_PID"; }
  wait_for 480 tool_is_up && grep -q "^ready" "$LOG" || { diag "$(tail -n 5 "$LOG")"; die "the tool did not become ready"; }
}

stop_tool() {
  [[ -n ${TOOL_PID-} ]] || return 0
  kill "$TOOL_PID" 2>/dev/null || true
  wait "$TOOL_PID" 2>/dev/null || true
  TOOL_PID=''
}

# pass_on PROGRAM...: the whole of a case: as its own, the results of a program that prints `ok NAME` and `not ok NAME: why`.
pass_on() {
  local line status=0
  "$@" >"$WORK/results" 2>&1 || status=$?
  plan $(($(grep -cE '^(not )?ok ' "$WORK/results") + 1))
  while IFS= read -r line; do
    case $line in
      'ok '*) ok "${line#ok }" ;;
      'not ok '*) not_ok "${line#not ok }" ;;
      *) diag "$line" ;;
    esac
  done <"$WORK/results"
  check_equal "it came to its end" 0 "$status"
  finish
}

# both_processors: wakes the second one of a guest (tests/vm/run), for what threads do to one another on two.
both_processors() {
  local second=/sys/devices/system/cpu/cpu1/online
  echo 1 >"$second"
  # shellcheck disable=SC2064
  at_exit eval "echo 0 >$second"
}

# start_container: a shell in namespaces of its own that runs what `inside` gives it. Waits until it is bound.
start_container() {
  mkfifo "$WORK/commands"
  unshare --mount --pid --fork --mount-proc /bin/bash <"$WORK/commands" >/dev/null 2>&1 &
  CONTAINER_PID=$!
  exec 9>"$WORK/commands"
  at_exit kill "$CONTAINER_PID"
  wait_for 30 grep -q "${1:-^home}" "$LOG" || die "the container was not seen"
}

# inside COMMAND: runs it in the container; its output is in $OUTPUT, its status is ours.
inside() {
  rm -f "$WORK/status"
  printf '( %s ) >%s/output 2>&1 </dev/null; echo $? >%s/status.new; mv %s/status.new %s/status\n' "$1" "$WORK" "$WORK" "$WORK" "$WORK" >&9
  wait_for 60 test -e "$WORK/status" || { OUTPUT="no answer"; return 99; }
  OUTPUT=$(<"$WORK/output")
  return "$(<"$WORK/status")"
}

# allowed NAME COMMAND, refused NAME COMMAND: a case each. Refused is what fails with EPERM.
allowed() { if inside "$2"; then ok "$1"; else not_ok "$1"; diag "$2"; diag "$OUTPUT"; fi; }
refused() {
  if inside "$2"; then
    not_ok "$1"
    diag "$2: was permitted"
  elif [[ $OUTPUT == *'Operation not permitted'* ]]; then
    ok "$1"
  else
    not_ok "$1"
    diag "$2: $OUTPUT"
  fi
}

# seen NAME REGEX: a record like that comes; `once NAME COUNT REGEX`: so many.
seen() {
  if wait_for 10 grep -qE "$2" "$LOG"; then
    ok "$1"
  else
    not_ok "$1"
    diag "no record: $2"
    diag "$(tail -n 12 "$LOG")"
  fi
}
counted() {
  sleep 1
  check_equal "$1" "$2" "$(grep -cE "$3" "$LOG" || true)"
}

# What the kernel half says it has sent, once the tool has stopped, and what came.
records_sent() { sed -n -E 's/^counter [a-z_]+ emitted=//p' "$LOG" | paste -sd+ | bc; }
records_come() { grep -cE '^[a-z_]+ [a-z0-9_-]+ verdict=' "$LOG"; }

# Calls that not every kernel of the suites has.
# shellcheck disable=SC2034
YOUNG='fchmodat2|setxattrat|removexattrat'

# keep_features NAME: what the tool said of this kernel: the outcome of each trial, and the hooks that were chosen. In a
# guest it is among the results of the run, for README's table.
FEATURES=$WORK/features
keep_features() {
  mkdir -p "$FEATURES"
  { printf 'release %s\n' "$(uname -r)"; grep -E '^(feature|attached|ready) ' "$LOG"; } >"$FEATURES/$1"
  [[ ! -d /share/results ]] || cp "$FEATURES/$1" "/share/results/$1"
}
