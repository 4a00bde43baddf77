#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The main job where the kernel can refuse: two containers of two images under two policies at the same time; one act is refused in
# one and allowed in the other, alerted on, recorded, queried; an entry pushed at run time holds and expires.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$E2E/engine.sh"
source "$REPO/tests/vm/container_lib.sh"
EVENTS="open, connect"
SETTINGS="hold: 10s" # where all is emulated a decision takes its time
ACTS=${NSWARDEN_ACTS_PROGRAM:-$REPO/build/release/tests/acts/nsw_acts}
STARTS=${NSWARDEN_STARTS:-3}
export NSWARDEN_START_DEADLINE=480 NSWARDEN_ALERT_DEADLINE=60
plan 49

use_guest_docker
copy_policies
"$E2E/image" demo/web:1.2 demo/other
container web demo/web:1.2
allowed web /bin/sh -c 'mkdir -p /srv/secrets; cp /bin/busybox /srv/date; echo s >/srv/secrets/key; ln /srv/secrets/key /srv/link-before'

check_engine "the engine starts"
container other demo/other
# As what podman keeps for a user: a service of the host with a mount namespace of its own.
# shellcheck disable=SC2016
unshare --mount /bin/bash -c 'until [[ -e $0 ]]; do sleep 1; done; unshare --mount --pid --fork /bin/sleep 1000' "$WORK/go" &
at_exit kill "$!"
check "it says that it enforces" grep -q "enforcement: on" "$ENGINE_LOG"
check "both containers, one from before the start, are bound (I8)" wait_for 60 eval \
  '"$NSWARDEN" ps --json | jq -e "[.containers[] | select(.policies | length > 0) | .name] | sort == [\"other\", \"web\"]"'
check "ps says what is enforced" eval '"$NSWARDEN" ps | grep -E "web \(enforced\)"'

# Of the first program of a container, as many as eight at once. NSWARDEN_STARTS in all (3; more in cases+starts).
first_refused() {
  local said
  said=$(timeout 300 docker run --rm --network none -v "$ACTS:/tmp/denied:ro" demo/web:1.2 /tmp/denied count 2>&1) && return 1
  [[ $said == *'operation not permitted'* ]] || { echo "$said"; return 1; }
}
every_eighth_refused() {
  local n
  for ((n = $1; n <= STARTS; n += 8)); do first_refused || return 1; done
}
all_refused() {
  local pids=() pid n
  for n in {1..8}; do every_eighth_refused "$n" & pids+=($!); done
  for pid in "${pids[@]}"; do wait "$pid" || return 1; done
}
started=$SECONDS
check "exec: the first program of each of $STARTS containers, as many as eight at once (I7)" all_refused
diag "in $((SECONDS - started)) s"
check "... is alerted on, each once" alerts_become "$STARTS" '.rule == "web/exec//tmp/**" and .verdict == "denied"'

check "read: refused in web, to docker exec" eval '[[ $(docker exec web /bin/cat /etc/shadow 2>&1) == *"peration not permitted"* ]]'
check "read: allowed in other, to docker exec" docker exec other /bin/cat /etc/shadow
check "one alert, which names policy, rule and verdict" alerts_become 1 \
  '.rule == "web/read//etc/shadow" and .policy == "web" and .verdict == "denied" and .action == "deny" and .output_fields["container.name"] == "web"'
check "history: the refusal, with its rule" history_shows '"verdict":"denied"' --container web --path /etc/shadow --rule 'web/read/*'
check "history: the same act in other, not refused (F3, I12)" history_shows '"/etc/shadow"' --container other --path /etc/shadow
check_equal "history: one refused act is one event" 1 "$(history_rows --container web --verdict denied --path /etc/shadow | jq -s 'map(.count) | add')"

check "read: through a symlink made now" refused web /bin/sh -c 'ln -s /etc/shadow /srv/innocent; cat /srv/innocent'
check "read: through dots and /proc/self/root" refused web /bin/cat /srv/.././proc/self/root/etc/shadow
check "read: below a directory" refused web /bin/cat /srv/secrets/key
check "read: what is not denied" allowed web /bin/cat /etc/passwd
check "write: a new file below a denied directory" refused web /bin/sh -c 'echo x >/etc/new'
check "write: an existing file" refused web /bin/sh -c 'echo x >>/etc/passwd'
check "write: other may" allowed other /bin/sh -c 'echo "# x" >>/etc/group'
check "exec: from a denied directory" refused web /bin/sh -c 'cp /bin/busybox /tmp/true; exec /tmp/true'
check "exec: other may" allowed other /bin/sh -c 'cp /bin/busybox /tmp/true; exec /tmp/true'
check "exec: a literal path that appears later" refused web /bin/sh -c 'cp /bin/busybox /srv/wget; exec /srv/wget'
check "exec: a script in a denied directory" refused web /bin/sh -c 'printf "#!/bin/sh\ntrue\n" >/tmp/script; chmod +x /tmp/script; exec /tmp/script'
check "connect: a denied port" refused web /usr/bin/nc -w 1 127.0.0.1 8081
check "connect: another port is answered by the network" says 'connection refused' web /usr/bin/nc -w 1 127.0.0.1 8082
check "connect: a denied network" refused web /usr/bin/nc -w 1 10.9.8.7 80
check "connect: other may try" eval '! refused other /usr/bin/nc -w 1 10.9.8.7 80'
check "unshare does not shake a policy off" refused web /usr/bin/unshare -m /bin/cat /etc/shadow
check "audit: would_deny, and not refused" eval 'allowed other /bin/cat /etc/group && alerts_become 1 ".rule == \"other/read//etc/group\" and .verdict == \"would_deny\" and .output_fields[\"evt.type\"] == \"openat\""'

# The history does not want what web's policy alone speaks of: the kernel sends it from web alone.
folders_made() { "$NSWARDEN" status --json | jq '.events.mkdir.emitted // 0'; }
before=$(folders_made)
allowed other /bin/mkdir /srv/a /srv/b /srv/c
allowed web /bin/mkdir /srv/folder
check "a rule of web alone speaks there" alerts_become 1 '.rule == "folder made in web"'
check_equal "... and of no other container such acts are sent" 1 $(($(folders_made) - before))

# Run time.
check "deny is taken" "$NSWARDEN" deny --container web --exec /srv/date --for 20s
check "... and holds at once" refused web /srv/date
check "... is alerted on by its name" alerts_become 1 '.verdict == "denied" and (.rule | contains("/srv/date"))'
check "... in that container alone" allowed other /bin/true
check "... and expires by itself" wait_for 90 eval '! refused web /srv/date'

deny_address() { "$NSWARDEN" deny --container web --connect 127.0.0.9 --for 600s; }
check "deny of an address is taken, and prolonged as often as one likes" eval 'for n in {1..6}; do deny_address || exit 1; done'
check "... and holds" refused web /usr/bin/nc -w 1 127.0.0.9 80
check "... for no other address" says 'connection refused' web /usr/bin/nc -w 1 127.0.0.8 80

check "quarantine by hand" "$NSWARDEN" quarantine --container other --reason "a test"
check "... refuses what no policy does" refused other /bin/true
check "... ps says so" eval '"$NSWARDEN" ps | grep "IN QUARANTINE"'
check "... and a reload does not end it" eval '"$NSWARDEN" reload && refused other /bin/true'
check "release ends it" "$NSWARDEN" release --container other
check "... and all is as before" allowed other /bin/true
check "both are in the history, with who and why" eval 'history_shows "\"type\":\"quarantine\".*\"uid\":0.*other; reason: a test" --event operation &&
  history_shows "\"type\":\"release\"" --event operation'

without_runtime() { "$NSWARDEN" ps --json | jq -e '[.containers[] | select(.name | startswith("ns-"))] | length == '"$1"; }
check "a service with a mount namespace of its own is no container" without_runtime 0
: >"$WORK/go"
check "... but what it makes is one, and not that service (I14)" wait_for 60 without_runtime 1

kill -STOP "$ENGINE_PID"
check "while the engine is stopped, containers start" timeout 120 docker run --rm --network none demo/other /bin/true
kill -CONT "$ENGINE_PID"
finish
