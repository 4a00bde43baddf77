#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An overlay that the container mounts shows a denied directory's files under other names, or puts what is written into one (F28):
# what the kernel does beneath is refused as well. But not beneath the container's own root, wherever the runtime has its layers.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$REPO/tests/vm/kernel_lib.sh"
plan 34

t=$WORK/t
mkdir -p "$t"
mount -t tmpfs none "$t" # which an overlay can have as its upper layer, too
at_exit umount -l "$t"
mkdir -p "$t"/{dir/sub,top,free,names,literal,upper,work,w/up/d}
for file in dir/x dir/sub/y top/secret top/plain free/f w/up/u w/up/v; do echo "$file" >"$t/$file"; done
cp /bin/true "$t/dir/program"
cp /lib64/ld-linux-x86-64.so.2 "$t/free/loader"
start_tool --events open,mkdir,unlink "read=$t/top/secret" "read=$t/dir/**" "write=$t/w/**" "exec=$t/dir/**" "audit:read=$t/top/plain" "write=/mnt/**" \
  "read=/later"
start_container '^bound .*: ok'
allowed "the container mounts overlays" "mount -t overlay none -o lowerdir=$t/dir:$t/free $t/names &&
  mount -t overlay none -o lowerdir=$t/top:$t/free $t/literal &&
  mount -t overlay none -o lowerdir=$t/free,upperdir=$t/w/up,workdir=$t/work $t/upper"

refused "reading below a directory (F28)" "cat $t/names/x"
seen "... is told, with the rule" '^open openat verdict=denied rule=2 result=-1 '
counted "... once" 1 '^.* verdict=denied rule=2 '
refused "... deeper" "cat $t/names/sub/y"
refused "... a literal path (F28)" "cat $t/literal/secret"
refused "... through a bind mount of the overlay" "mkdir $t/bound; mount --bind $t/names/sub $t/bound; cat $t/bound/y"
allowed "... what is denied nowhere" "cat $t/names/f $t/literal/f"
allowed "... what is only audited" "cat $t/literal/plain"
seen "... is told as such" 'verdict=audit rule=5 '
refused "running what lies there (F28)" "exec $t/names/program"
refused "... by the dynamic loader" "exec $t/free/loader $t/names/program"
for act in "appending:echo x >>$t/upper/u" "truncating:truncate -s 0 $t/upper/u" "making a file:echo x >$t/upper/new" \
  "making a directory:mkdir $t/upper/new" "making a symlink:ln -s x $t/upper/new" "making a device:mknod $t/upper/new p" \
  "removing:rm $t/upper/u" "removing a directory:rmdir $t/upper/d" "renaming:mv $t/upper/u $t/upper/w" "linking:ln $t/upper/u $t/upper/new" \
  "changing the mode:chmod 600 $t/upper/u" "changing the owner:chown 1 $t/upper/u" "changing times:touch -d @1 $t/upper/u" \
  "changing attributes:python3 -c 'import os; os.setxattr(\"$t/upper/u\", \"trusted.x\", b\"y\")'" "copying up:echo x >>$t/upper/f" \
  "copying up, after a write there:echo x >$t/allowed && exec 8<>$t/upper/f"; do
  refused "writing: ${act%%:*} (F28)" "${act#*:}"
done
allowed "all is there as before" "[[ \$(cat $t/w/up/u $t/w/up/v) == \$(printf 'w/up/u\nw/up/v') && ! -e $t/w/up/new && ! -e $t/w/up/f && -d $t/w/up/d ]]"

# A container whose root's upper layer lies in a directory that it can name, and may not write to.
mkdir -p "$t/host/up" "$t/host/work" "$t/root"
mount -t overlay none -o "lowerdir=/,upperdir=$t/host/up,workdir=$t/host/work" "$t/root"
mount --bind "$t/host" "$t/root/mnt"
at_exit umount -R "$t/root"
bound() { grep -c '^bound .*: ok' "$LOG"; }
before=$(bound)
unshare --mount --pid --fork --root "$t/root" /bin/bash -c 'until [[ -e /go ]]; do sleep 0.2; done
  echo x >/own && mkdir /folder && mv /own /folder/own && cat /folder/own; echo y >/mnt/up/y; echo z >/mnt/z
  echo s >/later; mkdir /all; mount --bind / /all; cat /all/later' >"$WORK/rooted" 2>&1 &
rooted=$!
wait_for 60 eval '(($(bound) > before))' || diag "the second container was not seen"
touch "$t/root/go"
wait "$rooted" || true
check_equal "it writes to its own root" x "$(head -n 1 "$WORK/rooted")"
check_equal "... and not there" 2 "$(grep -c '/mnt.*Operation not permitted' "$WORK/rooted")"
check "what came to be later is refused through a bind mount of the root, too (F14)" grep -q '/all/later: Operation not permitted' "$WORK/rooted"

# The same of a home that the engine made ahead of whoever comes: its root is learnt from the first that comes.
before=$(bound)
unshare --mount --pid --fork --root "$t/root" /bin/sleep 1000 &
outer=$!
wait_for 60 eval '(($(bound) > before))' || diag "the third container was not seen"
first=$(pgrep -P "$outer")
at_exit kill -9 "$first"
kill -USR1 "$TOOL_PID"
wait_for 60 grep -q '^all made ahead' "$LOG" || diag "no home was made"
nsenter --target "$first" --mount --pid --root --wd /bin/bash -c 'echo x >/ahead && cat /ahead; echo y >/mnt/up/y' >"$WORK/came" 2>&1 || true
check_equal "a home that the engine made: who comes first writes to its own root" x "$(head -n 1 "$WORK/came")"
check_equal "... and not there" 1 "$(grep -c 'Operation not permitted' "$WORK/came")"
stop_tool
finish
