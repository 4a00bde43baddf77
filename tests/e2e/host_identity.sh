#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Whose act it is, on this very kernel: see identity.sh.
source "$(dirname "$(realpath "$0")")/lib.sh"
source "$E2E/engine.sh"
source "$E2E/identity.sh"
plan "$IDENTITY_CASES"

start_dockerd
RUNTIMES=$WORK/docker/daemon.json
identity 30 100 20000
finish
