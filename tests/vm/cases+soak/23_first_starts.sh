#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A thousand starts that are forbidden, and as many that are not.
export NSWARDEN_STARTS=1000
exec "$(dirname "$(realpath "$0")")/../cases+once/23_first_starts.sh"
