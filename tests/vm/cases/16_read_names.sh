#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Of opens that only read the kernel sends those whose path has a name that some rule asks for, and what must be told of in any
# case. What is left out is no event: it costs no room in the ring, and is not counted as lost.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$REPO/tests/vm/kernel_lib.sh"
plan 15

t=$WORK/t
deep=$t/folder/$(seq -s / 60)
mkdir -p "$deep" "$t/other" "$t/mnt"
for name in wanted plain denied audited hardly folder/x other/y; do echo "$name" >"$t/$name"; done
echo deep >"$deep/z"
ln -s wanted "$t/link"
ln "$t/wanted" "$t/another"
long=$(printf 'n%.0s' {1..255})
echo long >"$t/$long"

start_tool --events open --read-names "wanted,folder,$long" "read=$t/denied" "audit:read=$t/audited"
start_container '^bound .*: ok'

inside "cat $t/plain $t/other/y $t/another $t/hardly; mount --bind $t/other $t/mnt; cat $t/mnt/y" || diag "$OUTPUT"
inside "cat $t/wanted; cat $t/link; cat $t/folder/x; cat $deep/z; cat $t/$long; cd $t/folder; cat x; echo more >>$t/plain; cat $t/none" || true
inside "cat $t/audited $t/denied" || true

# opened PATH RESULT: records of opens of it.
opened() { grep -cE "^open open.* result=$2 .*path=$1 " "$LOG" || true; }
wait_for 10 grep -q "^open .*verdict=denied .*path=$t/denied " "$LOG" || true
sleep 1
check_equal "a name, as it is and through a link to it" 2 "$(opened "$t/wanted" '[0-9]+')"
check_equal "a folder's name, and relative to it" 2 "$(opened "$t/folder/x" '[0-9]+')"
check_equal "a folder far above" 1 "$(opened "$deep/z" '[0-9]+')"
check_equal "a name as long as names can be" 1 "$(opened "$t/$long" '[0-9]+')"
check_equal "a write, by whatever name" 1 "$(opened "$t/plain" '[0-9]+')"
check_equal "what failed, by whatever name" 1 "$(grep -cE "^open open.* result=-2 .*raw=$t/none" "$LOG" || true)"
check_equal "a refusal, by whatever name" 1 "$(grep -cE "^open open.* verdict=denied rule=1 .*path=$t/denied " "$LOG" || true)"
check_equal "what is audited, by whatever name" 1 "$(grep -cE "^open open.* verdict=audit rule=2 .*path=$t/audited " "$LOG" || true)"
for name in other/y another hardly mnt/y; do
  check_equal "no name that is wanted: $name" 0 "$(opened "$t/$name" '[0-9]+')"
done
check_equal "nor the libraries of each program" 0 "$(opened '[^ ]*/libc[^ ]*' '[0-9]+')"

stop_tool
check_equal "every record sent has come" "$(records_sent)" "$(records_come)"
check_equal "what is left out is not lost" "" "$(grep -E '^counter open (ring_full|no_scratch|truncated)=' "$LOG" || true)"
finish
