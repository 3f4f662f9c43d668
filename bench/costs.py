# SPDX-License-Identifier: Apache-2.0
"""What waits cost in CPU: handlers that differ in how often they wait, one after the other, in turns."""

from contestants import BY_KEY, WORKLOADS
from figures import Case, Figure
from load import measure, measure_url, split_closed

KINDS = (("ngx.sleep(0)", "/sleep?s=0&n={n}"),
         ("ngx.sleep(0.001)", "/sleep?s=0.001&n={n}"),
         ("a line of an upstream, after 2 ms", "/lines?ms=2&keep=1&port={port}&n={n}"))
CLIENTS = 32
WAIT_LIMIT = 15         # µs
PING_LIMIT = 1.5        # times nginx's
CALLS = 20000           # of a dictionary, per request
GET_LIMIT = 1000        # ns from one get to the next, over two cores: a million per second


def _in_turns(rig, urls, counts):
    """{(url, server's key): [{count: CPU µs per request}, a round each]}, and what must not be."""
    servers = rig.servers("coral", "nginx")
    seen, errors = {(url, key): [] for url in urls for key in servers}, []
    for number in range(rig.rounds):
        for url, key in seen:
            go = {}
            for n in counts if number % 2 else reversed(counts):
                rig.progress(f"round {number + 1} of {rig.rounds}: {key}, {url.format(n=n)}")
                sample = measure_url(servers[key], url.format(n=n), rig.seconds, CLIENTS)
                errors += [f"{key}, {url.format(n=n)}: {error}" for error in sample.errors]
                go[n] = sample.cpu_us
            seen[url, key].append(go)
    return seen, errors


def _difference(goes, more, less):
    return [(go[more] - go[less]) / (more - less) for go in goes or ()]


def park(rig):
    """CPU of one wait: 11 against 1; and of the first: 1 against 0."""
    figures = []
    urls = {label: url.replace("{port}", str(rig.upstream.port)) for label, url in KINDS}
    seen, errors = _in_turns(rig, urls.values(), (1, 11) if rig.quick else (0, 1, 11))
    for label, url in urls.items():
        ours, theirs = seen[url, "coral"], seen.get((url, "nginx"))
        figures.append(Figure(label, "µs", _difference(ours, 11, 1), _difference(theirs, 11, 1), WAIT_LIMIT))
        if not rig.quick:
            figures.append(Figure("    the first (1 wait against none)", "µs", _difference(ours, 1, 0), _difference(theirs, 1, 0)))
    return Case("park", f"CPU of one wait (11 waits against 1), {CLIENTS} clients", "nginx+Lua", figures, errors)


def ping(rig):
    """CPU of one PING over a kept connection, the server's alone."""
    redis = rig.redis()
    url = f"/ping?port={redis.port}&n={{n}}"
    seen, errors = _in_turns(rig, [url], (1, 11) if rig.quick else (1, 11, 101))
    ours, theirs = seen[url, "coral"], seen.get((url, "nginx"))
    whole = [[go[1] for go in goes or ()] for goes in (ours, theirs)]
    figures = [Figure("one more PING (11 against 1)", "µs", _difference(ours, 11, 1), _difference(theirs, 11, 1), PING_LIMIT, True),
               *([] if rig.quick else
                 [Figure("    of many (101 against 1)", "µs", _difference(ours, 101, 1), _difference(theirs, 101, 1), PING_LIMIT, True)]),
               Figure("a request with one PING", "µs", *whole)]
    return Case("ping", f"CPU of a PING to {redis.title} over a kept connection, {CLIENTS} clients", "nginx+Lua", figures, errors)


def shared(rig):
    """Calls of a dictionary, two requests at a time: the time from one to the next, and the CPU of one."""
    servers, figures, errors = rig.servers("coral-dict", "nginx-2"), [], []
    for what, limit in (("get", GET_LIMIT), ("incr", None), ("set", None)):
        seen = {key: [] for key in servers}
        for number in range(rig.rounds):
            for key, server in servers.items():
                rig.progress(f"round {number + 1} of {rig.rounds}: {key}, {what}")
                sample = measure_url(server, f"/dict?what={what}&n={CALLS}", rig.seconds, 2)
                errors += [f"{key}, {what}: {error}" for error in sample.errors]
                seen[key].append(sample)
        ours, theirs = seen["coral-dict"], seen.get("nginx-2")
        for label, of, most in ((f"{what}: one after the other", lambda go: 1e9 / (go.rate * CALLS), limit),
                                ("    CPU of one", lambda go: go.cpu_us * 1000 / CALLS, None)):
            figures.append(Figure(label, "ns", [of(go) for go in ours], [of(go) for go in theirs or ()], most, digits=0))
    return Case("shared", "Calls of one ngx.shared dictionary of 1,000 keys, two requests at a time", "nginx+Lua", figures, errors)


def _both(label, unit, seen, value, limit=None, digits=0):
    ours, theirs = ([value(go) for go in seen[key]] for key in ("coral", "plain"))
    return Figure(label, unit, ours, theirs, limit, limit is not None, digits)


def hello(rig):
    """Keep-alive connections, few and many, against a C handler in an httpd without the module."""
    figures, errors, workload = [], [], WORKLOADS[0]
    contestants = {"coral": BY_KEY["coral-app"], "plain": BY_KEY["c-alone"]}
    servers = rig.servers(*contestants)
    for connections, limit in ((32, 0.5), (500, 1.05)):
        seen = {key: [] for key in servers}
        for number in range(rig.rounds):
            for key in seen:
                rig.progress(f"round {number + 1} of {rig.rounds}: {key}, hello, {connections} connections")
                seen[key].append(measure(servers[key], contestants[key], workload, rig.seconds, connections))
        for key, goes in seen.items():
            errors += [f"{key}, {connections} connections: {error}" for go in goes for error in split_closed(go.errors)[1]]
        figures += [_both(f"hello, {connections} connections", "CPU µs", seen, lambda go: go.cpu_us, limit, 1),
                    _both("    rate", "requests/s", seen, lambda go: go.rate),
                    _both("    closed by the server", "connections", seen, lambda go: split_closed(go.errors)[0])]
    return Case("hello", "Hello on 64 threads: a mounted app, and a C handler in an httpd without coral", "C handler", figures,
                errors)
