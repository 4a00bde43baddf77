#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Whose act it is, where the kernel can do everything: see tests/e2e/identity.sh.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$E2E/engine.sh"
source "$E2E/identity.sh"
export NSWARDEN_START_DEADLINE=300
plan "$IDENTITY_CASES"

use_guest_docker
RUNTIMES=/etc/docker/daemon.json DOCKERD_PID=$(</run/docker.pid)
identity 8 20 20000
finish
