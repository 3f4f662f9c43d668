# SPDX-License-Identifier: Apache-2.0
"""Many at once: who is asleep, who waits for an upstream, who is slow, and who comes while others are busy."""

import os
import re
import subprocess
import threading
import time
from dataclasses import dataclass

from contestants import BY_KEY, WORKLOADS
from figures import Case, Figure
from load import Crowd, crowd, split_closed, start_crowd, url_of, wrk_command, wrk_errors

SLEEPER_P99, SLEEPER_KB = 1.6, 25           # s; RSS per parked request
ARRIVAL = 400                               # ms in which they all come: the kernel's queue need not hold them
WAITING, WAITING_LIMIT = 1000, 1.4          # clients of a slow upstream; s for all of them
SLOW, PIECES, PAUSE = 1000, 16, 125         # clients who send or read in so many pieces, with so many ms between
UPLOAD, DOWNLOAD = 32 * 1024, 512 * 1024    # bytes
BUSY, EVERY = 64, 5                         # kept connections; ms from one fresh connection to the next
HELLO = url_of(BY_KEY["coral-app"], WORKLOADS[0])


@dataclass
class Go:
    """One crowd at one server."""
    crowd: Crowd
    kb: int             # RSS at its highest, more than before the first crowd
    cpu_us: float       # of the server, per visitor
    hurried: Crowd      # quick requests beside it


@dataclass
class Beside:
    """Fresh connections beside busy ones."""
    crowd: Crowd
    rate: float         # requests/s of the busy ones
    closed: int         # how many of the busy ones the server closed


def _rss(pid):
    """KB"""
    with open(f"/proc/{pid}/statm", encoding="ascii") as line:
        return int(line.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


class Watch(threading.Thread):
    """Looks at a process's memory all the time, until the block is left."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.highest, self.over = pid, _rss(pid), threading.Event()

    def run(self):
        while not self.over.wait(0.02):
            self.highest = max(self.highest, _rss(self.pid))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


def _go(rig, server, before, path, visitors, beside, more):
    """One crowd; beside: with quick requests, too."""
    hurried, spent = None, sum(server.cpu().values())
    with Watch(server.child()) as watch:
        if beside:
            hurried = start_crowd(rig.client, server.port, "/sleep?s=0&n=0", 200, i=10)
        went = crowd(rig.client, server.port, path, visitors, **more)
    spent = sum(server.cpu().values()) - spent
    return Go(went, watch.highest - before, spent / 1000 / visitors, hurried and hurried())


def _rounds(rig, key, path, visitors, beside=False, **more):
    """The same crowd at coral and at nginx, in turns: the goes of both, and what must not be."""
    servers = rig.servers(key, "nginx")
    before, seen, errors = {}, {name: [] for name in servers}, []
    for name, server in servers.items():            # threads awake, states made: that is not the crowd's
        crowd(rig.client, server.port, "/sleep?s=0.01&n=1", 500, i=1)
        before[name] = _rss(server.child())
    for number in range(rig.rounds):
        for name, server in servers.items():
            rig.progress(f"round {number + 1} of {rig.rounds}: {name}, {visitors} at {path}")
            go = _go(rig, server, before[name], path, visitors, beside, more)
            seen[name].append(go)
            for some in filter(None, (go.crowd, go.hurried)):
                if some.answered < some.visitors:
                    errors.append(f"{name}, {path}: {some.visitors - some.answered} of {some.visitors} not answered ({some.why})")
            time.sleep(0.3)
    return (seen[key], seen.get("nginx")), errors


def _figure(label, unit, goes, value, most=None, digits=2):
    ours, theirs = ([value(go) for go in those or ()] for those in goes)
    return Figure(label, unit, ours, theirs, most, digits=digits)


def _missing(goes):
    return _figure("not answered", "requests", goes, lambda go: go.crowd.visitors - go.crowd.answered, 0, 0)


def _cpu(goes):
    return _figure("CPU per request", "µs", goes, lambda go: go.cpu_us, digits=1)


def sleepers(rig):
    """Requests asleep at the same time: the first is not awake again when the last one comes."""
    count = rig.sleepers
    goes, errors = _rounds(rig, "coral-25", "/sleep?s=1&n=1", count, i=1, c=max(1, count // ARRIVAL))
    figures = [_missing(goes),
               _figure("p50", "s", goes, lambda go: go.crowd.p50),
               _figure("p99", "s", goes, lambda go: go.crowd.p99, SLEEPER_P99),
               _figure("memory per request", "KB", goes, lambda go: go.kb / count, SLEEPER_KB, 1), _cpu(goes)]
    return Case("sleepers", f"{count} requests asleep for 1 s, on 25 threads", "nginx+Lua", figures, errors)


def upstream(rig):
    """Clients whose handler waits for a line of an upstream."""
    goes, errors = _rounds(rig, "coral-25", f"/lines?ms=1000&n=1&port={rig.upstream.port}", WAITING)
    figures = [_missing(goes),
               _figure("all of them", "s", goes, lambda go: go.crowd.seconds, WAITING_LIMIT),
               _figure("p99", "s", goes, lambda go: go.crowd.p99), _cpu(goes)]
    return Case("upstream", f"{WAITING} clients wait 1 s for a TCP upstream, on 25 threads", "nginx+Lua", figures, errors)


def slow(rig):
    """Clients who take their time with what they send, and with what they read."""
    figures, errors = [], []
    up = {"b": UPLOAD, "s": UPLOAD // PIECES, "w": PAUSE}
    down = {"e": DOWNLOAD, "s": DOWNLOAD // PIECES, "w": PAUSE, "r": DOWNLOAD // PIECES}
    for what, path, more in ((f"uploads of {UPLOAD // 1024} KB", f"/upload?n={UPLOAD}", up),
                             (f"readers of {DOWNLOAD // 1024} KB", f"/download?n={DOWNLOAD}", down)):
        goes, wrong = _rounds(rig, "coral-16", path, SLOW, True, **more)
        errors += wrong + rig.end_case()            # the next one's memory counts from a fresh start
        missing = _missing(goes)
        missing.label = f"{what}: not answered"
        figures += [missing,
                    _figure("    all of them", "s", goes, lambda go: go.crowd.seconds),
                    _figure("    memory per client", "KB", goes, lambda go: go.kb / SLOW, digits=1),
                    _figure("    quick requests beside them, p99", "ms", goes, lambda go: go.hurried.p99 * 1000, digits=1)]
    seconds = PIECES * PAUSE / 1000
    return Case("slow", f"{SLOW} slow clients, each takes {seconds:g} s, on 16 threads", "nginx+Lua", figures, errors)


def _fresh(rig, server):
    """Fresh connections beside busy ones; and what the busy ones complain about."""
    command = wrk_command(server, HELLO, rig.seconds + 1, BUSY)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as busy:
        time.sleep(0.5)
        went = crowd(rig.client, server.port, HELLO, rig.seconds * 1000 // EVERY, i=EVERY)
        told = busy.stdout.read()
    closed, errors = split_closed(wrk_errors(told))
    if went.answered < went.visitors:
        errors.append(f"{went.visitors - went.answered} of {went.visitors} not answered ({went.why})")
    return Beside(went, float(re.search(r"Requests/sec:\s*([\d.]+)", told)[1]), closed), errors


def fresh(rig):
    """What a fresh connection waits where all others are busy and kept, with the short stay and without."""
    servers = rig.servers("coral", "coral-no-stay")
    seen, errors = {key: [] for key in servers}, []
    for number in range(rig.rounds):
        for key in servers:
            rig.progress(f"round {number + 1} of {rig.rounds}: {key}, fresh connections")
            went, wrong = _fresh(rig, servers[key])
            seen[key].append(went)
            errors += [f"{key}: {error}" for error in wrong]
    goes = seen["coral"], seen["coral-no-stay"]
    figures = [_figure("p50", "ms", goes, lambda go: go.crowd.p50 * 1000),
               _figure("p99", "ms", goes, lambda go: go.crowd.p99 * 1000, 1.0),
               _figure("the busy ones' rate", "requests/s", goes, lambda go: go.rate, digits=0),
               _figure("the busy ones: closed by the server", "connections", goes, lambda go: go.closed, digits=0)]
    figures[1].of_theirs = True
    return Case("fresh", f"Fresh connections beside {BUSY} busy ones, on 64 threads: with CoralKeepAliveStay on, and off", "off",
                figures, errors)
