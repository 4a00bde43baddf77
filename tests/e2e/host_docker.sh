#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What every other host test rests on: a Docker daemon of our own runs containers on this kernel, and leaves no trace.
source "$(dirname "$(realpath "$0")")/lib.sh"
plan 7

start_dockerd
check "dockerd answers" docker info
check "an image is made without a registry" "$E2E/image" demo/web:1.2 demo/other
check "a container runs" docker run --rm --network none demo/web:1.2 /bin/true
check "a container starts in the background" \
  docker run -d --name web --network none demo/web:1.2 /bin/sleep 300
check_equal "exec runs in the container, not on the host" nswarden-test \
  "$(docker exec web /bin/sh -c '. /etc/os-release; echo $ID' 2>&1)"
check "a container stops" docker stop -t 1 web

"$E2E/dockerd" stop "$WORK/docker"
left() { kill -0 "$DOCKERD_PID" 2>/dev/null || [[ -e $WORK/docker ]] || grep -q "$WORK/" /proc/mounts; }
if left; then not_ok "nothing is left of dockerd"; else ok "nothing is left of dockerd"; fi
finish
