#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The engine on this very kernel, whatever it gives, with a real Docker: it sees, judges by image, alerts, records, answers,
# reloads, survives a kill. Where this kernel cannot refuse, deny entries detect and the engine says so.
source "$(dirname "$(realpath "$0")")/lib.sh"
source "$E2E/engine.sh"
plan 52

start_dockerd
copy_policies
"$E2E/image" demo/web:1.2 demo/other
docker run -d --name web --network none demo/web:1.2 /bin/sleep 900 >/dev/null
docker exec web /bin/mkdir -p /srv/secrets

# A receiver for the webhook, on loopback.
python3 "$E2E/receiver.py" "$WORK/received.json" "$WORK/port" &
receiver=$!
at_exit kill "$receiver"
wait_for 10 test -s "$WORK/port"

check "it needs root and says so" eval '! setpriv --reuid=65534 --clear-groups "$NSWARDEN" run 2>"$WORK/err"; grep -q "needs root" "$WORK/err"'
check_engine "the engine starts" --webhook "http://127.0.0.1:$(cat "$WORK/port")/alerts"
status=0
"$NSWARDEN" run --policies "$POLICIES" --no-history 2>"$WORK/second" || status=$?
check_equal "a second engine is refused" 1 "$status"
check "... with the reason, and whose process is in the way" grep -q "another nswarden watches this host already: process $ENGINE_PID holds" "$WORK/second"

enforcing=$("$NSWARDEN" ps --json | jq -r .enforcing)
verdict=$([[ $enforcing == true ]] && echo denied || echo would_deny)
if [[ $enforcing == true ]]; then
  check "it says that it enforces" grep -q "enforcement: on" "$ENGINE_LOG"
else
  check "it says which policies only detect" grep -q "these policies only detect: web" "$ENGINE_LOG"
fi

# Where kprobes are missing these are others than a guest's (tests/vm/cases+ends/24_canary.sh).
check "each mechanism that it relies on is watched, and works" eval '"$NSWARDEN" status --json |
  jq -e ".heartbeat | (.impaired | not) and ([.watched[] | select(.works) | .what] | contains([\"tp_btf\", \"probes\"]) and (contains([\"kprobe\"]) or contains([\"tracepoint sys_enter\", \"tracepoint sys_exit\"])))"'

# A container that was there before, one that comes now.
check "ps: a container from before the start is bound (I8)" wait_for 10 eval \
  '"$NSWARDEN" ps --json | jq -e ".containers[] | select(.name == \"web\" and .image == \"demo/web:1.2\") | .policies[] | select(.name == \"web\")"'
docker run -d --name other --network none demo/other /bin/sleep 900 >/dev/null
check "ps: a new container is bound to its own policy" wait_for 10 eval \
  '"$NSWARDEN" ps --json | jq -e ".containers[] | select(.name == \"other\") | .policies[] | select(.name == \"other\")"'
check "the first act of a new container carries its image (I7)" history_shows '/bin/sleep' --container other --event exec --image demo/other

docker exec web /bin/sh -c 'cat /etc/shadow >/dev/null' || true
check "a read that web may not do: one alert, which names policy and rule" alerts_become 1 \
  ".rule == \"web/read//etc/shadow\" and .policy == \"web\" and .verdict == \"$verdict\" and .output_fields[\"container.name\"] == \"web\""
check "the shell: an alert of web's own rule (I12)" alerts_become 1 \
  '.rule == "shell in web" and .priority == "Notice" and .source == "syscall" and (.tags | index("shell")) and .hostname and .time and (.output | contains("shell in web"))'
docker exec other /bin/cat /etc/shadow >/dev/null
check "the same act in other: none" alerts_become 1 '.rule == "web/read//etc/shadow"'
docker exec other /bin/cat /etc/passwd /etc/group >/dev/null
check "other's rule speaks there, with the kernel's path (F3)" alerts_become 1 '.rule == "passwd read" and .output_fields["fd.name"] == "/etc/passwd"'
check "audit: would_deny, and nothing refused" alerts_become 1 '.rule == "other/read//etc/group" and .verdict == "would_deny"'
docker exec web /bin/sh -c 'ln -s /etc/shadow /srv/innocent; cat /srv/../srv/innocent >/dev/null' || true
check "through a symlink and dots it is the same file (F8, F9)" alerts_become 2 ".rule == \"web/read//etc/shadow\" and .verdict == \"$verdict\""
docker exec web /bin/sh -c 'echo x >/etc/new' || true
check "a write below a denied directory" alerts_become 1 ".rule == \"web/write//etc/**\" and .output_fields[\"fs.path.name\"] == \"/etc/new\""
docker exec web /bin/sh -c 'cp /bin/busybox /tmp/wget; /tmp/wget --help' >/dev/null 2>&1 || true
check "a program run from a denied directory" alerts_become 1 ".rule == \"web/exec//tmp/**\" and .verdict == \"$verdict\""
docker exec web /bin/sh -c 'printf "#!/bin/sh\ntrue\n" >/tmp/script; chmod 755 /tmp/script; cd /tmp; /tmp/script; ./script' >/dev/null 2>&1 || true
check "a script run from there, by its whole path and by a relative one" alerts_become 2 \
  ".rule == \"web/exec//tmp/**\" and .verdict == \"$verdict\" and .output_fields[\"evt.arg.file\"] == \"/tmp/script\""
docker exec web /usr/bin/nc -w 1 127.0.0.1 8081 </dev/null >/dev/null 2>&1 || true
check "a connection to a denied address and port (N1)" alerts_become 1 ".rule == \"web/connect/127.0.0.1:8081/tcp\""
docker exec web /usr/bin/nc -w 1 127.0.0.1 8082 </dev/null >/dev/null 2>&1 || true
check "another port is not denied" alerts_become 1 '.rule | startswith("web/connect/")'

wait_for 15 eval '[[ $(wc -l <"$WORK/received.json") -ge $(wc -l <"$ALERTS") ]]' || true
check_equal "the webhook received each alert once" "$(jq -c .event_id "$ALERTS" | sort)" "$(jq -c .event_id "$WORK/received.json" | sort)"

check "history: by path" history_shows '"/etc/shadow"' --container web --path /etc/shadow
check "history: by rule and verdict" history_shows 'web/exec//tmp' --rule 'web/exec/*' --verdict "$verdict"
check "history: by address" history_shows '127.0.0.1:8081' --address 127.0.0.0/8
check_equal "history: nothing of yesterday" "" "$(history_rows --until 1d)"
check "history: a table" eval '"$NSWARDEN" history --history "$HISTORY" --container web --event exec | grep -q busybox'
check "history: CSV with a header" eval '"$NSWARDEN" history --history "$HISTORY" --output csv --limit 1 | head -n 1 | grep -q ","'
check "history: a bad filter is an error" eval '! "$NSWARDEN" history --history "$HISTORY" --since yesterday'

# A stricter policy, tried on what happened.
cat >"$WORK/stricter.yaml" <<'YAML'
nswarden: 1
policy: stricter
images: [demo/other]
mode: enforce
deny:
  read: [/etc/passwd, /never/read]
YAML
check "check: what a policy would have stopped" eval \
  '"$NSWARDEN" check --against-history --history "$HISTORY" "$WORK/stricter.yaml" 2>"$WORK/err" && grep -q -E "^warning: other: read /etc/passwd \([0-9]+x, by [^)]+\) would be refused by stricter/read//etc/passwd$" "$WORK/err"'
check "... and nothing else" eval '[[ $(grep -c ^warning "$WORK/err") == 1 ]]'
check "... a failure if so wanted" eval '! "$NSWARDEN" check --against-history --strict --history "$HISTORY" "$WORK/stricter.yaml" 2>/dev/null'

if [[ $enforcing == true ]]; then
  check "deny is taken" "$NSWARDEN" deny --container other --exec /bin/date --for 5s
  check "release --all says what ends" eval '"$NSWARDEN" release --all | grep -q "nothing is refused any more"'
else
  check "deny says that this kernel cannot" eval '! "$NSWARDEN" deny --container other --exec /bin/date --for 5s 2>"$WORK/err"; grep -q "cannot refuse" "$WORK/err"'
  check "release --all says that nothing was refused" eval '"$NSWARDEN" release --all | grep -q "refused nothing before"'
fi

"$NSWARDEN" arm >/dev/null

# Reload: a bad file changes nothing, a good one does.
echo 'nswarden: 1
policy: broken
rules: [{rule: x, condition: "nosuch.field = 1", output: x, priority: HIGH}]' >"$POLICIES/broken.yaml"
kill -HUP "$ENGINE_PID"
check "a bad policy file: the error, with its place" wait_for 10 grep -q 'broken.yaml:3:' "$ENGINE_LOG"
check "... and the old set stays in force" eval '"$NSWARDEN" status --json | jq -e ".policies | map(.name) == [\"other\", \"web\"]"'
rm "$POLICIES/broken.yaml"
mv "$POLICIES" "$POLICIES.away"
kill -HUP "$ENGINE_PID"
check "the policies' directory vanished: that is said" wait_for 10 grep -q "$POLICIES: .*No such file" "$ENGINE_LOG"
check "... and answered" eval '! "$NSWARDEN" reload 2>"$WORK/err"; grep -q "the old policies stay in force: .*No such file" "$WORK/err"'
check "... as JSON, too" eval '{ "$NSWARDEN" reload --json 2>/dev/null || true; } | jq -e ".error | contains(\"No such file\")"'
check "... and an error in the log, with who asked" grep -q "error reload by uid 0 .*the old policies stay in force" "$ENGINE_LOG"
mkdir "$POLICIES"
check "no policy is left: a warning" eval '"$NSWARDEN" reload 2>&1 >/dev/null | grep -q "$POLICIES: .*no policy is there" && grep -q "no policy is there" "$ENGINE_LOG"'
rmdir "$POLICIES"
mv "$POLICIES.away" "$POLICIES"
: >"$POLICIES/empty.yaml"
check "what a reload warns of is answered and logged" eval '"$NSWARDEN" reload 2>&1 >/dev/null | grep -q "empty.yaml: .*is empty" && grep -q "empty.yaml: .*is empty" "$ENGINE_LOG"'
rm "$POLICIES/empty.yaml"

# A file for which there is not memory enough (a soft limit: not every root may raise a hard one again).
printf 'nswarden: 1\npolicy: large\nrules:\n  - list: names\n    items:\n' >"$POLICIES/large.yaml"
seq -f '    - "a name of some length %06.0f"' 190000 >>"$POLICIES/large.yaml"
prlimit --pid "$ENGINE_PID" --as=$(($(cut -d" " -f1 "/proc/$ENGINE_PID/statm") * 4096 + (1 << 20))):
kill -HUP "$ENGINE_PID"
check "no memory for a policy: that is said" wait_for 30 grep -qE 'stay in force: .*(bad_alloc|no memory)' "$ENGINE_LOG"
prlimit --pid "$ENGINE_PID" --as=unlimited:
check "... and the old set stays in force" eval '"$NSWARDEN" status --json | jq -e ".policies | map(.name) == [\"other\", \"web\"]"'
rm "$POLICIES/large.yaml"
sed -i 's|fd.name = /etc/passwd|fd.name = /etc/os-release|' "$POLICIES/other.yaml"
loaded=$(grep -c 'policies loaded anew' "$ENGINE_LOG")
kill -HUP "$ENGINE_PID"
wait_for 10 eval '(($(grep -c "policies loaded anew" "$ENGINE_LOG") > loaded))'
docker exec other /bin/cat /etc/os-release >/dev/null
check "a good one is in force" alerts_become 1 '.rule == "passwd read" and .output_fields["fd.name"] == "/etc/os-release"'

check "a reload by hand" "$NSWARDEN" reload --reason "a test"
check "... is in the history, with who and why" history_shows "\"uid\":0,.*done; reason: a test" --event operation

# A flood that is killed in the middle.
docker exec -d web /bin/sh -c 'while :; do cat /etc/passwd >/dev/null; done'
sleep 2
kill -9 "$ENGINE_PID"
wait "$ENGINE_PID" 2>/dev/null || true
check_equal "after kill -9 the history is intact" ok "$(sqlite3 "$HISTORY" 'PRAGMA integrity_check')"
check "... and holds what was before" history_shows '/etc/shadow' --path /etc/shadow
check_engine "the engine starts again"
check "... and binds the running containers again" wait_for 10 eval \
  '"$NSWARDEN" ps --json | jq -e "[.containers[] | select(.policies | length > 0) | .name] | sort == [\"other\", \"web\"]"'
before=$(alerts '.rule == "web/read//etc/shadow"')
docker exec web /bin/cat /etc/shadow >/dev/null 2>&1 || true
check "... and judges them" alerts_become $((before + 1)) '.rule == "web/read//etc/shadow"'

status=0
kill "$ENGINE_PID"
wait "$ENGINE_PID" || status=$?
check_equal "SIGTERM ends it cleanly" 0 "$status"
finish
