#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# More processes than there is room for labels: none comes to be that nobody could judge, each that did not is counted, and
# nothing else is said to be lost.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$REPO/tests/vm/kernel_lib.sh"
plan 4

start_tool --events fork --max-tasks 64
start_container
inside "python3 -c '
import os, signal
made, refused = [], 0
for _ in range(200):
    try:
        pid = os.fork()
    except BlockingIOError:
        refused += 1
        continue
    if pid == 0: signal.pause()
    made.append(pid)
print(refused)
for pid in made: os.kill(pid, signal.SIGKILL)'" || true
refused=$OUTPUT
check "forks without room for a label are refused (L3, L6)" test "$refused" -gt 100
stop_tool
# Another process of that container may have been refused a fork, too.
check "... and counted, each" test "$(sed -n 's/^counter none no_label=//p' "$LOG")" -ge "$refused"
check_equal "... that alone" "" "$(grep -E '^counter .*(ring_full|no_scratch|unpaired)' "$LOG" || true)"
check_equal "what was made is told of" "$((200 - refused))" "$(grep -cE '^fork .* result=[0-9]+ .* comm=python3 ' "$LOG")"
finish
