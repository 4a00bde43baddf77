#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A kernel whose kprobes are there and never fire (switched off in debugfs): the engine finds that out by trial, says so,
# watches by tracepoints, and still tells of the same acts; what it refuses does not rest on kprobes.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$REPO/tests/vm/kernel_lib.sh"
plan 61
ACTS=${NSWARDEN_ACTS_PROGRAM:-$REPO/build/release/tests/acts/nsw_acts}

switch=/sys/kernel/debug/kprobes/enabled
echo 0 >"$switch"
at_exit eval "echo 1 >$switch"
echo content >"$WORK/file"
ln -s "$WORK/file" "$WORK/link"
echo secret >"$WORK/secret"

start_tool --read-names file --ports 9,7010,7201,7305 "read=$WORK/secret"
keep_features no-kprobes
seen "kprobes are found not to work" '^feature kprobe: no: .*attached, but was not called'
seen "... nor kretprobes" '^feature kretprobe with a pool: no: '
"$NSWARDEN" probe >"$WORK/probe"
check "probe says what follows" grep -qE "^kprobe +no +calls are watched by tracepoints" "$WORK/probe"
seen "tracepoints are used instead" '^attached openat: tracepoints sys_enter \+ sys_exit \(degraded\)'
check "... for every call" eval '! grep -vE "^attached ($YOUNG): not" "$LOG" | grep -E "^attached .*(kprobe|not watched)"'

start_container '^bound .*: ok'
inside "cat $WORK/link" || true
seen "an exec" '^exec execve verdict=none .* result=0 .* exe=/usr/bin/cat file=/usr/bin/cat '
seen "an open shows the file behind the link" "^open openat .* result=3 .* path=$WORK/file raw=$WORK/link$"
counted "... once" 1 "^open .*raw=$WORK/link$"
# Where the kernel may pass a program over, a call of which nothing is known is told of.
inside "for i in 1 2 3 4 5 6 7 8; do cat $WORK/file; done" || true
sleep 1
libc=$(grep -cE "^open .* result=[0-9]+ .*path=[^ ]*/libc" "$LOG" || true)
check "... and none by a name that no rule asks for, or hardly any of nine" eval '((libc <= 2))'
inside "cat $WORK/none" || true
seen "a failed open, with the caller's own text" "^open openat .* result=-2 flags=2 .* raw=$WORK/none$"
inside "exec 3<>/dev/tcp/127.0.0.1/10" || true
inside "exec 3<>/dev/tcp/127.0.0.1/9" || true
seen "a connect" '^connect connect .* result=-111 .* remote=::ffff:127.0.0.1 .* remote_port=9 '
counted "... and none to a port that no rule asks for" 0 "^connect .* remote_port=10 "
inside "sh -c 'exit 7'" || true
seen "a fork" '^fork (clone|vfork|clone3) .* result=[0-9]+ .* child_pid=[0-9]+'
seen "an end, with its status" '^exit .* code=1792 signal=0'
refused "what is denied is refused all the same" "cat $WORK/secret"
seen "... and told, with the rule" "^open openat verdict=denied rule=1 result=-1 .* path=$WORK/secret raw="
counted "... once" 1 "^open .*raw=$WORK/secret$"

# 32-bit callers, whom the tracepoints of single calls do not show: acts of the table, and the record of each.
declare -A compat=(
  [int80-open]='open open .* path=[^ ]*/int80-open/file ' [int80-openat]='open openat .* path=[^ ]*/int80-openat/file '
  [int80-rename]='rename rename ' [int80-chmod]='chmod chmod ' [int80-connect]='connect connect .* remote_port=7010 '
  [int80-accept4]='accept accept4 ' [int80-setuid]='setuid setuid ' [int80-setuid16]='setuid setuid ' [int80-kill]='kill kill '
  [int80-unshare]='namespace unshare ' [int80-memfd-create]='memfd memfd_create ' [int80-mprotect]='memory mprotect '
  [int80-mmap]='memory mmap ' [int80-execve]='exec execve .* args=\[/program idle \]'
  # Those that they alone have.
  [socketcall-socket]='socket socket ' [socketcall-socketpair]='socket socketpair ' [socketcall-bind]='bind bind .* local_port=7301 '
  [socketcall-listen]='listen listen .* local_port=7302 ' [socketcall-accept]='accept accept .* local_port=7303 '
  [socketcall-accept4]='accept accept4 .* local_port=7304 ' [socketcall-connect]='connect connect .* remote_port=7305 '
  [socketcall-sendto]='send sendto .* remote_port=7306 ' [socketcall-sendmsg]='send sendmsg .* remote_port=7307 '
  [socketcall-sendmmsg]='send sendmmsg .* remote_port=7308 ' [int80-old-mmap]='memory mmap .* protection=7 '
  [int80-chown16]='chown chown .* uid=1000 gid=18446744073709551615' [int80-lchown16]='chown lchown ' [int80-fchown16]='chown fchown '
  [int80-truncate64]='truncate truncate .* length=4294967299 ' [int80-ftruncate64]='truncate ftruncate .* length=4294967299 '
  [int80-fallocate]='truncate fallocate .* length=4096 ' [int80-utime]='utime utime .* accessed=1000 modified=2000'
  [int80-utimes]='utime utimes .* accessed=1000 modified=2000' [int80-futimesat]='utime futimesat .* accessed=1000 modified=2000'
  [int80-utimensat]='utime utimensat .* accessed=1000 modified=2000'
  [int80-utimensat64]='utime utimensat .* accessed=1000 modified=2000' [int80-umount]='umount umount2 .* path=.* flags=0'
)
# What comes by no system call, or has its object in between alone: fentry has it.
declare -A between=(
  [ring-opened]='open - .* result=[1-9][0-9]* .* path=[^ ]*/ring-opened/file ' [ring-open-missing]='open - .* result=-2 '
  [ring-connect-refused]='connect - .* result=-111 .* remote_port=7201 ' [rename-missing]='rename rename .* result=-2 '
  [shared-map]='shared_map - .* path=[^ ]*/shared-map/file ' [receive-file]='receive - .* file=[^ ]*/receive-file/file '
)
cp "$ACTS" /program
at_exit rm -f /program
mkdir "$WORK/acts"
inside "$ACTS run $WORK/acts ${!compat[*]} ${!between[*]}" || diag "$OUTPUT"
cp "$WORK/output" "$WORK/performed"
# Each by a process of its own: `act NAME PID ...`.
told() { grep -E "^${compat[$1]-${between[$1]-}}" "$LOG" | grep -c " vpid=$(awk -v name="$1" '$2 == name {print $3}' "$WORK/performed") " || true; }
wait_for 10 eval '(($(told int80-execve) > 0))' || true
for act in "${!compat[@]}"; do check_equal "told once: $act (X10)" 1 "$(told "$act")"; done
for act in "${!between[@]}"; do check_equal "told once: $act" 1 "$(told "$act")"; done

stop_tool
check_equal "every record sent has come" "$(records_sent)" "$(records_come)"
finish
