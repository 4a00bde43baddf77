#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The books balance where kprobes take the returns: acts of a known number are stored or lost with a reason, exactly; and
# the losses that the host's kernel cannot show, or not by itself, each move their counter alone.
source "$(dirname "$(realpath "$0")")/../../e2e/lib.sh"
source "$E2E/engine.sh"
EVENTS="open, connect"
source "$E2E/ledger.sh"
export NSWARDEN_START_DEADLINE=180 NSWARDEN_REST_DEADLINE=240
plan 9

echo content >"$WORK/file"
mkfifo "$WORK/fifo"
ledger_engine

begin
in_flood mixed 2000 "$WORK/file" 9
check_ledger "calm: acts of four kinds, those that failed too, are accounted for"
check "... no open is lost" lost_alone open
check "... no connect is lost" lost_alone connect

begin
kill -STOP "$ENGINE_PID"
in_flood open 100000 "$WORK/file"
kill -CONT "$ENGINE_PID"
check_ledger "overload: while nobody reads the ring, too"
check "... the full ring is the one reason" lost_alone open lost_ring_full

# More than the pool of return probes holds, fewer than there is room for entries.
begin
in_flood block 6000 "$WORK/fifo" "$WORK/file"
check_ledger "more calls asleep at once than the kernel has return probes for (L2)"
check "... a return that was not seen is the one reason" lost_alone open unpaired

check_file "the history's rows add up to what is said to be stored"
finish
