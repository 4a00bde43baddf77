#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# All runtimes side by side, as on the host, on a kernel with kprobes and BPF-LSM; a slow one, as it is emulated.
export NSWARDEN_START_DEADLINE=300 NSWARDEN_ALERT_DEADLINE=120 NSWARDEN_DOCKERD_DEADLINE=300 NSWARDEN_RUNTIME_DEADLINE=300
exec "$(dirname "$(realpath "$0")")/../../e2e/host_runtimes.sh"
