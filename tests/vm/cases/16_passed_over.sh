#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A tracing program is not run for a task that comes to it while another was preempted in it on the same CPU, and a container can
# provoke that. No verdict rests on one: with none at all who acts is known all the same (L5). What a dynamic loader is asked to
# run is judged as a program, and the libraries that follow are not.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$REPO/tests/vm/kernel_lib.sh"
plan 12

t=$WORK/t
mkdir -p "$t"/{bin,lib}
cp /bin/true "$t/bin/denied"
cp /bin/cat "$t/bin/reader"
cp /bin/dash "$t/bin/shell"
cp /bin/true "$t/lib/mapped"
cp "$REPO/build/release/tests/nsw_mapper32" /run/nsw_mapper32 # where nsw_mapper32_dynamic has its loader
cp "$REPO/build/release/tests/nsw_mapper32_dynamic" "$t/bin"
for name in secret by ancestor; do echo "$name" >"$t/$name"; done

start_tool --events open --no-tracepoints "exec=$t/bin/denied" "read=$t/secret" "read=$t/by by=$t/bin/reader" "read=$t/ancestor ancestor=$t/bin/shell" \
  "allow:exec=/usr/**" "allow:exec=$t/bin/**" "allow:exec=/run/**"
exec 8</proc/1/ns/mnt
start_container '^bound .*: ok'

refused "a program, for a child" "/bin/sh -c '$t/bin/denied; exit \$?'"
# Loaders say in their own words that they may not map it.
not_loaded() { if inside "$2"; then not_ok "$1"; else ok "$1"; fi; }
not_loaded "a program that the dynamic loader is asked to run" "/lib64/ld-linux-x86-64.so.2 $t/bin/denied"
allowed "... not another one" "/lib64/ld-linux-x86-64.so.2 /bin/true"
not_loaded "... that a loader of 32 bits is asked to run" "/run/nsw_mapper32 $t/lib/mapped"
allowed "... not another one" "/run/nsw_mapper32 $t/bin/shell"
allowed "no library of a program of 32 bits" "$t/bin/nsw_mapper32_dynamic $t/lib/mapped"
refused "a file, for a grandchild" "(:; (:; cat $t/secret))"
refused "... by its executable" "$t/bin/reader $t/by"
allowed "... not for another executable" "cat $t/by"
refused "... by an ancestor" "$t/bin/shell -c 'cat $t/ancestor; exit \$?'"
allowed "... not without it" "cat $t/ancestor"
refused "... for who entered the host's mount namespace (I2)" "nsenter --mount=/proc/self/fd/8 cat $t/secret"
finish
