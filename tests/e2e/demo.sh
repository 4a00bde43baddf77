# SPDX-License-Identifier: Apache-2.0
# What host and guest have to say of `nswarden demo`; for scripts that have sourced lib.sh.
# shellcheck shell=bash
OUTPUT=$WORK/demo

run_demo() {
  local started=$SECONDS
  STATUS=0
  "$NSWARDEN" demo >"$OUTPUT" 2>&1 || STATUS=$?
  TOOK=$((SECONDS - started))
}

nothing_left() {
  ! compgen -G '/run/nswarden-demo.*' && ! grep nswarden-demo /proc/mounts && ! pgrep -x demo-init &&
    flock -n /run/nswarden.lock true
}

# check_demo: seven cases.
check_demo() {
  check_equal "every alert came, and no other" 0 "$STATUS"
  ((STATUS == 0)) || diag "$(cat "$OUTPUT")"
  check "it was soon done ($TOOK s)" test "$TOOK" -lt "${NSWARDEN_DEMO_LIMIT:-60}"
  check "it says whether this kernel can refuse" grep -qE 'This kernel can(not)? refuse' "$OUTPUT"
  check "a shell is told of" grep -q "ALERT by rule 'shell in a container'" "$OUTPUT"
  check "an act that no policy speaks of is left alone" grep -q 'nothing: no policy speaks of it' "$OUTPUT"
  check "the history is shown" eval 'sed -n "/The history keeps it/,\$p" "$OUTPUT" | grep -q /etc/cron.d/job'
  check "nothing is left" nothing_left
}
