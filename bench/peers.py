# SPDX-License-Identifier: Apache-2.0
"""Who is there besides httpd: nginx with Lua, Redis, and an upstream that takes its time."""

import grp
import os
import re
import shutil
import subprocess

from rig import BenchError, Program, build_program, ordinary_user

# As a rule one worker, which is nginx's one thread; whatever is not Lua's is kept out of the way.
NGINX_CONF = """\
{modules}
daemon off;
worker_processes {workers};
worker_rlimit_nofile {descriptors};
pid "{root}/nginx.pid";
error_log "{log}" warn;
{user}
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    default_type text/plain;
    keepalive_timeout 60;
    keepalive_requests 1000000000;
    client_body_timeout 60;
    client_max_body_size 64m;
    client_body_buffer_size 1m;
    lua_socket_log_errors off;
    lua_socket_pool_size 1000;
    lua_shared_dict bench 8m;
    {temporary}
    server {{
        listen 127.0.0.1:{port} backlog=8192 sndbuf=64k;
        {locations}
    }}
}}
"""


class Nginx(Program):
    """nginx with libnginx-mod-http-lua, which runs the same Lua files."""

    bad = ("[error]", "[crit]", "[alert]", "[emerg]")

    def __init__(self, scratch, port, scripts, descriptors, workers=1):
        super().__init__(scratch, "nginx", port)
        self.nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
        if not self.nginx:
            raise BenchError("nginx is not installed (Debian packages: nginx-light, libnginx-mod-http-lua)")
        told = subprocess.run([self.nginx, "-V"], capture_output=True, text=True, check=False).stderr
        self.version = re.search(r"nginx/(\S+)", told)[1]
        temporary = " ".join(f'{what}_temp_path "{scratch.folder("nginx", what)}";'
                             for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        text = NGINX_CONF.format(
            modules=self._modules(told), root=self.root, log=self.log, port=port, user=_user(), temporary=temporary, workers=workers,
            descriptors=descriptors, connections=descriptors - 100,
            locations="\n        ".join(f'location = /{name} {{ content_by_lua_file "{path}"; }}'
                                        for name, path in scripts.items()))
        self.conf = scratch.write("nginx.conf", text)

    @staticmethod
    def _modules(told):
        """Where they are modules of their own, as in Debian's."""
        found = re.search(r"--modules-path=(\S+)", told)
        paths = [f"{found[1]}/{name}_module.so" for name in ("ndk_http", "ngx_http_lua")] if found else []
        return "\n".join(f'load_module "{path}";' for path in paths if os.path.exists(path))

    def start(self):
        done = subprocess.run([self.nginx, "-t", "-p", self.root, "-c", self.conf], capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchError(f"nginx cannot run Lua (Debian package: libnginx-mod-http-lua):\n{done.stderr.strip()}")
        self.run([self.nginx, "-p", self.root, "-c", self.conf])


def _user():
    """Whom its worker runs as when we are root."""
    if os.geteuid():
        return ""
    user = ordinary_user()
    return f"user {user.pw_name} {grp.getgrgid(user.pw_gid).gr_name};"


class Upstream(Program):
    """upstream.c"""

    def __init__(self, tools, scratch, port):
        super().__init__(scratch, "upstream", port)
        self.program = build_program(tools, scratch, "upstream")

    def start(self):
        self.run([self.program, str(self.port)])


class Redis(Program):
    """A Redis that keeps nothing."""

    def __init__(self, scratch, port):
        super().__init__(scratch, "redis", port)
        self.server = shutil.which("redis-server")
        if not self.server:
            raise BenchError("redis-server is not installed: upstream.c answers the PINGs instead")

    def start(self):
        self.run([self.server, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                  "--dir", self.root, "--logfile", self.log])
