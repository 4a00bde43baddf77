#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A hundred kills.
export NSWARDEN_KILLS=100
exec "$(dirname "$(realpath "$0")")/../cases+once/24_kills.sh"
