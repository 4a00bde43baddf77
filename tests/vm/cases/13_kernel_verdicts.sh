#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each act x {deny, audit, allow} x {literal, directory, suffix, open component} x {as it is, through a link, a hard link, a bind
# mount, renamed}; and what has no path: addresses, capabilities, operations. One container a table of acts; the outcome is what
# the acting program saw, and for each refusal there is one record with its rule.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$REPO/tests/vm/kernel_lib.sh"

PERFORM=$REPO/tests/vm/perform.py
t=$WORK/t
entries=() lines=() expect=()

# entry TEXT: the next one; its rule id is in $RULE.
entry() { entries+=("$1"); RULE=${#entries[@]}; }
# act NAME EXPECTED RULE ACT PATH...: what is to come of it: ok, EPERM, audit (done, and told of).
act() {
  lines+=("${*:4}")
  expect+=("$1|$2|$3")
}

declare -A CLASS_OF=([read]=read [modify]=modify [append]=modify [truncate]=modify [shared]=modify [chmod]=chmod [chown]=chown [xattr]=xattr
  [touch]=touch [touch_now]=touch [exec]=exec [delete]=delete [rename]=rename [link]=link)

# What the acts are done to. Made by one program at the end: in a guest each program that is started takes its time.
steps=()
make() { steps+=("file $1"); }
folder() { steps+=("folder $1"); }
soft() { steps+=("soft $2 $1"); }
hard() { steps+=("hard $2 $1"); }
make_all() {
  printf '%s\n' "${steps[@]}" >"$WORK/steps"
  python3 - "$WORK/steps" <<'END'
import os, sys
program = open("/bin/true", "rb").read()
for step in open(sys.argv[1]).read().splitlines():
    what, path, *target = step.split()
    os.makedirs(path if what == "folder" else os.path.dirname(path), exist_ok=True)
    if what == "file":
        with open(path, "wb") as f:
            f.write(program)
        os.chmod(path, 0o755)
    elif what == "soft":
        if os.path.lexists(path):
            os.remove(path)
        os.symlink(target[0], path)
    elif what == "hard":
        os.link(target[0], path)
END
}

prefix_of() { [[ $1 == deny ]] || echo "$1:"; }

# One act under one shape of entry, through all doors.
door_acts() {
  local mode=$1 verb=$2 shape=$3 outcome=EPERM d=$t/$1-$2-$3 class
  local f=$d/f bound=$t/bound-$1-$2-$3
  class=${CLASS_OF[$verb]}
  [[ $class != touch ]] || class=write
  [[ $mode == deny ]] || outcome=audit
  [[ $shape != suffix ]] || f=$d/f.$mode-$verb
  make "$f"
  folder "$bound"; folder "$t/out"
  soft "$f" "$t/sym-$1-$2-$3"
  case $shape in
    literal) entry "$(prefix_of "$mode")$class=$f" ;;
    directory) entry "$(prefix_of "$mode")$class=$d/**" ;;
    suffix) entry "$(prefix_of "$mode")$class=**/*.$mode-$verb" ;;
    component) entry "$(prefix_of "$mode")$class=$t/*/f-$mode-$verb"; f=$d/f-$mode-$verb; make "$f"; soft "$f" "$t/sym-$1-$2-$3" ;;
  esac
  local second=()
  case $verb in rename | link) second=("$t/out/$1-$2-$3") ;; esac
  act "$mode $verb: $shape" "$outcome" "$RULE" "$verb" "$f" "${second[@]}"
  [[ $mode == deny ]] || return 0 # an audited act is done: the others would find another file
  act "$mode $verb: $shape, by dots" "$outcome" "$RULE" "$verb" "$d/../$(basename "$d")/./$(basename "$f")" "${second[@]}"
  act "$mode $verb: $shape, by /proc/self/root" "$outcome" "$RULE" "$verb" "/proc/self/root$f" "${second[@]}"
  case $verb in
    delete | rename | link) ;; # of a link, the link itself
    *) act "$mode $verb: $shape, through a symlink" "$outcome" "$RULE" "$verb" "$t/sym-$1-$2-$3" ;;
  esac
  if [[ $shape == literal && $verb != delete && $verb != rename && $verb != link ]]; then
    hard "$f" "$t/hard-$1-$2-$3"
    act "$mode $verb: $shape, through a hard link" "$outcome" "$RULE" "$verb" "$t/hard-$1-$2-$3"
  fi
  binds+=("mount --bind $d $bound")
  act "$mode $verb: $shape, through a bind mount" "$outcome" "$RULE" "$verb" "$bound/$(basename "$f")" \
    ${second[@]:+"$bound/2-$1-$2-$3"}
}

binds=()
verbs=(read modify append truncate shared chmod chown xattr touch touch_now exec delete rename link)
for verb in "${verbs[@]}"; do
  for shape in literal directory suffix component; do door_acts deny "$verb" "$shape"; done
done
# Not chmod, of which there are allow lists below.
for verb in read modify truncate chown xattr touch exec; do
  for shape in literal directory suffix; do door_acts audit "$verb" "$shape"; done
done

# Names that come to be.
folder "$t/new/sub"; folder "$t/free"
entry "create=$t/new/**"
for verb in create mkdir mknod symlink; do
  act "create: $verb" EPERM "$RULE" "$verb" "$t/new/x"
  act "create: $verb, deeper" EPERM "$RULE" "$verb" "$t/new/sub/x"
  act "create: $verb elsewhere" ok 0 "$verb" "$t/free/$verb"
done
entry "delete=$t/gone/**"
gone=$RULE
folder "$t/gone/d"
act "delete: rmdir" EPERM "$RULE" rmdir "$t/gone/d"

# What is written to by other means, and what leads out of a directory (F25).
make "$t/w/f"; make "$t/w/g"; make "$t/free/h"
folder "$t/w/place"
entry "write=$t/w/**"
written=$RULE
act "write: mounting over" EPERM "$RULE" mount "$t/w/place"
act "write: removexattr" EPERM "$RULE" removexattr "$t/w/f"
act "write: renaming into it" EPERM "$RULE" rename "$t/free/h" "$t/w/h"
act "write: renaming out of it" EPERM "$RULE" rename "$t/w/g" "$t/free/g"
act "write: exchanging" EPERM "$RULE" exchange "$t/free/h" "$t/w/g"
act "write: a hard link out of it" EPERM "$RULE" link "$t/w/g" "$t/free/g"
make "$t/r/f"; make "$t/r/g"
entry "read=$t/r/**"
act "read: a hard link out of a directory (F25)" EPERM "$RULE" link "$t/r/f" "$t/free/rf"
act "read: a rename out of it (F25)" EPERM "$RULE" rename "$t/r/f" "$t/free/rf"
act "read: an exchange (F25)" EPERM "$RULE" exchange "$t/free/h" "$t/r/g"
act "read: a rename within it" ok 0 rename "$t/r/f" "$t/r/f2"
act "read: a hard link within it" ok 0 link "$t/r/g" "$t/r/g2"

# Of two rules of other classes one goes with the file, and the other must not be led around.
make "$t/two/f"
entry "chmod=$t/two/f"
entry "read=$t/two/**"
act "read: a rename out of it, by a file that another entry names (F25)" EPERM "$RULE" rename "$t/two/f" "$t/free/two"
act "read: ... a hard link" EPERM "$RULE" link "$t/two/f" "$t/free/two"
act "delete: renaming out of it" EPERM "$gone" rename "$t/gone/d" "$t/free/gone"
act "write: the flags of a file" EPERM "$written" flags "$t/w/f"

# What has an open component, or is not there yet, is known by no inode at first.
make "$t/open/one/f"; make "$t/open/one/in/f"; make "$t/open/two/f"
entry "read=$t/open/*/f"
act "read: an open component, through a bind mount of the directory (F14)" EPERM "$RULE" read "$t/open-bound/f"
act "read: ... through an overlay (F28)" EPERM "$RULE" read "$t/open-names/one/f"
act "read: ... through a bind mount of the file (F14)" EPERM "$RULE" read "$t/open-file"
act "read: ... the directory renamed (F13)" ok 0 rename "$t/open/two" "$t/free/two"
act "read: ... what was in it (F13)" EPERM "$RULE" read "$t/free/two/f"
entry "read=$t/open/*/in/**"
act "read: below one, through a bind mount (F14)" EPERM "$RULE" read "$t/open-in/f"
act "read: ... made in another directory" ok 0 mkdir "$t/open/late"
act "read: ... and there" ok 0 mkdir "$t/open/late/in"
act "read: ... that is renamed: it would lead out what is in it (F25)" EPERM "$RULE" rename "$t/open/late/in" "$t/free/in"
binds+=("mkdir $t/open-bound $t/open-names $t/open-in; touch $t/open-file")
binds+=("mount --bind $t/open/one $t/open-bound; mount --bind $t/open/one/in $t/open-in; mount --bind $t/open/one/f $t/open-file")
binds+=("mount -t overlay none -o lowerdir=$t/open:$t/free $t/open-names")
folder "$t/led"
soft "$t/led" "$t/leads"; soft led/target "$t/dangling"
entry "read=$t/leads/late"
act "read: not there yet, below a link" ok 0 create "$t/led/late"
act "read: ... once it is made (F8)" EPERM "$RULE" read "$t/leads/late"
entry "read=$t/leads/dir/**"
act "read: a directory not there yet, below a link" ok 0 mkdir "$t/led/dir"
act "read: ... once it is made" ok 0 create "$t/led/dir/f"
act "read: ... what is in it (F8)" EPERM "$RULE" read "$t/led/dir/f"
entry "read=$t/dangling"
act "read: a link to what is not there yet" ok 0 create "$t/led/target"
act "read: ... once it is made (F8)" EPERM "$RULE" read "$t/dangling"

# Exceptions and who acts.
make "$t/e/f"; make "$t/e/open"
entry "read=$t/e/** except=$t/e/open"
act "except: not the exception" EPERM "$RULE" read "$t/e/f"
act "except: the exception" ok 0 read "$t/e/open"
python=$(realpath "$(command -v python3)")
make "$t/by/f"
entry "read=$t/by/f by=$python"
act "by: the executable that acts" EPERM "$RULE" read "$t/by/f"
make "$t/by/g"
entry "read=$t/by/g by=/bin/cat"
act "by: another one" ok 0 read "$t/by/g"
make "$t/above/f"
entry "read=$t/above/f ancestor=$(realpath /bin/bash)"
act "ancestor: the shell that started it" EPERM "$RULE" read "$t/above/f"

# What an allow list leaves out. Lists of two policies intersect.
for f in allowed/both/f allowed/one/f allowed/f; do make "$t/$f"; done
entry "p1:allow:chmod=$t/allowed/**"
entry "p2:allow:chmod=$t/allowed/both/**"
act "allow: on both lists" ok 0 chmod "$t/allowed/both/f"
act "allow: on one of two" EPERM 1207 chmod "$t/allowed/one/f"
act "allow: on none" EPERM any chmod "$t/free/h"

# Addresses and sockets.
entry 'connect=127.0.0.0/8:7000-7001'
act "connect: an address and port" EPERM "$RULE" tcp 127.0.0.1:7000
act "connect: another port" ECONNREFUSED 0 tcp 127.0.0.1:7002
act "connect: a datagram" EPERM "$RULE" udp 127.0.0.1:7001
act "connect: Fast Open (N2)" EPERM "$RULE" fast_open 127.0.0.1:7001
act "connect: no address, which is this host (N12)" EPERM "$RULE" tcp 0.0.0.0:7000
act "connect: ... a datagram" EPERM "$RULE" udp 0.0.0.0:7001
act "connect: ... Fast Open" EPERM "$RULE" fast_open 0.0.0.0:7001
act "connect: ... mapped into IPv6" EPERM "$RULE" tcp "[::ffff:0.0.0.0]:7000"
act "connect: ... another port" ECONNREFUSED 0 tcp 0.0.0.0:7002
act "connect: SCTP, a message with a further address" EPERM 0 sctp_further 127.0.0.1:7002 127.0.0.5
many=$(printf '127.0.0.1:7002,%.0s' {1..8})127.0.0.1:7002
act "connect: SCTP, by a message" EPERM "$RULE" sctp_stream 127.0.0.1:7001
act "connect: SCTP, by an option (N11)" EPERM "$RULE" sctp_connectx 127.0.0.1:7001
act "connect: ... behind an address that is permitted" EPERM "$RULE" sctp_connectx 127.0.0.1:7002,127.0.0.1:7001
act "connect: ... more addresses than are looked at" EPERM 0 sctp_connectx "$many"
act "connect: ... another port" ECONNREFUSED 0 sctp_connectx 127.0.0.1:7002
entry 'connect=[::1]:7003'
act "connect: no address of IPv6" EPERM "$RULE" tcp "[::]:7003"
act "connect: ... a datagram" EPERM "$RULE" udp "[::]:7003"
act "connect: ... another port" ECONNREFUSED 0 tcp "[::]:7004"
entry 'bind=0.0.0.0/0:7140-7149'
act "bind: every address of IPv6, which takes those of IPv4 (N9)" EPERM "$RULE" bind "[::]:7140"
act "bind: ... those of IPv6 alone" ok 0 bind_only "[::]:7141"
entry 'bind=:7100-7109'
act "bind: SCTP, by an option" EPERM "$RULE" sctp_bindx 127.0.0.1:7101
act "bind: ... another port" ok 0 sctp_bindx 127.0.0.1:7111
act "bind: a port" EPERM "$RULE" bind 127.0.0.1:7100
act "bind: another" ok 0 bind 127.0.0.1:7110
entry 'listen=127.0.0.0/8:7120-7129'
act "listen: an address" EPERM "$RULE" listen 127.0.0.1:7120
act "listen: another port" ok 0 listen 127.0.0.1:7130
act "listen: a port that the kernel has yet to choose" EPERM 0 listen_unbound 2
act "listen: SMC, whose port is another socket's" EPERM 0 listen_unbound 43
entry 'listen=0.0.0.0/0:7150-7159'
act "listen: every address of IPv6, which takes those of IPv4 (N9)" EPERM "$RULE" listen "[::]:7150"
act "listen: ... another port" ok 0 listen "[::]:7160"
entry "connect=unix:$t/s/stream"
folder "$t/s"
act "connect: a unix socket" EPERM "$RULE" connect "$t/s/stream"
act "connect: ... bound elsewhere" EPERM "$RULE" connect "$t/s2/stream"
act "connect: another unix socket" ok 0 connect "$t/s/free"
binds+=("mkdir $t/s2; mount --bind $t/s $t/s2")
entry "connect=unix:$t/s/datagram"
act "connect: a datagram to a unix socket" EPERM "$RULE" datagram "$t/s/datagram"
entry "connect=unix:@nsw-denied"
act "connect: an abstract socket" EPERM "$RULE" connect @nsw-denied
act "connect: another abstract socket" ok 0 connect @nsw-free
entry 'socket=sock:16:2'
act "socket: a family and type" EPERM "$RULE" socket 16
act "socket: another family" ok 0 socket 2

# Capabilities and operations.
entry 'capability=cap:18'
act "capability: sys_chroot" EPERM "$RULE" chroot "$t"
for pair in umount:umount:"$t/free/mnt" namespace:unshare:0x4000000 userns:unshare:0x10000000 raw_socket:raw:x bpf:bpf:x \
  perf:perf:x exec_memory:memory:x io_uring:ring:x keyctl:keyctl:x module_load:module:/bin/true ptrace:ptrace:1 userfaultfd:faults:x; do
  IFS=: read -r operation verb argument <<<"$pair"
  entry "operation=op:$operation"
  act "operation: $operation ($verb)" EPERM "$RULE" "$verb" "$argument"
  [[ $verb != raw ]] || act "operation: $operation (packet)" EPERM "$RULE" packet x
  [[ $verb != raw ]] || act "operation: $operation (XDP)" EPERM "$RULE" xdp x
  [[ $verb != memory ]] || act "operation: $operation (a memfd)" EPERM "$RULE" memory_memfd x
  [[ $verb != memory ]] || act "operation: $operation (shared memory)" EPERM "$RULE" memory_segment x
  [[ $verb != memory ]] || act "operation: $operation (/dev/zero)" EPERM "$RULE" memory_zeroes x
  [[ $verb != memory ]] || act "operation: $operation, not of a file, here an overlay's" ok 0 memory_file /bin/true
  [[ $verb != faults ]] || act "operation: $operation (the device)" EPERM "$RULE" faults_device x
  if [[ $verb == module ]] && grep -qa READING_MODULE_COMPRESSED /sys/kernel/btf/vmlinux; then
    act "operation: $operation (compressed)" EPERM "$RULE" module_compressed /bin/true
  fi
  case $verb in
    ring | faults) act "operation: $operation, by a number with more to it (X15)" EPERM "$RULE" "more_$verb" x ;;
    keyctl) act "operation: $operation, by a number with more to it (X15)" EPERM "$RULE" more_key x ;;
    unshare) act "operation: $operation, by a number with more to it (X15)" EPERM "$RULE" more_unshare "$argument" ;;
  esac
done
folder "$t/free/mnt"
make_all
python3 -c "import os; os.setxattr('$t/w/f', 'trusted.nsw', b'x')"

plan $((${#lines[@]} + 4))
start_tool --events exit "${entries[@]}"
ok "$((${#entries[@]})) entries are taken"

# Sockets to connect to, made outside.
python3 - "$t/s" <<'END' &
import os, socket, sys, time
keep = []
for kind, name in ((1, "stream"), (1, "free"), (2, "datagram")):
    s = socket.socket(socket.AF_UNIX, kind)
    s.bind(sys.argv[1] + "/" + name)
    if kind == 1:
        s.listen()
    keep.append(s)
for name in ("nsw-denied", "nsw-free"):
    s = socket.socket(socket.AF_UNIX)
    s.bind("\0" + name)
    s.listen()
    keep.append(s)
time.sleep(3600)
END
at_exit kill $!
wait_for 20 test -S "$t/s/datagram"
start_container '^bound .*: ok'
inside "mount -t tmpfs none $t/free/mnt; $(printf '%s; ' "${binds[@]}") true" || diag "$OUTPUT"

for i in "${!lines[@]}"; do printf '%d %s\n' "$i" "${lines[i]}"; done >"$WORK/acts"
rm -f "$WORK/done"
printf '%s <%s/acts >%s/outcome 2>&1; echo done >%s/done\n' "$PERFORM" "$WORK" "$WORK" "$WORK" >&9
wait_for 300 test -e "$WORK/done" || diag "$(tail -n 3 "$WORK/outcome")"
sleep 2

declare -A outcome told
while read -r number what _; do outcome[$number]=$what; done <"$WORK/outcome"
while read -r verdict; do told[$verdict]=1; done < <(grep -oE 'verdict=(denied|audit) rule=[0-9]+' "$LOG" | sort -u)
# is_refusal NUMBER: before there was a hook for it, unshare(2) made ENOMEM of whatever the copy of the credentials came to. What
# a kernel has not got needs no refusal: the device of userfaultfd, SMC.
is_refusal() {
  case "${lines[$1]} ${outcome[$1]-}" in
    *' EPERM' | unshare*' ENOMEM' | more_unshare*' ENOMEM' | faults_device*' ENOENT' | 'listen_unbound 43 EAFNOSUPPORT') true ;;
    *) false ;;
  esac
}
# came NUMBER WANTED RULE: what the program saw is that, and a refusal is told of.
came() {
  case $2 in
    audit) [[ ${outcome[$1]-} == ok && ${told[verdict=audit rule=$3]-} ]] ;;
    EPERM) is_refusal "$1" && [[ $3 == any || ${told[verdict=denied rule=$3]-} ]] ;;
    *) [[ ${outcome[$1]-} == "$2" ]] ;;
  esac
}
for i in "${!lines[@]}"; do
  IFS='|' read -r name wanted rule <<<"${expect[i]}"
  came "$i" "$wanted" "$rule" && ok "$name" && continue
  not_ok "$name"
  diag "${lines[i]}: wanted $wanted by rule $rule, saw ${outcome[$i]:-nothing}, told ${told[verdict=denied rule=$rule]-no}"
done

check_equal "no record of a verdict is of an entry that no act was refused by" "" \
  "$(grep -oE 'verdict=denied rule=[0-9]+' "$LOG" | sort -u | while IFS== read -r _ _ rule; do
    ((rule > ${#entries[@]} && rule < 1000)) && echo "$rule"; done || true)"
refusals=$(grep -cE ' EPERM$' "$WORK/outcome")
records=$(grep -cE 'verdict=denied' "$LOG")
if ((records >= refusals && records <= refusals + 40)); then ok "a record for each refusal"; else not_ok "a record for each refusal"; diag "$refusals refusals, $records records"; fi
allowed "the container works as before" "cat /etc/hostname && ls /tmp && /bin/true"
stop_tool
diag "$(grep ^counter "$LOG" | grep -v emitted)"
finish
