#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The kernel half refuses what an entry names, through whichever door the container tries; and nothing else.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$REPO/tests/vm/kernel_lib.sh"
plan 42

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

start_tool --events open,connect,send "exec=$t/bin/denied" "read=$t/secret" "write=$t/dir/**" 'connect=127.0.0.0/8:7000-7001' "audit:read=$t/watched" \
  "read=$t/later" "exec=$t/bin/shell" 'read=**/named' "read=$t/moved" "exec=$t/open/denied_script" 'connect=[fd00::/8]' \
  "read,write=$t/vol/**"
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

# Network
refused "connecting to an address and port" "exec 3<>/dev/tcp/127.0.0.1/7001"
refused "... mapped into IPv6" "python3 -c 'import socket
socket.socket(socket.AF_INET6).connect((\"::ffff:127.0.0.2\", 7000))'"
refused "sending there unconnected" "python3 -c 'import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b\"x\", (\"127.0.0.1\", 7000))'"
if inside "exec 3<>/dev/tcp/127.0.0.1/7002" || [[ $OUTPUT == *refused* ]]; then ok "another port"; else not_ok "another port"; diag "$OUTPUT"; fi
stop_tool
diag "$(grep ^counter "$LOG")"
finish
