#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# More processes than there is room for labels: none comes to be that nobody could judge, each that did not is counted, and
# nothing else is said to be lost. One container does not take the room of the others.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$REPO/tests/vm/kernel_lib.sh"
plan 7

start_tool --events fork --max-tasks 64
start_container
# Two hundred forks, which stay until there is the second file; how many were refused is in the first then.
cat >"$WORK/fill.py" <<'EOF'
import os, signal, sys, time
made, refused = [], 0
for _ in range(200):
    try:
        pid = os.fork()
    except BlockingIOError:
        refused += 1
        continue
    if pid == 0: signal.pause()
    made.append(pid)
with open(sys.argv[1] + '.new', 'w') as file: print(refused, file=file)
os.rename(sys.argv[1] + '.new', sys.argv[1])
while not os.path.exists(sys.argv[2]): time.sleep(0.05)
for pid in made: os.kill(pid, signal.SIGKILL)
EOF
inside "python3 $WORK/fill.py $WORK/one $WORK/enough &"
wait_for 60 test -e "$WORK/one" || diag "it does not come to its end"
refused=$(<"$WORK/one")
check "forks without room for a label are refused (L3, L6)" test "$refused" -gt 100
another() { unshare --mount --pid --fork "$@"; }
check "... which leaves room for another container's" another /bin/true
another python3 "$WORK/fill.py" "$WORK/two" "$WORK/enough" &
wait_for 60 test -e "$WORK/two" || diag "another does not come to its end"
check "where that is taken, too, a third container is refused" eval '[[ $(another /bin/true 2>&1) == *"Resource temporarily unavailable"* ]]'
check "... and nothing of the host" unshare --mount /bin/true
: >"$WORK/enough"
wait "$!"
refused=$((refused + $(<"$WORK/two")))
stop_tool
# Another process of that container may have been refused a fork, too.
check "... and counted, each" test "$(sed -n 's/^counter none no_label=//p' "$LOG")" -ge "$refused"
check_equal "... that alone" "" "$(grep -E '^counter .*(ring_full|no_scratch|unpaired)' "$LOG" || true)"
check_equal "what was made is told of" "$((400 - refused))" "$(grep -cE '^fork .* result=[0-9]+ .* comm=python3 ' "$LOG")"
finish
