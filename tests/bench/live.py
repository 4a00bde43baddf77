#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/bench/live.py NSWARDEN NSW_BENCH FOLDER [SECONDS]: what the running engine costs and how fast it is, with the
shipped policies and the history on. Called by tools/bench, as root. Prints a line a figure, `ok` or `not ok` where there is
a limit, and exits non-zero if one is not kept. SECONDS: how long the flood lasts, 60 if not told."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NSWARDEN, BENCH, FOLDER = (Path(argument).resolve() for argument in sys.argv[1:4])
SECONDS = int(sys.argv[4]) if len(sys.argv) > 4 else 60
LAST_CPU = os.sysconf("SC_NPROCESSORS_ONLN") - 1
failed = False


def verdict(good, text):
    global failed
    failed |= not good
    print(f"{'ok' if good else 'not ok'} {text}", flush=True)


class Engine:
    """The daemon, with everything of its own in FOLDER. Its alerts are kept with the time at which they came."""

    def __init__(self, name):
        folder = FOLDER / name
        subprocess.run(["rm", "-rf", folder], check=True)
        folder.mkdir(parents=True)
        self.socket = folder / "run" / "control.sock"
        config = folder / "nswarden.yaml"
        config.write_text(f"run_directory: {folder}/run\nhistory:\n  path: {folder}/history.db\noutput: json\n"
                          f"policies: [{ROOT}/policies]\ncheck_policy_owner: false\nruntimes:\n  docker: {folder}/none\n")
        self.alerts = []
        with open(folder / "log", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen([NSWARDEN, "run", "--config", config], stdout=subprocess.PIPE, stderr=log)
        threading.Thread(target=self.read, daemon=True).start()
        self.wait(lambda: self.socket.exists() and self.status(), "the engine did not start")

    def read(self):
        for line in self.process.stdout:
            self.alerts.append((time.time_ns(), line))

    def status(self):
        done = subprocess.run([NSWARDEN, "status", "--json", "--socket", self.socket], capture_output=True, check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None

    @staticmethod
    def wait(condition, what):
        for _ in range(600):
            if condition():
                return
            time.sleep(0.1)
        sys.exit(what)

    def memory(self):
        """Bytes that are its own, the rings left out."""
        total = 0
        ring = False
        for line in Path(f"/proc/{self.process.pid}/smaps").read_text(encoding="utf-8").splitlines():
            if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                ring = "bpf" in line
            elif line.startswith("Rss:") and not ring:
                total += int(line.split()[1]) * 1024
        return total

    def cpu(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def bench(*arguments, cpu=None, **options):
    pin = [] if cpu is None else ["taskset", "-c", str(cpu)]
    return subprocess.Popen([*pin, BENCH, *map(str, arguments)], stdout=subprocess.PIPE, text=True, **options)


def memory():
    engine = Engine("memory")
    crowd = bench("crowd", 200, 10, stdin=subprocess.PIPE)
    Engine.wait(lambda: engine.status()["containers"] >= 200, "200 containers were not seen")
    time.sleep(3)
    used = engine.memory() / 1e6
    verdict(used <= 40, f"memory with 200 containers and 2,000 processes, beside the rings: {used:.1f} MB (at most 40)")
    crowd.stdin.close()
    crowd.wait()
    engine.stop()


def losses(status):
    """What was lost, by reason; and how many opens the kernel told of, the engine decoded and the history holds."""
    lost = {}
    for name, counts in status["events"].items():
        for reason in ("lost_ring_full", "lost_no_scratch", "unpaired", "lost_decode"):
            lost[f"{name} {reason}"] = counts.get(reason, 0)
    for reason in ("decode_errors", "malformed", "match_overflow", "held_overflow", "forgotten_processes"):
        lost[reason] = status["engine"][reason]
    for reason in ("lost_queue", "lost_error"):
        lost[f"history {reason}"] = status["history"][reason]
    return {reason: count for reason, count in lost.items() if count}


def flood():
    engine = Engine("flood")
    before = engine.cpu()
    opened = int(bench("flood", SECONDS, cpu=LAST_CPU).communicate()[0])
    spent = engine.cpu() - before
    Engine.wait(lambda: engine.status()["history"]["pending"] == 0, "the history does not come to rest")
    status = engine.status()
    lost, recorded = losses(status), status["events"]["open"]["wanted"]
    verdict(not lost and recorded >= opened and status["history"]["stored"] >= opened,
            f"{opened} opens in {SECONDS} s from one processor: {recorded} recorded, {status['history']['stored']} acts "
            f"stored, lost {lost or 'none'}, {spent / opened * 1e6:.2f} us of processor time each in the engine")
    engine.stop()


def when(line):
    """The time of an alert, in ns since 1970."""
    text = json.loads(line)["time"]
    seconds, rest = text.rstrip("Z").split(".")
    whole = datetime.strptime(seconds, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc).timestamp()
    return int(whole) * 1_000_000_000 + int(rest.ljust(9, "0"))


def delays(engine, times, pause):
    engine.alerts.clear()
    bench("alert", times, pause).wait()
    Engine.wait(lambda: len(engine.alerts) >= times, "not all alerts came")
    return sorted((came - when(line)) / 1e6 for came, line in engine.alerts[:times])


def latency():
    engine = Engine("latency")
    for name, load in (("idle", None), ("busy", SECONDS // 3)):
        noise = bench("flood", load, cpu=LAST_CPU) if load else None
        time.sleep(1)
        found = delays(engine, 500, 10)
        median, p99 = found[len(found) // 2], found[len(found) * 99 // 100]
        verdict(median <= 1 and p99 <= 10, f"from the system call's return to the line on stdout, {name}: "
                f"median {median:.3f} ms (at most 1), p99 {p99:.3f} ms (at most 10)")
        if noise:
            noise.communicate()
    engine.stop()


for part in (memory, latency, flood):
    part()
sys.exit(failed)
