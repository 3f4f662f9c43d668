# SPDX-License-Identifier: Apache-2.0
"""What is measured: the workloads, the contestants, and the httpds they run in."""

import http.client
import json
import os
from dataclasses import dataclass, field

from rig import HERE, BenchError, Server, build_c_handler

REQUEST_HEADERS = {"User-Agent": "bench/1", "Accept": "application/json", "Accept-Language": "en-GB"}
FACTS = {"agent": "bench/1", "accept": "application/json", "language": "en-GB",
         "name": "coral", "length": 5, "ok": True}


@dataclass(frozen=True)
class Workload:
    key: str
    title: str
    query: str


WORKLOADS = (
    Workload("hello", "(a) hello", ""),
    Workload("facts", "(b) three headers and an argument in, two headers and JSON out", "?name=coral"),
)


@dataclass(frozen=True, eq=False)     # itself is its identity: a key of dictionaries
class Contestant:
    key: str
    label: str
    server: str                 # which of SERVERS it runs in
    path: str                   # {w} is the workload's key
    conf: str                   # once per workload: {w}, {lua} (our scripts), {docs} (document root)
    limit: dict = field(default_factory=dict)   # the most CPU per request it may take, C handler = 1


APP = {"hello": 0.75, "facts": 0.95}
FILE = {"hello": 1.05, "facts": 1.20}

C_HANDLER = '<Location "/c/{w}">\n    SetHandler bench-{w}\n</Location>\n'

CONTESTANTS = (
    Contestant("c", "C handler, beside coral", "coral", "/c/{w}", C_HANDLER),
    Contestant("c-alone", "C handler, httpd without coral", "plain", "/c/{w}", C_HANDLER),
    Contestant("coral-fn", "coral, function in <Location>", "coral", "/fn/{w}",
               '<Location "/fn/{w}">\n    CoralHook content "{lua}/{w}.lua" handle\n</Location>\n', APP),
    Contestant("coral-ngx", "coral, ngx chunk in <Location>", "coral", "/ngx/{w}",
               '<Location "/ngx/{w}">\n    CoralHook content "{lua}/{w}_ngx.lua"\n</Location>\n', APP),
    Contestant("coral-app", "coral, CoralApp", "coral", "/app/{w}",
               'CoralApp "/app/{w}" "{lua}/{w}_app.lua" handler\n', APP),
    Contestant("coral-file", "coral, file (AddHandler)", "coral", "/coral/{w}.lua",
               '<Directory "{docs}/coral">\n    AddHandler coral .lua\n</Directory>\n', FILE),
    Contestant("modlua-file", "mod_lua, file (AddHandler)", "modlua", "/modlua/{w}.lua",
               '<Directory "{docs}/modlua">\n    AddHandler lua-script .lua\n</Directory>\n'),
    Contestant("modlua-map", "mod_lua, LuaMapHandler", "modlua", "/map/{w}",
               'LuaMapHandler "^/map/{w}$" "{lua}/{w}.lua" handle\n'),
)
BY_KEY = {c.key: c for c in CONTESTANTS}


class Stage:
    """Everything on disk that the contestants need, and their httpds."""

    def __init__(self, tools, scratch, port):
        self.tools, self.scratch, self.port = tools, scratch, port
        self.bench_module = build_c_handler(tools, scratch)
        self.lua = scratch.copy(os.path.join(HERE, "lua"), "lua")
        self.docs = scratch.folder("docs")
        for w in WORKLOADS:
            scratch.copy(f"{self.lua}/{w.key}_file.lua", "docs", "coral", f"{w.key}.lua")
            scratch.copy(f"{self.lua}/{w.key}.lua", "docs", "modlua", f"{w.key}.lua")

    def server(self, name, contestants, threads=64, tag="", extra="", port=None):
        """An httpd of one of three kinds with the settings of some contestants, and others (extra)."""
        port = port or self.port + ("coral", "plain", "modlua").index(name)
        conf = {"coral": self._coral, "plain": self._plain, "modlua": self._modlua}[name]()
        conf += "".join(c.conf.format(w=w.key, lua=self.lua, docs=self.docs)
                        for c in contestants for w in WORKLOADS) + extra
        return Server(self.tools, self.scratch, name + tag, port, conf, threads)

    def _plain(self):
        return f'LoadModule bench_module "{self.bench_module}"\n'

    def _coral(self):
        module = self.tools.coral()
        if not module:
            raise BenchError(f"there is no mod_coral.so in {self.tools.build}")
        module = self.scratch.copy(module, "modules", "mod_coral.so")
        library = self.scratch.copy(os.path.join(self.tools.source, "lua_lib"), "lua_lib")
        return f'{self._plain()}LoadModule coral_module "{module}"\nCoralLibraryPath "{library}"\n'

    def _modlua(self):
        """Its fastest settings: a state per thread, and no look at the file for each request."""
        return f'{self._plain()}{self.tools.load_line("lua")}\nLuaScope thread\nLuaCodeCache forever\n'


def usable(stage, contestants, skipped):
    """The contestants whose settings httpd takes; why the others are out goes to `skipped`."""
    found = []
    for c in contestants:
        try:
            trouble = stage.server(c.server, [c], tag="-test").test()
        except (BenchError, OSError) as error:
            trouble = str(error)
        if trouble:
            skipped[c.key] = trouble
        else:
            found.append(c)
    return found


def url_of(contestant, workload):
    return contestant.path.format(w=workload.key) + workload.query


def wrong_answer(port, contestant, workload):
    """Ask once, before any timing; None, or what is wrong with the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", url_of(contestant, workload), headers=REQUEST_HEADERS)
        response = connection.getresponse()
        body = response.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return f"no answer: {error!r}"
    finally:
        connection.close()
    if response.status != 200:
        return f"status {response.status}: {body[:200]!r}"
    return _compare(workload, response, body)


def _compare(workload, response, body):
    kind = response.headers.get_content_type()
    if workload.key == "hello":
        return None if (kind, body) == ("text/plain", "Hello, world") else f"{kind}: {body[:200]!r}"
    headers = (response.getheader("Cache-Control"), response.getheader("X-Bench-Name"))
    try:
        facts = json.loads(body)
    except ValueError:
        facts = body[:200]
    if (kind, headers, facts) != ("application/json", ("no-store", "coral"), FACTS):
        return f"{kind}, {headers}: {facts!r}"
    return None
