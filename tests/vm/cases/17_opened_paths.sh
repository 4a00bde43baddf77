#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the path alone tells of a file that is opened: none of what the entries name is there when the container is bound, so that
# no inode gives it away. Names and paths of each length at which they are read in another way, and through mounts.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$REPO/tests/vm/kernel_lib.sh"
plan 13

t=$WORK/t
mkdir -p "$t"
name() { printf "%$1s" '' | tr ' ' "${2:-n}"; }          # of that many letters
deep() { printf "$t/deep"; printf '/d%.0s' $(seq "$1"); } # a folder that many below
lengths=(1 7 8 9 15 16 17 31 32 33 39 40 41 200 255)
depths=(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 24 25 26 27 28 29 30 31 40)
entries=("read=$t/below/**" "read=$t/mounted/name" "read=$t/mounted/sub/name" "read=$t/bound/name" "read=$t/point" 'read=**/own-name')
named=() others=() far=()
for length in "${lengths[@]}"; do named+=("$t/$(name "$length")") others+=("$t/$(name "$((length - 1))")o"); done
for depth in "${depths[@]}"; do far+=("$(deep "$depth")/f"); done
for path in "${named[@]}" "${far[@]}"; do entries+=("read=$path"); done
start_tool --events connect "${entries[@]}"
start_container '^bound .*: ok'

# passed COMMAND FILE...: those for which it does not fail; refused_of likewise those for which it fails with EPERM.
passed() { inside "for f in ${*:2}; do $1 \$f 2>/dev/null >&2 && echo \$f; done" || true; }
refused_of() { inside "for f in ${*:2}; do $1 \$f 2>&1 >/dev/null | grep -q 'not permitted' && echo \$f; done" || true; }
lines() { printf '%s\n' "$@"; }

inside "for f in ${named[*]} ${others[*]}; do echo x >\$f; done; mkdir -p $(deep 40) $t/below/sub $t/mounted $t/bound $t/source/sub
for f in ${far[*]}; do echo x >\$f; done; for f in source/name source/own-name below/sub/x beside; do echo x >$t/\$f; done; touch $t/point $t/place"
refused_of cat "${named[@]}"
check_equal "names of each length are refused" "$(lines "${named[@]}")" "$OUTPUT"
passed cat "${others[@]}"
check_equal "... and others that are as long are not" "$(lines "${others[@]}")" "$OUTPUT"
refused_of cat "${far[@]}"
check_equal "paths of each depth are refused" "$(lines "${far[@]}")" "$OUTPUT"
inside "for f in ${far[*]}; do echo x >\${f%f}g; done"
passed cat "${far[@]/%f/g}"
check_equal "... and others that are as deep are not" "$(lines "${far[@]/%f/g}")" "$OUTPUT"
refused "what is below a folder" "cat $t/below/sub/x"
allowed "... and what is beside it" "cat $t/beside"
inside "mount -t tmpfs none $t/mounted; mkdir $t/mounted/sub; for f in name sub/name other; do echo x >$t/mounted/\$f; done
mount --bind $t/source $t/bound; mount --bind $t/source/name $t/point; mount --bind $t/source/own-name $t/place"
refused "in a mount" "cat $t/mounted/name"
refused "... in a folder of it" "cat $t/mounted/sub/name"
allowed "... another" "cat $t/mounted/other"
refused "through a bind mount" "cat $t/bound/name"
allowed "... and the same by its own path" "cat $t/source/name"
refused "a file that another is mounted on" "cat $t/point"
refused "... one that is mounted on another, by its own name" "cat $t/place"
finish
