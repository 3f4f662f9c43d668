# SPDX-License-Identifier: Apache-2.0
"""Two clients: wrk for a while, and our own for a number of requests."""

import http.client
import json
import re
import subprocess
import threading
from dataclasses import dataclass

from contestants import REQUEST_HEADERS, url_of
from rig import BenchError, need


@dataclass
class Sample:
    """One go of wrk at one URL."""
    requests: int
    rate: float         # requests/s as wrk saw them
    cpu_us: float       # CPU µs per request, all processes of that httpd
    errors: list        # what wrk complained about


def wrk_errors(report):
    """The lines wrk prints only when something went wrong."""
    lines = re.findall(r"^\s*((?:Non-2xx|Socket errors).*)$", report, re.M)
    return [" ".join(line.split()) for line in lines]


def split_closed(errors):
    """How many connections the server closed (an httpd whose threads are all busy does that to those that only wait for their
    next request), and the other errors."""
    closed = [re.fullmatch(r"Socket errors: connect 0, read (\d+), write 0, timeout 0", error) for error in errors]
    return sum(int(found[1]) for found in closed if found), [e for e, found in zip(errors, closed) if not found]


def measure(server, contestant, workload, seconds, connections):
    """Run wrk at a workload's URL, and see what CPU the server used meanwhile."""
    return measure_url(server, url_of(contestant, workload), seconds, connections)


def wrk_command(server, url, seconds, connections):
    """wrk's command line."""
    headers = [word for name, value in REQUEST_HEADERS.items() for word in ("-H", f"{name}: {value}")]
    return [need("wrk", "wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", *headers,
            f"http://127.0.0.1:{server.port}{url}"]


def measure_url(server, url, seconds, connections):
    """The same at any URL."""
    command = wrk_command(server, url, seconds, connections)
    before = server.cpu()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    after = server.cpu()
    requests = re.search(r"(\d+) requests in", done.stdout)
    rate = re.search(r"Requests/sec:\s*([\d.]+)", done.stdout)
    if done.returncode or not requests or not rate or not int(requests[1]):
        raise BenchError(f"wrk failed at {command[-1]}:\n{done.stdout}{done.stderr}")
    errors = wrk_errors(done.stdout)
    if before.keys() != after.keys():
        errors.append(f"{server.title} changed its processes: {sorted(before)} -> {sorted(after)}")
    spent = sum(after.values()) - sum(before.get(pid, 0) for pid in after)
    return Sample(int(requests[1]), float(rate[1]), spent / 1000 / int(requests[1]), errors)


def _ask(port, requests, failures):
    """A share of the requests over one connection that is kept: (method, path, body, wanted status)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        for method, path, body, wanted in requests:
            connection.request(method, path, body, REQUEST_HEADERS)
            response = connection.getresponse()
            response.read()
            if response.status != wanted:
                failures.append(f"{method} {path}: {response.status} instead of {wanted}")
    except (OSError, http.client.HTTPException) as error:
        failures.append(f"{method} {path}: {error!r}")
    finally:
        connection.close()


def drive(port, mix, count, connections):
    """Send exactly `count` requests, taking turns through `mix`."""
    failures, threads = [], []
    todo = [mix[i % len(mix)] for i in range(count)]
    for i in range(connections):
        share = todo[i * count // connections:(i + 1) * count // connections]
        threads.append(threading.Thread(target=_ask, args=(port, share, failures)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    if failures:
        raise BenchError(f"{len(failures)} wrong answers, the first: {failures[0]}")


def simple(contestant, workload):
    """The request of a workload, as drive() wants it."""
    return ("GET", url_of(contestant, workload), None, 200)


@dataclass
class Crowd:
    """How a crowd of visitors fared (client.c)."""
    visitors: int
    answered: int
    other: int          # answers that were not 200, or too short
    failed: int
    why: str            # the first reason not to be content
    seconds: float      # from the first connect to the last answer
    p50: float          # seconds, of those who were answered
    p99: float
    max: float


def start_crowd(client, port, path, visitors, **more):
    """Let them come; a function that waits until they have been. more: client.c's other options, by letter."""
    options = [word for letter, value in more.items() for word in (f"-{letter}", str(value))]
    command = [client, "-p", str(port), "-u", path, "-n", str(visitors), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def ending():
        told, complaint = process.communicate()
        if process.returncode:
            raise BenchError(f"{' '.join(command)} failed:\n{complaint}")
        return Crowd(**json.loads(told))

    return ending


def crowd(client, port, path, visitors, **more):
    """Let them all come, and wait."""
    return start_crowd(client, port, path, visitors, **more)()
