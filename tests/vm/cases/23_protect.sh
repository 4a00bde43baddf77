#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The engine against a container with all privileges, the host's processes and the host's files: what it tries on the engine's
# process, BPF objects and files is refused and told of, and the engine goes on; its own BPF objects are its own. The same is
# refused to no process of the host.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$E2E/engine.sh"
EVENTS="open, connect"
export NSWARDEN_START_DEADLINE=480 NSWARDEN_ALERT_DEADLINE=60
export DOCKER_HOST=unix://$WORK/none # no runtime is needed
ulimit -l unlimited # which 5.10 takes that of BPF for
PINS=/sys/fs/bpf/nswarden
RULE="act against nswarden"
HISTORY=$WORK/history/history.db
CGROUP=/sys/fs/cgroup/nsw_engine
PERFORM=$REPO/tests/vm/perform.py
plan 25

mkdir -p "$POLICIES" "$WORK/history" "$WORK/kept" /etc/nswarden "$CGROUP"
printf 'nswarden: 1\npolicy: guarded\nmode: enforce\ndeny:\n  read: ["%s/secret"]\n' "$WORK" >"$POLICIES/guarded.yaml"
echo plain | tee "$WORK/secret" >"$WORK/plain"
echo $$ >"$CGROUP/cgroup.procs" # and who is started from here
at_exit eval 'echo $$ >/sys/fs/cgroup/cgroup.procs; rmdir "$CGROUP"'

check_engine "the engine starts"
P=$ENGINE_PID

# A container that has everything of the host's but a mount namespace of its own. It needs no runtime: a PID namespace makes it one;
# who enters the mount namespace alone is of the container, and sees the host's processes.
unshare --mount --pid --fork /bin/sh -c "mount --bind $POLICIES $WORK/kept; exec sleep 10000" &
at_exit kill $!
wait_for 60 pgrep -x sleep -P $!
inside=(/usr/bin/nsenter "--mount=/proc/$(pgrep -x sleep -P $!)/ns/mnt")
mkfifo "$WORK/rogue.in"
"${inside[@]}" /usr/bin/python3 "$PERFORM" <"$WORK/rogue.in" >>"$WORK/rogue.out" 2>"$WORK/rogue.err" &
exec {rogue}>"$WORK/rogue.in"
trap '' PIPE # it may have ended

# outcomes: the lines on stdin, each `NAME ACT ...`, as the container's process fared: `NAME OUTCOME`.
outcomes() {
  local acts
  acts=$(cat)
  : >"$WORK/rogue.out"
  printf '%s\nend signal 0 0\n' "$acts" >&"$rogue"
  wait_for 120 grep -q '^end ' "$WORK/rogue.out" || { echo "no answer"; cat "$WORK/rogue.err"; }
  grep -v '^end ' "$WORK/rogue.out"
}
# refuses NAME: each act on stdin is refused, and told of.
refuses() {
  local name=$1 before got count
  before=$(told)
  got=$(outcomes)
  count=$(wc -l <<<"$got")
  if [[ ! $got ]] || grep -qvE ' (EPERM|EACCES)$' <<<"$got"; then not_ok "$name"; diag "$got"; return; fi
  if [[ ${2-} ]] || wait_for 60 eval "((\$(told) >= before + count))"; then ok "$name"; return; fi
  not_ok "$name"
  diag "of $count acts $(($(told) - before)) were told of"
}
ids() { cat /proc/"$P"/fdinfo/* 2>/dev/null | awk -v key="$1:" '$1 == key { print $2 }' | sort -nu | paste -sd,; }
told() { alerts '.rule == "'"$RULE"'" and .verdict == "denied"'"${1:+ and $1}"; }

refuses "signals, however they are sent (A1)" <<ACTS
term signal $P 15
stop signal $P 19
tkill tkill $P
tgkill tgkill $P
pidfd pidfd_signal $P
queued queued $P
ACTS
sleep 1
check_equal "... and each is told of once" 6 "$(told)"
check_equal "the signal of a file reaches it not (A1)" "file ok" "$(outcomes <<<"file file_signal $P")"
refuses "tracing, memory, descriptors, namespaces (A1)" <<ACTS
attach attach $P
read memory_read $P
write memory_written $P
mem modify /proc/$P/mem
taken taken $P
entered entered $P
ACTS
refuses "scheduling, limits, what /proc lets one write (A1)" <<ACTS
nice nice $P
io io_priority $P
affinity affinity $P
limit limit $P
oom modify /proc/$P/oom_score_adj
thread modify /proc/$P/task/$P/oom_score_adj
ACTS
refuses "its cgroup, frozen or killed (A1)" <<ACTS
freeze modify $CGROUP/cgroup.freeze
procs modify $CGROUP/cgroup.procs
ACTS

check_equal "a container's own map is its own" "own ok" "$(outcomes <<<"own own_map -")"
refuses "its maps, programs and links, by their ids (A2)" <<ACTS
maps maps $(ids map_id)
programs programs $(ids prog_id)
links links $(ids link_id)
ACTS
# Those that no descriptor shows: what is inside of others, and was made for a policy.
check "... and every other map of its (A2)" eval \
  'outcomes <<<"all maps $(bpftool map list -j | jq -r "[.[].id] | join(\",\")")" | grep "^all EPERM$"'
links=$(find "$PINS" -path '*/links/*' -type f | head -n 1)
layout=$(find "$PINS" -mindepth 1 -maxdepth 1 -type d | head -n 1)
refuses "its pins (A2)" <<ACTS
got got $layout/maps/homes
unlink delete $links
move rename $links $PINS/other
folder rename $PINS /sys/fs/bpf/other
rmdir rmdir $layout/links
chmod chmod $PINS
link_chmod chmod $links
chown chown $layout/maps/disarm
ACTS
refuses "its configuration and policies (A2)" <<ACTS
disarm create /etc/nswarden/disarm
config create /etc/nswarden/other.yaml
folder rename /etc/nswarden /etc/other
policy append $POLICIES/guarded.yaml
truncate truncate $POLICIES/guarded.yaml
gone delete $POLICIES/guarded.yaml
another create $POLICIES/other.yaml
mkdir mkdir $POLICIES/folder
symlink symlink $POLICIES/link
link link $POLICIES/guarded.yaml $WORK/link
over rename $WORK/plain $POLICIES/guarded.yaml
touch touch $POLICIES/guarded.yaml
chmod chmod $POLICIES/guarded.yaml
xattr xattr $POLICIES/guarded.yaml
flags flags $POLICIES/guarded.yaml
binary chmod $NSWARDEN
ACTS
refuses "... by another mount of them, too (A2)" <<ACTS
chmod chmod $WORK/kept/guarded.yaml
append append $WORK/kept/guarded.yaml
ACTS
refuses "its history and its locks (A2)" <<ACTS
append append $HISTORY
wal append $HISTORY-wal
gone delete $HISTORY
journal create $HISTORY-journal
lock locked $HISTORY-shm
engine locked /run/nswarden.lock
ACTS
refuses "its control socket (A2)" <<ACTS
connect connect /run/nswarden/control.sock
gone delete /run/nswarden/control.sock
ACTS
check "a record names the file, the process and the rule" eval \
  '(($(told ".output_fields[\"proc.name\"] == \"python3\" and ([.output_fields[] | tostring] | any(contains(\"guarded.yaml\")))") > 0))'

# In the host's own mount namespace.
printf 'over mount %s\noff umount /sys/fs/bpf\nabove umount /sys\ngone delete %s\n' "$PINS" "$links" >"$WORK/acts"
check_equal "what it is mounted on, from the host's namespace (A2)" "over EPERM off EPERM above EPERM gone EPERM" \
  "$("${inside[@]}" /usr/bin/nsenter --mount=/proc/1/ns/mnt /usr/bin/python3 "$PERFORM" <"$WORK/acts" 2>&1 | paste -sd' ')"

check "the engine runs" kill -0 "$P"
check "... and answers" "$NSWARDEN" status
check_equal "... and enforces" "secret EPERM" "$(outcomes <<<"secret read $WORK/secret")"

# The host, in a harmless way.
check_equal "no process of the host is refused anything" "ok 11" "$(
  "$REPO/tests/vm/perform.py" <<ACTS | tee "$WORK/host.out" | awk '{ print $2 }' | sort | uniq -c | awk '{ print $2, $1 }'
hup signal $P 1
attach attach $P
continue signal $P 18
taken taken $P
nice nice $P
limit limit $P
got got $layout/maps/homes
chmod chmod $POLICIES/guarded.yaml
create create $POLICIES/x
gone delete $POLICIES/x
connect connect /run/nswarden/control.sock
ACTS
)"
diag "$(cat "$WORK/host.out")"
check "... which the engine survives" eval 'sleep 1; "$NSWARDEN" status'

# Without an engine.
kill -9 "$P"
wait "$P" 2>/dev/null || true
refuses "killed: what is pinned goes on keeping its pins and files (A2)" untold <<ACTS
got got $layout/maps/homes
unlink delete $links
history append $HISTORY
policy append $POLICIES/guarded.yaml
disarm create /etc/nswarden/disarm
ACTS
check "disarmed, none of it is refused" eval \
  '"$NSWARDEN" release --all && outcomes <<<"policy append $POLICIES/guarded.yaml" | grep "policy ok"'
check "nothing of it is left" eval '"$NSWARDEN" stop --remove; [[ ! -e $PINS ]] && outcomes <<<"policy create $POLICIES/new.yaml" | grep "policy ok"'
finish
