# SPDX-License-Identifier: Apache-2.0
"""What every script of bench/ stands on: tools, a scratch folder, and httpds of our own."""

import atexit
import os
import pwd
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))

# What a fresh Debian enables (access_compat left out: nothing here speaks the 2.2 dialect).
USUAL_MODULES = (
    "mpm_event unixd authn_core authn_file authz_core authz_host authz_user auth_basic alias autoindex "
    "deflate dir env filter mime negotiation reqtimeout setenvif status").split()

# Debian's usual settings in our words, no access log, and the event MPM with one child of {threads} threads.
# Every connection may be kept for ever: a client that has to reconnect would measure accept().
BASE_CONF = """\
ServerRoot "{root}"
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile "{root}/httpd.pid"
DefaultRuntimeDir "{root}"
ErrorLog "{log}"
LogLevel warn
{load}
{user}
ServerLimit 1
StartServers 1
ThreadLimit {threads}
ThreadsPerChild {threads}
MaxRequestWorkers {threads}
MinSpareThreads 1
MaxSpareThreads {threads}
MaxConnectionsPerChild 0
Timeout 300
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 5
HostnameLookups Off
TypesConfig "{types}"
DocumentRoot "{docs}"
DirectoryIndex index.html
RequestReadTimeout header=20-40,minrate=500
RequestReadTimeout body=10,minrate=500
ExtendedStatus On
AddOutputFilterByType DEFLATE text/html text/plain text/css text/javascript
BrowserMatch "Nothing/1" nokeepalive
BrowserMatch "Nothing/2\\.0" downgrade-1.0
<FilesMatch "^\\.ht">
    Require all denied
</FilesMatch>
<Directory "/">
    Options FollowSymLinks
    AllowOverride None
    Require all denied
</Directory>
<Directory "{docs}">
    Options Indexes FollowSymLinks
    AllowOverride None
    Require all granted
</Directory>
<Location "/server-status">
    SetHandler server-status
    Require local
</Location>
"""


class BenchError(Exception):
    """Something is missing or broken; the text is for the person who called the script."""


def run_main(main):
    """Run a script's main() with one way of ending: no traceback for what a person can mend."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main())
    except BenchError as error:
        sys.exit(f"{os.path.basename(sys.argv[0])}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def need(program, package):
    path = shutil.which(program)
    if not path:
        raise BenchError(f"{program} is not installed (Debian package: {package})")
    return path


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


class Tools:
    """Where things are: from the environment that `make bench` sets, or found when called by hand."""

    def __init__(self):
        top = os.path.dirname(HERE)
        self.source = os.path.abspath(os.environ.get("CORAL_SRCDIR") or top)
        self.build = os.path.abspath(os.environ.get("CORAL_BUILDDIR") or os.path.join(top, "build"))
        self.apxs = os.environ.get("APXS") or shutil.which("apxs") or need("apxs2", "apache2-dev")
        self.httpd = os.environ.get("HTTPD") or self._ask_httpd()
        self.modules = output_of(self.apxs, "-q", "LIBEXECDIR")
        self.builtin = set(output_of(self.httpd, "-l").split())
        self.version = output_of(self.httpd, "-v").splitlines()[0].removeprefix("Server version: ")

    def _ask_httpd(self):
        folder, name = (output_of(self.apxs, "-q", key) for key in ("SBINDIR", "PROGNAME"))
        return os.path.join(folder, name)

    def coral(self):
        """mod_coral.so of the build tree, or None."""
        for folder in ("", ".libs", "mod_src/.libs"):
            path = os.path.join(self.build, folder, "mod_coral.so")
            if os.path.isfile(path):
                return path
        return None

    def load_line(self, name):
        """The LoadModule line of a module of httpd itself; empty when it is compiled in."""
        if {f"mod_{name}.c", f"{name.removeprefix('mpm_')}.c"} & self.builtin:
            return ""
        path = os.path.join(self.modules, f"mod_{name}.so")
        if not os.path.isfile(path):
            raise BenchError(f"this httpd has no mod_{name} ({path})")
        return f'LoadModule {name}_module "{path}"'


class Scratch:
    """A folder outside the tree that children of httpd, another user perhaps, can read; gone at the end."""

    def __init__(self, keep=False):
        os.umask(0o022)
        self.path = tempfile.mkdtemp(prefix="coral-bench-")
        os.chmod(self.path, 0o755)
        if keep:
            print(f"scratch folder: {self.path}")
        else:
            atexit.register(shutil.rmtree, self.path, ignore_errors=True)

    def folder(self, *parts, mode=0o755):
        path = os.path.join(self.path, *parts)
        os.makedirs(path, exist_ok=True)
        os.chmod(path, mode)
        return path

    def write(self, name, text):
        path = os.path.join(self.path, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def copy(self, source, *parts):
        """Copied, since a child of httpd may not be able to walk into the folder of a checkout."""
        target = os.path.join(self.path, *parts)
        if not os.path.isdir(source):
            self.folder(*parts[:-1])
            shutil.copyfile(source, target + ".new")
            os.replace(target + ".new", target)     # a httpd may have loaded the one before
            return target
        for at, _, files in os.walk(source):
            inside = os.path.relpath(at, source)
            folder = self.folder(*parts, *([] if inside == "." else [inside]))
            for name in files:
                shutil.copyfile(os.path.join(at, name), os.path.join(folder, name))
        return target


def build_c_handler(tools, scratch):
    """Compile mod_bench.c with apxs in the scratch folder; the path of the module."""
    folder = scratch.folder("mod_bench")
    scratch.copy(os.path.join(HERE, "mod_bench.c"), "mod_bench", "mod_bench.c")
    warnings = [f"-Wc,-W{w}" for w in ("all", "extra", "missing-prototypes", "shadow", "error")]
    done = subprocess.run([tools.apxs, "-c", *warnings, "mod_bench.c"], cwd=folder,
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"mod_bench.c does not compile:\n{done.stdout}{done.stderr}")
    return scratch.copy(os.path.join(folder, ".libs", "mod_bench.so"), "modules", "mod_bench.so")


def build_program(tools, scratch, name):
    """Compile NAME.c of this folder, a program of ours; its path."""
    path = os.path.join(scratch.folder("programs"), name)
    command = [*output_of(tools.apxs, "-q", "CC").split(), "-std=gnu11", "-O2", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wshadow",
               "-Wmissing-prototypes", "-Werror", "-o", path, os.path.join(HERE, f"{name}.c")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"{name}.c does not compile:\n{done.stdout}{done.stderr}")
    return path


def raise_limit():
    """As many descriptors as we may have, for us and for those we start; the number."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def ordinary_user():
    """Whom httpd's children run as when we are root."""
    for name in ("www-data", "apache", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise BenchError("no ordinary user to run httpd's children as (www-data, apache, nobody)")


def user_lines():
    """httpd started by root wants to be told who its children are."""
    if os.geteuid():
        return ""
    user = ordinary_user()
    return f"User {user.pw_name}\nGroup #{user.pw_gid}"


def parents():
    """pid -> parent's pid, of every process."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="latin-1") as line:
                found[int(pid)] = int(line.read().rpartition(")")[2].split()[1])
        except OSError:
            continue
    return found


def cpu_ns(pid):
    """CPU time of a process with all its threads, also those that have ended, in nanoseconds: the
    clock that clock_getcpuclockid(3) names. utime + stime of /proc/PID/stat are the same sum in 10 ms steps."""
    return time.clock_gettime_ns((~pid << 3) | 2)


class Program:
    """A server on the loopback interface, started in the foreground as our own child process."""

    bad = (":error]", ":crit]", ":alert]", ":emerg]", "exit signal")    # in lines that no run should leave behind

    def __init__(self, scratch, name, port, title=None):
        self.name, self.port, self.title = name, port, title or name
        self.root = scratch.folder(name)
        self.log = os.path.join(self.root, "error.log")
        self.process, self.logged = None, 0

    def run(self, command, patience=20, **options):
        """Start it, and wait until somebody listens."""
        self._check_port()
        self.logged = len(self.log_lines())
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **options)
        atexit.register(self.stop)
        until = time.monotonic() + patience
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise BenchError(f"{self.title} does not start:\n{self.log_tail()}")
            time.sleep(0.05)

    def stop(self):
        process, self.process = self.process, None
        if not process:
            return
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)      # its own session: only what we started
            process.wait()

    def pids(self):
        """It and its descendants."""
        family, of = {self.process.pid}, parents()
        while True:
            more = {pid for pid, parent in of.items() if parent in family} - family
            if not more:
                return sorted(family)
            family |= more

    def child(self):
        """The one process that answers requests."""
        children = [pid for pid in self.pids() if pid != self.process.pid]
        if len(children) != 1:
            raise BenchError(f"{self.title} has {len(children)} children instead of one:\n{self.log_tail()}")
        return children[0]

    def cpu(self):
        """{pid: nanoseconds} of all its processes."""
        return {pid: cpu_ns(pid) for pid in self.pids()}

    def log_lines(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as lines:
                return [line.rstrip() for line in lines]
        except OSError:
            return []

    def log_tail(self, lines=8):
        return "\n".join(f"    {line}" for line in self.log_lines()[-lines:]) or "    (nothing in its error log)"

    def complaints(self):
        """Lines of the error log that no run should leave behind, since the start. That all threads are busy at
        a time (AH00484) is what a run is for."""
        lines = self.log_lines()[self.logged:]
        return [line for line in lines if any(word in line for word in self.bad) and "AH00484" not in line]

    def _answers(self):
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _check_port(self):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError as error:
                raise BenchError(f"port {self.port} is in use: choose others with --port") from error


class Server(Program):
    """One httpd."""

    def __init__(self, tools, scratch, name, port, conf, threads=64):
        super().__init__(scratch, name, port, f"the httpd of {name}")
        self.tools = tools
        load = "\n".join(filter(None, (tools.load_line(m) for m in USUAL_MODULES)))
        text = BASE_CONF.format(root=self.root, port=port, log=self.log, load=load, user=user_lines(),
                                threads=threads, docs=os.path.join(scratch.path, "docs"),
                                types=scratch.write("mime.types", "text/html html\ntext/plain txt\n"))
        self.conf = scratch.write(f"{name}.conf", text + conf)

    def test(self):
        """None, or what is wrong with the configuration."""
        done = subprocess.run([self.tools.httpd, "-t", "-f", self.conf], capture_output=True, text=True,
                              timeout=60, check=False)
        return None if done.returncode == 0 else (done.stderr + done.stdout).strip()

    def start(self, prefix=(), mode="-DFOREGROUND", patience=20, **options):
        self.run([*prefix, self.tools.httpd, "-f", self.conf, mode], patience, **options)
