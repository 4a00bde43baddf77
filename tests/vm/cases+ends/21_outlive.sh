#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is refused stays refused when the engine is killed, restarted, upgraded or stopped: a prober in a container tries without
# end and never succeeds, and what was refused meanwhile is reported with its rule. Then every way to end it.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$E2E/engine.sh"
source "$REPO/tests/vm/container_lib.sh"
EVENTS="open"
SETTINGS="rings: {denials: 64KiB}" # soon full
export NSWARDEN_START_DEADLINE=480 NSWARDEN_ALERT_DEADLINE=60
PINS=/sys/fs/bpf/nswarden
STATE=/var/lib/nswarden/run-time.cbor
plan 50

use_guest_docker
"$E2E/image" demo/web
# policy EXTRA: it refuses the secrets, and EXTRA.
policy() {
  mkdir -p "$POLICIES"
  printf 'nswarden: 1\npolicy: keeps\nimages: [demo/web]\nmode: enforce\ndeny:\n  read: ["/srv/secrets/**"%s]\n' "$1" >"$POLICIES/keeps.yaml"
}
container kept demo/web
allowed kept /bin/sh -c 'mkdir -p /srv/secrets; echo s >/srv/secrets/key; echo s | tee /srv/old /srv/pushed; mkfifo /srv/pipe; : >/srv/pause'
web=/proc/$(docker inspect -f '{{.State.Pid}}' kept)/root
# Tries and successes are in /srv/count after each try; it rests while there is /srv/pause, and hurries while there is /srv/hurry.
cat >"$web/srv/prober" <<'PROBER'
tries=0 hits=0
while [ ! -e /srv/stop ]; do
  while [ -e /srv/pause ]; do : >/srv/resting; read -r -t 0.05 line <>/srv/pipe; done
  [ ! -e /srv/resting ] || rm /srv/resting
  if read -r line </srv/secrets/key; then hits=$((hits + 1)); fi
  tries=$((tries + 1))
  echo "$tries $hits" >/srv/count
  [ -e /srv/hurry ] || read -r -t 0.02 line <>/srv/pipe
done
PROBER
echo '0 0' >"$web/srv/count"
counts() {
  local line=''
  until [[ $line == *' '* ]]; do line=$(<"$web/srv/count"); done # not in the moment in which it is written
  echo "$line"
}
tries() { counts | cut -d' ' -f1; }
hits() { counts | cut -d' ' -f2; }
pause() { : >"$web/srv/pause"; wait_for 60 test -e "$web/srv/resting" || diag "the prober does not rest"; }
proceed() { rm "$web/srv/pause"; wait_for 60 test ! -e "$web/srv/resting" || diag "the prober rests on"; }
tries_more() { wait_for 120 eval '(($(tries) > '$(($(tries) + $1))'))' || diag "no $1 tries more, only $(tries) in all"; }

# Refusals that were reported: rows of the history, and those that are counted by their rule alone.
in_history() { history_rows --verdict denied --path "$1" | jq -s '[.[] | select(.rule == "'"$2"'") | .count] | add // 0'; }
counted() {
  sqlite3 "$HISTORY" "select detail from operations where what = 'refused'" |
    awk 'match($0, /: [0-9]+ act/) { sum += substr($0, RSTART + 2) } END { print sum + 0 }'
}
reported() { echo $(($(in_history /srv/secrets/key 'keeps/read//srv/secrets/**') + $(counted))); }
kill_engine() { kill -9 "$ENGINE_PID"; wait "$ENGINE_PID" 2>/dev/null || true; }
bound() { "$NSWARDEN" ps --json | jq -e '[.containers[] | select(.name == "kept" and (.policies | length > 0))] | length == 1'; }
lives() { find "$PINS" -mindepth 3 -maxdepth 3 -path '*/links/*' | wc -l; }

policy ', /srv/old'
check_engine "the engine starts"
check "it says that enforcement is pinned" grep -q 'pinned: it outlives' "$ENGINE_LOG"
check "... and so does status" eval '"$NSWARDEN" status | grep "pinned: it outlives"'
check_equal "what is pinned is root's alone" '700 0' "$(stat -c '%a %u' "$PINS")"
check "the container is bound" wait_for 60 bound
check "it is refused" wait_for 60 refused kept /bin/cat /srv/secrets/key
check "a run-time entry is taken" "$NSWARDEN" deny --container kept --read /srv/pushed
in_container kept /bin/sh -c 'sh /srv/prober >/dev/null 2>&1 </dev/null &' >/dev/null
proceed
tries_more 20
pause

# Dead. What is refused now waits until somebody is there to be told; more than there is room for.
before=$(tries)
kill_engine
started=$(reported)
check_equal "killed: the history is intact" ok "$(sqlite3 "$HISTORY" 'PRAGMA integrity_check')"
check "killed: a running shell's child is refused" refused kept /bin/cat /srv/secrets/key
check "killed: who comes in is refused" eval '[[ $(docker exec kept /bin/cat /srv/secrets/key 2>&1) == *"peration not permitted"* ]]'
check "killed: what else the policy refuses is refused" refused kept /bin/cat /srv/old
: >"$web/srv/hurry"
proceed
wait_for 240 eval '(($(tries) > before + 1500))' || diag "only $(tries) tries"
pause
rm "$web/srv/hurry"
missed=$(($(tries) - before + 2)) # and those of the shell and of who came in
docker run -d --name late --network none demo/web /bin/sh -c 'mkdir -p /srv/secrets; echo s >/srv/secrets/key; sleep 1000' >/dev/null

policy '' # the next one no longer has the rule that refused /srv/old
check_engine "the engine starts again"
check "what was refused meanwhile is all reported, each once" wait_for 120 eval '(($(reported) - started == missed))'
diag "refused meanwhile: $missed; reported: $(($(reported) - started)), $(counted) of them by their rule alone"
check "... more than the ring has room for by their rule alone" eval '(($(counted) > 0))'
check "... with an alert, too" eval '(($(alerts ".rule == \"keeps/read//srv/secrets/**\" and .output_fields[\"nswarden.refusals\"] > 0") > 0))'
check "... by a rule that is there no longer" wait_for 60 eval '(($(in_history /srv/old keeps/read//srv/old) == 1))'
check_equal "no verdict is of an unknown rule" 0 "$("$NSWARDEN" status --json | jq .engine.unknown_verdicts)"
check "it takes over" wait_for 120 grep -q 'taken over' "$ENGINE_LOG"
check_equal "... and leaves one engine's links" 1 "$(lives)"
check "a policy that was changed holds as it is now" allowed kept /bin/cat /srv/old
check "a container made meanwhile is bound" wait_for 60 eval \
  '[[ $(docker exec late /bin/cat /srv/secrets/key 2>&1) == *"peration not permitted"* ]]'
check "a run-time entry holds on" refused kept /bin/cat /srv/pushed
check "... and is called what it was" wait_for 60 eval '(($(in_history /srv/pushed run-time/read//srv/pushed) > 0))'

in_quarantine() { "$NSWARDEN" ps --json | jq -e '[.containers[] | select(.name == "late" and .quarantined)] | length == 1'; }
late_runs() { docker exec late /bin/true; }
check "a container is put into quarantine" eval '"$NSWARDEN" quarantine --container late --reason test && in_quarantine && ! late_runs'

# Stopped, followed by one that is killed as it comes up, and by another binary, while the prober tries.
proceed
kill "$ENGINE_PID"
wait "$ENGINE_PID" 2>/dev/null || true
check "SIGTERM says what stays" grep -q 'stays refused' "$ENGINE_LOG"
tries_more 20
cp "${NSWARDEN_NEXT:-$NSWARDEN}" "$WORK/nswarden-next" # one whose maps look different, where it is named
"$WORK/nswarden-next" run --policies "$POLICIES" --history "$HISTORY" --output none >/dev/null 2>&1 &
next=$!
wait_for 240 eval '(($(lives) > 1))' || diag "it pins nothing"
kill -9 "$next"
wait "$next" 2>/dev/null || true
tries_more 20
engine=$NSWARDEN NSWARDEN=$WORK/nswarden-next
check_engine "another binary follows one that was killed as it came up"
NSWARDEN=$engine
check "it takes over from both" wait_for 120 grep -q 'taken over' "$ENGINE_LOG"
check_equal "... and leaves one engine's links" 1 "$(lives)"
tries_more 20

# One whose maps look different: to it the folder of the one before is another's.
kill_engine
mv "$PINS"/* "$PINS/another"
tries_more 20
check_engine "one follows whose maps look different"
check "it takes over from the other" wait_for 120 grep -q 'taken over' "$ENGINE_LOG"
check_equal "... and leaves one engine's links" 1 "$(lives)"
check "... and nothing else" eval '[[ ! -e $PINS/another ]]'
check "a run-time entry holds on there" refused kept /bin/cat /srv/pushed
check_equal "what is known of it is root's alone" '600 0' "$(stat -c '%a %u' "$STATE")"
tries_more 20
pause
check_equal "the prober never succeeded, in $(tries) tries" 0 "$(hits)"
check "what is in quarantine stays there, and is called so" eval 'in_quarantine && ! late_runs'
check "... until it is released" eval '"$NSWARDEN" release --container late && ! in_quarantine && late_runs'
docker rm -f late >/dev/null
check "a run-time entry that was pushed before is withdrawn" eval '"$NSWARDEN" release --container kept | grep "1 run-time entries" && allowed kept /bin/cat /srv/pushed'
check "... and forgotten" eval '[[ ! -e $STATE ]]'
check_equal "the ledger knows no rule that it cannot name" 0 "$("$NSWARDEN" status --json | jq .engine.unknown_verdicts)"

# Every way to end it.
check "release --all lifts what is refused" eval '"$NSWARDEN" release --all --reason test && allowed kept /bin/cat /srv/secrets/key'
check "arm refuses again" eval '"$NSWARDEN" arm && refused kept /bin/cat /srv/secrets/key'
check "stop says what stays, and it does" eval '"$NSWARDEN" stop | grep "stays refused" && refused kept /bin/cat /srv/secrets/key'
check "release --all lifts it without an engine" eval '"$NSWARDEN" release --all && allowed kept /bin/cat /srv/secrets/key'
mv "$PINS"/* "$PINS/another"
check_engine "one follows whose maps look different: nothing is refused"
check "... as it was before" allowed kept /bin/cat /srv/secrets/key
check "arm refuses again there" eval '"$NSWARDEN" arm && wait_for 60 bound && refused kept /bin/cat /srv/secrets/key'
check "release --all lifts what both refuse" eval '"$NSWARDEN" release --all --reason test && allowed kept /bin/cat /srv/secrets/key'
kill_engine
check "arm without an engine" eval '"$NSWARDEN" arm && refused kept /bin/cat /srv/secrets/key'
check "stop --remove: nothing is refused, nothing pinned" eval '"$NSWARDEN" stop --remove && allowed kept /bin/cat /srv/secrets/key && [[ ! -e $PINS ]]'
: >"$web/srv/stop"
finish
