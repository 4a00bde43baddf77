#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The kernel half refuses what an entry names, through whichever door the container tries; and nothing else. Of opens that only
# read it sends those whose path has a name that some rule asks for, of connects those to a port that one asks for, and what must
# be told of in any case: what is left out is no event, costs no room in the ring, and is not counted as lost.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$REPO/tests/vm/kernel_lib.sh"
ACTS=${NSWARDEN_ACTS_PROGRAM:-$REPO/build/release/tests/acts/nsw_acts}
PERFORM=$REPO/tests/vm/perform.py
plan 65

t=$WORK/t
mkdir -p "$t"/{bin,dir/sub,open,mnt,vol}
cp /bin/true "$t/bin/denied"
cp /bin/dash "$t/bin/shell"
cp /bin/busybox "$t/bin/busybox"
printf '#!%s/bin/shell\nexit 0\n' "$t" >"$t/open/script"
printf '#!/bin/sh\nexit 0\n' >"$t/open/denied_script"
chmod +x "$t/open/"*
for name in secret moved watched open/file dir/file dir/sub/file open/named; do echo "$name" >"$t/$name"; done
ln -s secret "$t/link"
ln "$t/secret" "$t/open/hard"

n=$t/names
deep=$n/folder/$(seq -s / 60)
mkdir -p "$deep" "$n/other" "$n/mnt"
for name in wanted plain denied audited hardly folder/x other/y; do echo "$name" >"$n/$name"; done
echo deep >"$deep/z"
ln -s wanted "$n/link"
ln "$n/wanted" "$n/another"
long=$(printf 'n%.0s' {1..255})
echo long >"$n/$long"

start_tool --events open,connect,send --read-names "wanted,folder,$long" --ports 7003,7008 "exec=$t/bin/denied" "read=$t/secret" "write=$t/dir/**" 'connect=127.0.0.0/8:7000-7001' "audit:read=$t/watched" \
  "read=$t/later" "exec=$t/bin/shell" 'read=**/named' "read=$t/moved" "exec=$t/open/denied_script" 'connect=[fd00::/8]' \
  "read,write=$t/vol/**" "read=$n/denied" "audit:read=$n/audited" "operation=op:mount by=$(realpath "$(command -v python3)")"
exec 8</proc/1/ns/mnt # for the container to enter
start_container '^bound .*: ok'

# Programs
refused "exec of a literal path" "exec $t/bin/denied"
seen "... is told, with the rule" "^exec execve verdict=denied rule=1 result=-1 .* exe=$t/bin/denied file=$t/bin/denied .* args=\[$t/bin/denied \]"
counted "... once" 1 "^exec .*exe=$t/bin/denied"
refused "exec through a symlink" "ln -s $t/bin/denied $t/open/sym; exec $t/open/sym"
refused "exec through a hard link" "ln $t/bin/denied $t/open/hardbin; exec $t/open/hardbin"
refused "exec through a bind mount" "touch $t/open/bound; mount --bind $t/bin/denied $t/open/bound; exec $t/open/bound"
refused "a script" "exec $t/open/denied_script"
refused "a script's interpreter" "exec $t/open/script"
seen "... names the interpreter's rule" "^exec execve verdict=denied rule=7 result=-1 .* file=$t/open/script"
refused "a program in memory" "python3 -c 'import os
f = os.memfd_create(\"m\"); os.write(f, open(\"/bin/true\", \"rb\").read()); os.execve(f, [\"m\"], {})'"
seen "... as what cannot be resolved (X2)" '^exec execveat verdict=denied rule=0 result=-1 flags=2[0-9a-f] .* exe_flags=1 '
allowed "another program" "/bin/true"

# Files
refused "reading a literal path" "cat $t/secret"
seen "... is told" "^open openat verdict=denied rule=2 result=-1 .* path=$t/secret raw="
counted "... once" 1 "^open .* path=$t/secret raw=$t/secret"
refused "... through a symlink" "cat $t/link"
refused "... through a hard link made before" "cat $t/open/hard"
refused "... by parent directories" "cat $t/dir/../secret"
refused "... by /proc/self/root" "cat /proc/self/root$t/secret"
refused "... relative to the working directory" "cd $t; cat ./secret"
refused "... in a namespace of its own" "unshare -m cat $t/secret"
refused "... in a user namespace" "unshare -Urm cat $t/secret"
refused "... in a chroot" "chroot $t /bin/busybox cat /secret"
refused "... renamed" "mv $t/moved $t/open/away; cat $t/open/away"
refused "... through a bind mount of its directory" "mount --bind $t $t/mnt; cat $t/mnt/secret"
# setns(8, CLONE_NEWNS), by a number of which the kernel takes the lower half.
refused "... in the host's mount namespace, entered by a number with more to it (I2)" "python3 -c 'import ctypes
ctypes.CDLL(None).syscall(ctypes.c_long(1 << 32 | 308), 8, 0x20000)
open(\"$t/secret\")'"
refused "writing below a directory" "echo x >>$t/dir/sub/file"
seen "... is told" "^open openat verdict=denied rule=3 result=-1 .* path=$t/dir/sub/file"
refused "... creating" "echo x >$t/dir/new"
refused "... truncating" "truncate -s 0 $t/dir/file"
refused "... through a bind mount of the directory" "mkdir -p $t/b; mount --bind $t/dir $t/b; echo x >>$t/b/file"
refused "... through a bind mount of a directory in it" "mkdir -p $t/c; mount --bind $t/dir/sub $t/c; echo x >>$t/c/file"
refused "... renamed" "mv $t/dir $t/dir2; echo x >>$t/dir2/file"
allowed "reading there" "cat $t/dir2/file"
refused "reading what any file of that name" "cat $t/open/named"
inside "echo new >$t/later" || true
refused "a file made after the entry" "cat $t/later"
refused "below a volume mounted later" "mount -t tmpfs none $t/vol; echo x >$t/vol/x"
allowed "reading what is only audited" "cat $t/watched"
seen "... is told as such" "^open openat verdict=audit rule=5 result=3 .* path=$t/watched"

# Changes of mounts that have no hook of their own.
mkdir "$t/place"
printf '%s\n' "1 detached x" "2 copied $t/place" "3 picked $t/place" "4 attributes $t/place" >"$WORK/mounts"
inside "mount -t tmpfs none $t/place; $PERFORM <$WORK/mounts" || true
changes=$OUTPUT
diag "$changes"
refusals=$(grep -c ' EPERM$' <<<"$changes" || true)
if [[ $(grep -vc ' EPERM$' <<<"$changes" || true) == 0 || $changes == *$'3 EPERM\n4 ENOSYS' ]]; then
  ok "fsmount, open_tree, fspick, mount_setattr"
else
  not_ok "fsmount, open_tree, fspick, mount_setattr"
fi
counted "... are told, each once" "$refusals" "verdict=denied rule=15 "

# Network
refused "connecting to an address and port" "exec 3<>/dev/tcp/127.0.0.1/7001"
refused "... mapped into IPv6" "python3 -c 'import socket
socket.socket(socket.AF_INET6).connect((\"::ffff:127.0.0.2\", 7000))'"
refused "sending there unconnected" "python3 -c 'import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b\"x\", (\"127.0.0.1\", 7000))'"
if inside "exec 3<>/dev/tcp/127.0.0.1/7002" || [[ $OUTPUT == *refused* ]]; then ok "another port"; else not_ok "another port"; diag "$OUTPUT"; fi
inside "exec 3<>/dev/tcp/127.0.0.1/7003" || true
# By io_uring, where it is there: 7008 and 7009.
mkdir "$t/ring"
inside "$ACTS run $t/ring ring-connect ring-connect-async" || diag "$OUTPUT"
rings=$(grep -c ' done$' "$WORK/output" || true)

# Names
inside "cat $n/plain $n/other/y $n/another $n/hardly; mount --bind $n/other $n/mnt; cat $n/mnt/y" || diag "$OUTPUT"
inside "cat $n/wanted; cat $n/link; cat $n/folder/x; cat $deep/z; cat $n/$long; cd $n/folder; cat x; echo more >>$n/plain; cat $n/none" || true
inside "cat $n/audited $n/denied" || true

# opened PATH RESULT: records of opens of it.
opened() { grep -cE "^open open.* result=$2 .*path=$1 " "$LOG" || true; }
wait_for 10 grep -q "^open .*verdict=denied .*path=$n/denied " "$LOG" || true
sleep 1
check_equal "a name, as it is and through a link to it" 2 "$(opened "$n/wanted" '[0-9]+')"
check_equal "a folder's name, and relative to it" 2 "$(opened "$n/folder/x" '[0-9]+')"
check_equal "a folder far above" 1 "$(opened "$deep/z" '[0-9]+')"
check_equal "a name as long as names can be" 1 "$(opened "$n/$long" '[0-9]+')"
check_equal "a write, by whatever name" 1 "$(opened "$n/plain" '[0-9]+')"
check_equal "what failed, by whatever name" 1 "$(grep -cE "^open open.* result=-2 .*raw=$n/none" "$LOG" || true)"
check_equal "a refusal, by whatever name" 1 "$(grep -cE "^open open.* verdict=denied rule=13 .*path=$n/denied " "$LOG" || true)"
check_equal "what is audited, by whatever name" 1 "$(grep -cE "^open open.* verdict=audit rule=14 .*path=$n/audited " "$LOG" || true)"
for name in other/y another hardly mnt/y; do
  check_equal "no name that is wanted: $name" 0 "$(opened "$n/$name" '[0-9]+')"
done
check_equal "nor the libraries of each program" 0 "$(opened '[^ ]*/libc[^ ]*' '[0-9]+')"

# connected PORT: records of connects to it.
connected() { grep -cE "^connect .* remote_port=$1 " "$LOG" || true; }
check_equal "a port that is wanted, although nobody listens there" 1 "$(connected 7003)"
check_equal "... by io_uring" "$((rings > 0))" "$(connected 7008)"
check_equal "one that is not" 0 "$(connected 7002)"
check_equal "... by io_uring" 0 "$(connected 7009)"
check_equal "... that is refused" 1 "$(grep -cE '^connect .* verdict=denied .* remote_port=7001 ' "$LOG" || true)"

stop_tool
check_equal "every record sent has come" "$(records_sent)" "$(records_come)"
check_equal "what is left out is not lost" "" "$(grep -E '^counter open (ring_full|no_scratch|truncated)=' "$LOG" || true)"
diag "$(grep ^counter "$LOG")"
finish
