#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A kernel that has BPF-LSM, started without `bpf` in its lsm= list: such a program attaches there, and is never asked. The
# engine must not claim to refuse anything; it says so, names the remedy, and detects.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$REPO/tests/vm/kernel_lib.sh"
source "$E2E/engine.sh"
export NSWARDEN_START_DEADLINE=180 NSWARDEN_ALERT_DEADLINE=60
plan 20

check "bpf is not an active security module" eval '! grep -qw bpf /sys/kernel/security/lsm'
"$NSWARDEN" probe >"$WORK/probe"
check "probe: BPF-LSM does not work, and what follows" grep -qE '^BPF-LSM +no +policies can alert, but nothing is refused' "$WORK/probe"
check "... what was tried: the refusal had no effect" grep -qE 'tried: .*(refusal has no effect|not supported|Invalid argument)' "$WORK/probe"
check "... the remedy: the lsm= list" grep -qE 'to get it: .*bpf in its lsm= list' "$WORK/probe"

echo secret >"$WORK/secret"
start_tool --events open,connect "read=$WORK/secret"
keep_features no-lsm
seen "the kernel half does not claim to enforce" '^ready enforcing=0'
start_container
allowed "nothing is refused" "cat $WORK/secret"
seen "an act is seen all the same" "^open openat verdict=none .* path=$WORK/secret raw="
stop_tool

mkdir -p "$POLICIES"
cat >"$POLICIES/all.yaml" <<YAML
nswarden: 1
policy: all
mode: enforce
deny:
  read: ["$WORK/secret"]
YAML
cat >"$POLICIES/mortal.yaml" <<YAML
nswarden: 1
policy: mortal
mode: enforce
fallback: kill
deny:
  read: ["$WORK/mortal"]
YAML
chmod 644 "$POLICIES"/*.yaml
echo mortal >"$WORK/mortal"
export DOCKER_HOST=unix:///run/none.sock
EVENTS=open
check_engine "the engine starts"
check "it says that it cannot enforce" grep -q 'enforcement: not possible here' "$ENGINE_LOG"
check "... and where it says why, with the remedy" grep -q 'nswarden probe. says why' "$ENGINE_LOG"
check "... and which policies only detect" grep -q 'these policies only detect: all' "$ENGINE_LOG"
check "... and indeed it is allowed" unshare --mount --pid --fork --mount-proc cat "$WORK/secret"
check "the act raises an alert that says what would be" alerts_become 1 '.rule | startswith("all/read/")'
check "... would_deny" alerts_become 1 '.verdict == "would_deny"'
"$NSWARDEN" status >"$WORK/status"
check "status says it, too" eval 'head -n 1 "$WORK/status" | grep -q "enforcement not possible here"'
check "... and which policies kill" grep -q 'these kill, after the act (fallback: kill): mortal' "$ENGINE_LOG"
status=0
unshare --mount --pid --fork --mount-proc \
  bash -c 'bash -c "read -r line <\"\$0\"; exec sleep 100" "$0"; exit $?' "$WORK/mortal" || status=$?
check_equal "fallback: the process is killed" 137 "$status"
check "... and its act is an alert, not refused" alerts_become 1 '.rule == "mortal/read/'"$WORK"'/mortal" and .verdict == "would_deny"'
check "... and the kill is in the history, with its rule" history_shows 'by the rule mortal/read/' --event operation
check "deny is an error, with the way to the reason" eval '! "$NSWARDEN" deny --container x --read /x --for 5s 2>"$WORK/err"; grep -qE "cannot refuse|no container" "$WORK/err"'
finish
