#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The kernel half sees what a container does: each act once, with the object that the kernel acted on and the result.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$REPO/tests/vm/kernel_lib.sh"
plan 22
ACTS=${NSWARDEN_ACTS_PROGRAM:-$REPO/build/release/tests/acts/nsw_acts}

mkdir -p "$WORK/d"
echo content >"$WORK/d/file"
ln -s "$WORK/d/file" "$WORK/link"
printf '#!/bin/sh\nexit 3\n' >"$WORK/script"
chmod +x "$WORK/script"
deep=$WORK$(printf '/%.0s0123456789012345678901234567890123456789012345678901234567890123456789' {1..20})
mkdir -p "$deep"
echo deep >"$deep/leaf"

start_tool
keep_features suite
check "the trials' outcome is kept" test -s "$FEATURES/suite"
check "no need went untried" test "$(grep -c '^feature ' "$FEATURES/suite")" = "$("$NSWARDEN" probe | grep -c '^[^ ]')"
check "every call is watched somehow" eval '! grep -vE "attached ($YOUNG): " "$FEATURES/suite" | grep "not watched"'
start_container
seen "kprobes are used" '^attached openat: kprobe \+ kretprobe \(pool 4096\)'
seen "late returns are taken where there is room for all" '^attached connect: kprobe \+ (fexit|kretprobe.multi)'

inside "cat $WORK/link" || true
seen "the container's home is reported" '^home .* vpid=1 '
seen "an exec, with its arguments" "^exec execve verdict=none .* result=0 .* exe=/usr/bin/cat file=/usr/bin/cat .* args=\[cat $WORK/link \]"
seen "an open shows the file behind the link (F3, F8)" "^open openat .* result=3 .* path=$WORK/d/file raw=$WORK/link$"
counted "overlayfs opens twice inside, one event (F27)" 1 "^open openat .*raw=$WORK/link$"

inside "cat $WORK/none" || true
seen "a failed open" "^open openat .* result=-2 flags=2 .* raw=$WORK/none$"
inside "echo x >$WORK/made" || true
seen "an open that creates" "^open openat .* created=1 path=$WORK/made "
inside "cat $deep/leaf" || true
seen "a path of 1,500 bytes" "^open openat .* path=$deep/leaf raw="

inside "$WORK/script" || true
seen "a script and its interpreter (X4)" "^exec execve .* exe=/usr/bin/dash file=$WORK/script .* args=\[/bin/sh $WORK/script \]"
inside "/none/program" || true
seen "a failed exec, with the caller's arguments" '^exec execve .* result=-2 flags=2 .* args=\[/none/program \] raw=/none/program'
seen "a fork" '^fork (clone|vfork|clone3) .* result=[0-9]+ .* child_pid=[0-9]+'
inside "sh -c 'exit 7'" || true
seen "an end, with its status" '^exit .* code=1792 signal=0'
inside "sh -c 'kill -9 \$\$'" || true
seen "an end by a signal" '^exit .* code=9 signal=9'

inside "exec 3<>/dev/tcp/127.0.0.1/9" || true
seen "a connect (N1)" '^connect connect .* result=-111 .* remote=::ffff:127.0.0.1 .* remote_port=9 '

# Many, since it is a race: threads that end together.
inside "python3 -c '
import threading, os
def several():
    b = threading.Barrier(5)
    def f():
        b.wait(); os.close(os.open(\"$WORK/d/file\", 0))
    t = [threading.Thread(target=f) for _ in range(4)]
    [x.start() for x in t]; b.wait(); [x.join() for x in t]; os._exit(5)
for _ in range(60):
    if os.fork() == 0: several()
    os.wait()'" || true
counted "a process of several threads ends once" 60 '^exit .* code=1280 '

both_processors
# Threads on all processors, each of which marks what it does with its own name, in entries small and large.
mkdir "$WORK/crossed" "$WORK/rewritten"
inside "$ACTS crossed $WORK/crossed 8 200" || true
# How many records have a path, a text, a port or a thread that is not their thread's; then how many opens and connects came.
marked() {
  awk '{
    delete f
    for (i = 1; i <= NF; i++) if (at = index($i, "=")) f[substr($i, 1, at - 1)] = substr($i, at + 1)
    name = f["comm"]
    if (name !~ /^t[0-9][0-9][0-9]$/) next
    if (!(name in tid)) tid[name] = f["tid"]
    good = f["tid"] == tid[name]
    if ($1 == "open") {
      opens++
      if (f["result"] < 0) good = good && f["raw"] ~ "/" name "-none$"
      else good = good && f["path"] ~ "/" name "$" && f["raw"] == f["path"]
    }
    if ($1 == "connect") { connects++; good = good && f["remote_port"] == 20000 + substr(name, 2) }
    if (!good) { strays++; print > "/dev/stderr" }
  } END { print strays + 0, opens + 0, connects + 0 }' "$LOG"
}
all_marked() { [[ $(marked 2>&1) == "0 3200 1600" ]]; }
wait_for 30 all_marked || diag "$(marked 2>&1 | head -n 4)"
check_equal "of threads that act at once no record has another's data (L5)" "0 3200 1600" "$(marked 2>"$WORK/strays")"

inside "$ACTS rewritten $WORK/rewritten 1000" || true
rewritten() { grep -cE "^open open .* $1" "$LOG" || true; }
sleep 1
check_equal "a path that another thread rewrites: as often each file as it was opened (F1)" "$OUTPUT" \
  "$(rewritten "result=[0-9]+ .*path=$WORK/rewritten/truth ") $(rewritten "result=[0-9]+ .*path=$WORK/rewritten/decoy ") $(rewritten 'result=-2 .*/rewritten/')"

stop_tool
check_equal "every record sent has come" "$(records_sent)" "$(records_come)"
finish
