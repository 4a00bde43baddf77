#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# 256 sets, 10,000 entries of a class, 4,000 containers: there is room for them within 200 MB, for as many that take their place,
# and for those of an engine before; more is refused with the number.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$REPO/tests/vm/kernel_lib.sh"
pass_on "${NSWARDEN_CAPACITY_CHECK:-$REPO/build/release/tests/nsw_capacity_check}" "$WORK/c"
