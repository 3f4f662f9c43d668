# SPDX-License-Identifier: Apache-2.0
"""Two clients: wrk for a while, and our own for a number of requests."""

import http.client
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


def measure(server, contestant, workload, seconds, connections):
    """Run wrk, and see what CPU the server used meanwhile."""
    command = [need("wrk", "wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"]
    for name, value in REQUEST_HEADERS.items():
        command += ["-H", f"{name}: {value}"]
    command.append(f"http://127.0.0.1:{server.port}{url_of(contestant, workload)}")
    before = server.cpu()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    after = server.cpu()
    requests = re.search(r"(\d+) requests in", done.stdout)
    rate = re.search(r"Requests/sec:\s*([\d.]+)", done.stdout)
    if done.returncode or not requests or not rate or not int(requests[1]):
        raise BenchError(f"wrk failed at {command[-1]}:\n{done.stdout}{done.stderr}")
    errors = wrk_errors(done.stdout)
    if before.keys() != after.keys():
        errors.append(f"the httpd changed its processes: {sorted(before)} -> {sorted(after)}")
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
