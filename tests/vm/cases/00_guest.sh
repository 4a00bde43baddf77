#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What every other guest test rests on: the kernel has all that the engine can use, and Docker runs containers on it.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
plan 9

# A kprobe that counts for real, not a line in a list: define one, trip it, see it hit.
kprobe_hits() {
  local tracing=/sys/kernel/tracing
  echo 'p:nswarden_guest_check do_sys_openat2' >>"$tracing/kprobe_events"
  echo 1 >"$tracing/events/kprobes/nswarden_guest_check/enable"
  cat /etc/passwd >/dev/null
  echo 0 >"$tracing/events/kprobes/nswarden_guest_check/enable"
  awk '$1 == "nswarden_guest_check" && $2 > 0 {hit = 1} END {exit !hit}' "$tracing/kprobe_profile"
  echo '-:nswarden_guest_check' >>"$tracing/kprobe_events"
}

check "it is this suite's kernel" test -d "/lib/modules/$(uname -r)/kernel"
check "kprobes fire" kprobe_hits
check "bpf is an active security module" grep -qw bpf /sys/kernel/security/lsm
check "the kernel describes its types (BTF)" test -s /sys/kernel/btf/vmlinux
check "bpffs is mounted" mkdir /sys/fs/bpf/guest_check
check "cgroup v2 is mounted" test -f /sys/fs/cgroup/cgroup.controllers
check "dockerd starts" "$REPO/tests/vm/guest-docker"
use_guest_docker
check "an image is made" "$E2E/image" guest/busybox
check "a container runs" docker run --rm --network none guest/busybox /bin/true
finish
