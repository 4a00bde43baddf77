#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Thirty starts by dockerd, eight at once.
export NSWARDEN_STARTS=30
exec "$(dirname "$(realpath "$0")")/../cases/20_enforce.sh"
