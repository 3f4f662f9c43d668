# SPDX-License-Identifier: Apache-2.0
"""An httpd -X under one of valgrind's tools."""

import os
import re
import subprocess
import time
from contextlib import contextmanager

from rig import BenchError, need, ordinary_user


def somebody():
    """Popen's options for an ordinary user; none needed when we are one."""
    if os.geteuid():
        return {}
    user = ordinary_user()
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@contextmanager
def under(server, *options):
    """The server in one process under valgrind; yields the path of valgrind's log, complete when the block is left.

    It runs as an ordinary user from the start, for valgrind and vgdb, its remote control, do not outlive a change of
    the user: they keep files, and send each other signals."""
    log = os.path.join(server.root, "valgrind.log")
    who = somebody()
    if who:
        os.chown(server.root, who["user"], who["group"])
    prefix = [need("valgrind", "valgrind"), f"--log-file={log}", f"--vgdb-prefix={server.root}/vgdb", *options]
    server.start(prefix, "-X", patience=120, cwd=server.root,
                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **who)
    try:
        yield log
    finally:
        server.stop()


def number(log, pattern):
    """The last number in valgrind's log that follows the pattern; None when there is none."""
    with open(log, encoding="utf-8", errors="replace") as lines:
        found = re.findall(pattern + r"\s*([\d,]+)", lines.read())
    return int(found[-1].replace(",", "")) if found else None


def bytes_in_use(server, nudge):
    """What memcheck counts as allocated right now, in a server that goes on running: reachable or lost.

    Valgrind looks at its remote control while it runs code, and waking an idle process by ptrace is not allowed
    everywhere: nudge() is called, to send a request, until the answer is there."""
    command = [need("vgdb", "valgrind"), f"--vgdb-prefix={server.root}/vgdb", "--max-invoke-ms=0",
               f"--pid={server.process.pid}", "leak_check", "summary", "any"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **somebody()) as vgdb:
        until = time.monotonic() + 60
        try:
            while vgdb.poll() is None and time.monotonic() < until:
                nudge()
        finally:
            vgdb.kill()
        said = vgdb.stdout.read()
    amounts = re.findall(r"(?:definitely lost|indirectly lost|possibly lost|still reachable|suppressed):\s*([\d,]+)", said)
    if not amounts:
        raise BenchError(f"vgdb does not say what is in use:\n{said}")
    return sum(int(amount.replace(",", "")) for amount in amounts)
