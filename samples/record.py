#!/usr/bin/env python3
"""Records the sample captures.  Called by record.sh, which see.

Layout (every name below lives in namespaces that vanish with this process):

    client  10.66.1.2/24  2001:db8:66::2       network namespace "client"
      |
    router  c0 10.66.1.1  2001:db8:66::1       the namespace this runs in
            s0 203.0.113.1  2001:db8:113::1
      |
    server  203.0.113.21-.24  2001:db8:113::21 network namespace "server"

    peer    198.51.100.22, a second server behind the router's p0 (sample fxp)
    lonely  only a loopback interface (sample textbook)

The truth files tell what lies on the disk of the receiving side (the client's
for downloads, the server's for uploads) and what the client was told to do.
Where the client decides the order by itself (a parallel mirror) the
order of the commands comes from the log of the server.  No capture is looked
at to find out what was transferred.
"""
import ctypes
import ftplib
import gzip
import hashlib
import io
import json
import os
import pickle
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback
import zipfile
import zlib

WORK, OUT = sys.argv[1], sys.argv[2]
WANTED = sys.argv[3:]
USER, PASSWORD = "labuser", "lab-secret-1"
HOME = "/home/labuser"      # the server's disk
VISITOR = "/home/visitor"   # the client's disk
CLIENT4, SERVER4 = "10.66.1.2", "203.0.113.21"
SERVER6 = "2001:db8:113::21"
PEER4 = "198.51.100.22"
PASV = (50000, 50100)
ENV = dict(os.environ, HOME=VISITOR, TZ="UTC", LC_ALL="C.UTF-8", TERM="dumb")
libc = ctypes.CDLL(None, use_errno=True)


# ---------------------------------------------------------------- the place

def sh(command):
    subprocess.run(["sh", "-ec", command], check=True, env=ENV)


def set_up():
    os.makedirs("/run/netns", exist_ok=True)
    password = subprocess.run(["openssl", "passwd", "-6", "-salt", "ftplab", PASSWORD],
                              check=True, capture_output=True, text=True).stdout.strip()
    etc = WORK + "/etc"
    os.makedirs(etc)
    for name, line in (
            ("passwd", f"{USER}:x:4321:4321:lab user:{HOME}:/bin/sh\n"),
            ("group", f"{USER}:x:4321:\n"),
            ("shadow", f"{USER}:{password}:19000:0:99999:7:::\n")):
        text = "".join(l for l in open("/etc/" + name) if not l.startswith(USER + ":"))
        with open(f"{etc}/{name}", "w") as f:
            f.write(text + line)
    os.chmod(etc + "/shadow", 0o600)
    shutil.copytree("/etc/pam.d", etc + "/pam.d", symlinks=True)
    with open(etc + "/pam.d/ftplab", "w") as f:
        f.write("auth required pam_unix.so nodelay\naccount required pam_unix.so\n"
                "session required pam_permit.so\n")
    with open(etc + "/hosts", "w") as f:
        f.write("127.0.0.1 localhost ftplab\n::1 localhost\n")
    open(etc + "/resolv.conf", "w").close()
    sh(f"""
        mount -t tmpfs home /home
        mount -t tmpfs netns /run/netns
        for f in passwd group shadow hosts resolv.conf; do
            mount --bind {etc}/$f /etc/$f; done
        mount --bind {etc}/pam.d /etc/pam.d
        hostname ftplab
        mkdir -p {HOME} {VISITOR} {WORK}/empty {WORK}/cap {WORK}/log
        ip netns add client; ip netns add server; ip netns add lonely; ip netns add peer
        ip link add p0 type veth peer name eth0 netns peer
        ip link add c0 type veth peer name eth0 netns client
        ip link add s0 type veth peer name eth0 netns server
        sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
        ip link set lo up
        for n in client server lonely peer; do ip -n $n link set lo up; done
        ip addr add 10.66.1.1/24 dev c0; ip addr add 203.0.113.1/24 dev s0
        ip addr add 2001:db8:66::1/64 dev c0 nodad
        ip addr add 2001:db8:113::1/64 dev s0 nodad
        ip link set c0 up; ip link set s0 up
        ip -n client addr add 10.66.1.2/24 dev eth0
        ip -n client addr add 2001:db8:66::2/64 dev eth0 nodad
        for i in 21 22 23 24; do ip -n server addr add 203.0.113.$i/24 dev eth0; done
        ip -n server addr add 2001:db8:113::21/64 dev eth0 nodad
        ip addr add 198.51.100.1/24 dev p0; ip link set p0 up
        ip -n peer addr add {PEER4}/24 dev eth0; ip -n peer link set eth0 up
        ip -n peer route add default via 198.51.100.1
        ip -n client link set eth0 up; ip -n server link set eth0 up
        ip -n client route add default via 10.66.1.1
        ip -n client -6 route add default via 2001:db8:66::1
        ip -n server route add default via 203.0.113.1
        ip -n server -6 route add default via 2001:db8:113::1
        off='tso off gso off gro off tx off rx off'
        ethtool -K c0 $off >/dev/null; ethtool -K s0 $off >/dev/null
        ethtool -K p0 $off >/dev/null; ip netns exec peer ethtool -K eth0 $off >/dev/null
        ip netns exec client ethtool -K eth0 $off >/dev/null
        ip netns exec server ethtool -K eth0 $off >/dev/null
        openssl req -x509 -newkey rsa:2048 -nodes -days 3650 \
            -subj /O=Lab/CN=ftp.lab.example -addext subjectAltName=IP:{SERVER4} \
            -keyout {WORK}/key.pem -out {WORK}/cert.pem 2>/dev/null
        cat {WORK}/key.pem {WORK}/cert.pem >{WORK}/both.pem; chmod 600 {WORK}/*.pem
    """)
    time.sleep(2)   # router advertisements and the like


def enter(ns):
    if ns:
        with open("/run/netns/" + ns) as f:
            if libc.setns(f.fileno(), 0x40000000):
                raise OSError(ctypes.get_errno(), "setns")


class Child:
    """A function of this file, running in a process inside a network namespace."""

    def __init__(self, ns, function, *args):
        r, w = os.pipe()
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            code = 0
            try:
                os.close(r)
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                enter(ns)
                os.environ.update(ENV)
                os.chdir(VISITOR)
                answer = pickle.dumps(function(*args))
                with os.fdopen(w, "wb") as f:
                    f.write(answer)
            except BaseException:
                traceback.print_exc()
                code = 1
            sys.stdout.flush()
            os._exit(code)
        os.close(w)
        self.r = r

    def result(self):
        with os.fdopen(self.r, "rb") as f:
            answer = f.read()
        _, status = os.waitpid(self.pid, 0)
        if status:
            raise RuntimeError("a client failed")
        return pickle.loads(answer)

    def stop(self):
        os.kill(self.pid, signal.SIGTERM)
        os.waitpid(self.pid, 0)
        os.close(self.r)


def client(function, *args, ns="client"):
    return Child(ns, function, *args).result()


def popen(*argv, ns="client", **kw):
    return subprocess.Popen(argv, preexec_fn=lambda: enter(ns), cwd=VISITOR, env=ENV, **kw)


def run(*argv, ns="client", ok=(0,), stdin=None, timeout=90):
    p = popen(*argv, ns=ns, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
              stderr=subprocess.STDOUT)
    text, _ = p.communicate(stdin.encode() if stdin else None, timeout=timeout)
    with open(WORK + "/log/clients", "ab") as f:
        f.write(repr(argv).encode() + b"\n" + text + b"\n")
    if ok is not None and p.returncode not in ok:
        raise RuntimeError(f"{argv}: exit {p.returncode}\n{text.decode(errors='replace')}")
    return p.returncode


def curl(*args, ok=(0,), ns="client"):
    return run("curl", "-sS", "-u", f"{USER}:{PASSWORD}", *args, ok=ok, ns=ns)


def lftp(script, host=SERVER4, ok=(0,), **kw):
    return run("lftp", "-u", f"{USER},{PASSWORD}", "-e", script + "; bye", host, ok=ok, **kw)


def tnftp(script, *args, host=SERVER4, **kw):
    text = f"open {host}\nuser {USER} {PASSWORD}\n{script}\nquit\n"
    return run("tnftp", "-n", "-v", "-i", *args, stdin=text, ok=None, **kw)


# ----------------------------------------------------------------- the files

WHEN = 1709208000   # 2024-02-29 12:00:00 UTC


def noise(seed, size):
    """The same bytes on every machine."""
    blocks = (hashlib.sha256(f"{seed}:{i}".encode()).digest() for i in range(size // 32 + 1))
    return b"".join(blocks)[:size]


def png(side=12):
    def chunk(kind, body):
        return (struct.pack(">I", len(body)) + kind + body
                + struct.pack(">I", zlib.crc32(kind + body)))
    rows = b"".join(b"\0" + bytes(v for x in range(side) for v in (x * 20, y * 20, 128))
                    for y in range(side))
    return (b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def zip_file():
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w", zipfile.ZIP_STORED) as z:
        for name, body in (("readme.txt", b"An archive.\r\n"), ("data/noise.bin", noise("zip", 3000))):
            z.writestr(zipfile.ZipInfo(name, (2024, 2, 29, 12, 0, 0)), body)
    return b.getvalue()


def pdf():
    parts = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
             b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] >>"]
    out, offsets = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for i, part in enumerate(parts, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (i, part)
    start = len(out)
    out += b"xref\n0 4\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % o for o in offsets)
    return out + b"trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start


def text(lines=40, end="\n"):
    words = "the quick brown fox jumps over a lazy dog and comes back for the net".split()
    return "".join(" ".join(words[(i * 7 + j) % len(words)] for j in range(3 + i % 9)) + end
                   for i in range(lines)).encode()


def csv(count=120):
    rows = ["no,station,temperature,note"]
    rows += [f"{i},S{i % 7:02},{(i * 37 % 400) / 10:.1f},\"reading {i}, ok\"" for i in range(1, count + 1)]
    return ("\r\n".join(rows) + "\r\n").encode()


PNG, ZIP, PDF, TXT, CSV = png(), zip_file(), pdf(), text(), csv()


def put(path, body):
    """A file on the server's disk, owned by the user."""
    path = os.fsencode(os.path.join(HOME.encode(), os.fsencode(path)))
    made = os.path.dirname(path)
    os.makedirs(made, exist_ok=True)
    with open(path, "wb") as f:
        f.write(body)
    os.utime(path, (WHEN, WHEN))


def own_home():
    for folder, _, files in os.walk(os.fsencode(HOME), topdown=False):
        for f in files:
            os.chown(os.path.join(folder, f), 4321, 4321)
        os.chown(folder, 4321, 4321)
        os.utime(folder, (WHEN, WHEN))


def local(path, body):
    path = os.path.join(os.fsencode(VISITOR), os.fsencode(path))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(body)
    os.utime(path, (WHEN, WHEN))


def read(path):
    with open(path, "rb") as f:
        return f.read()


def on_client(name):
    return read(os.path.join(os.fsencode(VISITOR), os.fsencode(name)))


def on_server(name):
    return read(os.path.join(os.fsencode(HOME), os.fsencode(name)))


def sha(body):
    return hashlib.sha256(body).hexdigest()


def empty(folder):
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)


# --------------------------------------------------------------- the servers

def first_line(*argv, **kw):
    p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=ENV, **kw)
    return p.stdout.decode(errors="replace").strip().split("\n")[0]


def versions():
    # vsftpd writes its version to standard input
    r, w = os.pipe()
    subprocess.run([os.environ["VSFTPD"], "-v"], stdin=w)
    os.close(w)
    vs = os.read(r, 200).decode().strip()
    os.close(r)
    import pyftpdlib
    number = lambda s: re.search(r"\d+\.\d+[\w.]*", s).group(0)
    return {
        "vsftpd": "vsftpd " + number(vs),
        "proftpd": "ProFTPD " + number(first_line(os.environ["PROFTPD"], "-v")),
        "pure-ftpd": "Pure-FTPd " + number(first_line(os.environ["PURE_FTPD"], "--help")),
        "pyftpdlib": "pyftpdlib " + pyftpdlib.__ver__,
        "lftp": "lftp " + number(first_line("lftp", "--version")),
        "curl": "curl " + number(first_line("curl", "--version")),
        "tnftp": "tnftp " + re.search(r"\d{8}\w*", first_line("sh", "-c", "dpkg-query -W -f='${Version}' tnftp")).group(0),
        "ncftp": "NcFTP " + number(first_line("ncftpget", "--version")),
        "wget": "Wget " + number(first_line("wget", "--version")),
        "ftplib": "Python %d.%d ftplib" % sys.version_info[:2],
        "socket": "Python %d.%d, plain sockets" % sys.version_info[:2],
        "hydra": "Hydra " + number(first_line("hydra", "-h")),
        "medusa": "Medusa " + number(first_line("medusa", "-V")),
        "ncrack": "Ncrack " + number(first_line("ncrack", "--version")),
        "nmap": "Nmap " + number(first_line("nmap", "--version")),
        "tcpdump": first_line("tcpdump", "--version"),
        "dumpcap": first_line("dumpcap", "--version"),
    }


class Server:
    count = 0

    def __init__(self, port=21, host=SERVER4, ns="server"):
        self.port, self.host, self.ns = port, host, ns
        Server.count += 1
        self.folder = f"{WORK}/log/{Server.count}-{self.program}"
        os.makedirs(self.folder)

    def wait(self, pid):
        want = "%04X" % self.port
        for _ in range(200):
            for table in "tcp", "tcp6":
                for line in open(f"/proc/{pid}/net/{table}").read().split("\n")[1:]:
                    f = line.split()
                    if len(f) > 3 and f[3] == "0A" and f[1].endswith(":" + want):
                        a = f[1].split(":")[0]
                        if len(a) > 8 or self.host in (None, socket.inet_ntoa(bytes.fromhex(a)[::-1])) or a == "0" * 8:
                            return
            time.sleep(0.05)
        raise RuntimeError(f"{self.program} does not listen; see {self.folder}")

    def start(self):
        log = open(self.folder + "/output", "wb")
        self.process = subprocess.Popen(self.command(), preexec_fn=lambda: enter(self.ns), cwd="/",
                                        env=ENV, stdout=log, stderr=log, stdin=log)   # vsftpd complains to 0
        self.wait(self.process.pid)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def commands(self):
        """The command lines in the order the server logged them, or None."""
        return None

    def write(self, name, body):
        with open(f"{self.folder}/{name}", "w") as f:
            f.write(body)
        return f"{self.folder}/{name}"


class Vsftpd(Server):
    program = "vsftpd"

    def __init__(self, port=21, host=SERVER4, v6=False, ns="server", **options):
        super().__init__(port, host, ns)
        settings = dict(
            listen="NO" if v6 else "YES", listen_port=port, background="NO", anonymous_enable="NO",
            local_enable="YES", write_enable="YES", chroot_local_user="YES",
            allow_writeable_chroot="YES", local_umask="022", secure_chroot_dir=WORK + "/empty",
            pam_service_name="ftplab", session_support="NO",
            seccomp_sandbox="NO", isolate="NO", isolate_network="NO", xferlog_enable="YES",
            xferlog_std_format="NO", log_ftp_protocol="YES", vsftpd_log_file=self.folder + "/log",
            pasv_min_port=PASV[0], pasv_max_port=PASV[1], delay_failed_login=1)
        if v6:
            settings["listen_ipv6"] = "YES"
        else:
            settings["listen_address"] = host
        settings.update(options)
        self.conf = self.write("conf", "".join(f"{k}={v}\n" for k, v in settings.items()))

    def command(self):
        return [os.environ["VSFTPD"], self.conf]

    def log(self):
        return open(self.folder + "/log", errors="replace").read()

    def commands(self):
        return re.findall(r'FTP command: Client "[^"]*", "(.*)"$', self.log(), re.M)


class Proftpd(Server):
    program = "proftpd"

    def __init__(self, port=21, host=SERVER4, v6=False, ns="server", modules=(), extra=""):
        super().__init__(port, host, ns)
        folder = os.path.realpath(os.path.dirname(os.environ["PROFTPD"]) + "/../lib/proftpd")
        load = "".join(f"LoadModule {m}.c\n" for m in modules)
        self.conf = self.write("conf", f"""
{f"ModulePath {folder}" if modules else ""}
{load}
ServerName "lab"
ServerType standalone
DefaultServer on
DefaultAddress {SERVER6 if v6 else host}
Port {port}
UseIPv6 {"on" if v6 else "off"}
UseReverseDNS off
WtmpLog off
User nobody
Group nogroup
AuthOrder mod_auth_unix.c
RequireValidShell off
DefaultRoot ~
AllowOverwrite on
AllowStoreRestart on
AllowRetrieveRestart on
PassivePorts {PASV[0]} {PASV[1]}
DelayTable none
SocketBindTight on
PidFile {self.folder}/pid
ScoreboardFile {self.folder}/scoreboard
SystemLog {self.folder}/system
TransferLog {self.folder}/transfers
LogFormat every "%r"
ExtendedLog {self.folder}/log ALL every
{extra}
""")

    def command(self):
        return [os.environ["PROFTPD"], "-n", "-q", "-c", self.conf]

    def commands(self):
        return open(self.folder + "/log", errors="replace").read().split("\n")


class PureFtpd(Server):
    program = "pure-ftpd"

    def __init__(self, port=21, host=SERVER4, *extra):
        super().__init__(port, host)
        self.extra = extra

    def command(self):
        return [os.environ["PURE_FTPD"], "-4", "-S", f"{self.host},{self.port}", "-l", "unix", "-E",
                "-A", "-H", "-u", "1", "-p", "%d:%d" % PASV, "-g", self.folder + "/pid",
                "-O", f"clf:{self.folder}/transfers", *self.extra]


class Pyftpdlib(Server):
    program = "pyftpdlib"

    def __init__(self, port=21, host=SERVER4, ns="server", ports=range(PASV[0], PASV[1]), **handler):
        super().__init__(port, host, ns)
        self.ports, self.handler = ports, handler

    def admit(self, people):
        people.add_user(USER, PASSWORD, HOME, perm="elradfmwMT")

    def serve(self):
        import logging
        from pyftpdlib.authorizers import DummyAuthorizer
        from pyftpdlib.handlers import FTPHandler
        from pyftpdlib.servers import FTPServer
        import pyftpdlib.log
        pyftpdlib.log.config_logging(level=logging.DEBUG)
        logging.getLogger("pyftpdlib").addHandler(logging.FileHandler(self.folder + "/log"))
        os.dup2(os.open(self.folder + "/output", os.O_WRONLY | os.O_CREAT), 2)
        people = DummyAuthorizer()
        self.admit(people)

        class Handler(FTPHandler):
            authorizer = people
            passive_ports = list(self.ports)
            auth_failed_timeout = 1
        for k, v in self.handler.items():
            setattr(Handler, k, v)
        FTPServer((self.host, self.port), Handler).serve_forever()

    def start(self):
        self.child = Child(self.ns, self.serve)
        self.wait(self.child.pid)

    def stop(self):
        self.child.stop()

    def commands(self):
        return re.findall(r"<- (.*)$", open(self.folder + "/log", errors="replace").read(), re.M)


# --------------------------------------------------------------- the samples

class Capture:
    def __init__(self, path, interface, ns=None, tool="tcpdump", args=()):
        self.path = path
        if tool == "tcpdump":
            argv = ["tcpdump", "-i", interface, "-s", "0", "-U", "--immediate-mode", "-B", "32768", "-n", "-Z", "root",
                    *args, "-w", path]
            ready = b"listening on"
        else:
            argv = ["dumpcap", "-i", interface, "-s", "0", "-w", path, *args]
            ready = b"File:"
        self.error = path + ".messages"
        self.process = subprocess.Popen(argv, preexec_fn=lambda: enter(ns), env=ENV,
                                        stdout=subprocess.DEVNULL, stderr=open(self.error, "wb"))
        for _ in range(100):
            if ready in read(self.error):
                break
            time.sleep(0.05)
        else:
            raise RuntimeError("no capture: " + read(self.error).decode())
        time.sleep(0.3)

    def stop(self):
        time.sleep(1.2)
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        said = read(self.error).decode()
        if re.search(r"^[1-9]\d* packets? dropped by kernel", said, re.M):
            raise RuntimeError("the kernel dropped packets: " + said)


class Sample:
    """with Sample(...) as s: servers and capture run, the home is fresh."""

    def __init__(self, name, what, servers, client_programs, options=(), interface="c0", ns=None,
                 tool="tcpdump", args=(), suffix=".pcap", files=None, publish=True):
        self.name, self.suffix, self.publish = name, suffix, publish
        self.servers = servers if isinstance(servers, list) else [servers]
        self.interface, self.ns, self.tool, self.args = interface, ns, tool, args
        both = lambda names: ", ".join(dict.fromkeys(VERSIONS[n] for n in names))
        self.truth = {
            "what": what, "files": [name + suffix],
            "server": both([s.program for s in self.servers]), "client": both(client_programs),
            "options": list(options), "sessions": [], "transfers": [], "listings": 0}
        self.checked = True
        self.raw = f"{WORK}/cap/{name}{suffix}"

    def __enter__(self):
        empty(HOME)
        empty(VISITOR)
        for path, body in (FILES or {}).items():
            put(path, body)
        own_home()
        started = []
        try:
            for s in self.servers:
                s.start()
                started.append(s)
            self.capture = Capture(self.raw, self.interface, self.ns, self.tool, self.args)
        except BaseException:
            for s in started:
                s.stop()
            raise
        return self

    def __exit__(self, kind, *rest):
        try:
            if kind is None:
                self.capture.stop()
            else:
                self.capture.process.kill()
                self.capture.process.wait()
        finally:
            for s in self.servers:
                s.stop()
        if kind is not None:
            return
        self.check()
        if self.publish:
            shutil.copyfile(self.raw, f"{OUT}/{self.name}{self.suffix}")
            write_truth(self.name, self.truth)

    def check(self):
        """What was meant to be sent is what the servers say they were sent."""
        if not self.checked:
            return
        logs = [s.commands() for s in self.servers]
        if any(l is None for l in logs):
            return
        commands = [c for log in logs for c in log]
        verb = lambda c: c.split(" ")[0].upper()
        listings = sum(verb(c) in ("LIST", "NLST", "MLSD") for c in commands)
        moved = [c for c in commands if verb(c) in ("RETR", "STOR", "STOU", "APPE")]
        told = [(t["command"] + " " + (t.get("name") or "")).strip()
                for t in self.truth["transfers"] + self.truth.get("hidden_transfers", [])]
        if [c.strip() for c in moved] != told:
            raise RuntimeError(f"{self.name}: the server saw {moved}, the truth says {told}")
        if listings != self.truth["listings"] + self.truth.get("hidden_listings", 0):
            raise RuntimeError(f"{self.name}: the server saw {listings} listings")

    # what happened

    def session(self, login="accepted", user=USER, **more):
        self.truth["sessions"].append({"user": user, "login": login, **more})

    def transfer(self, command, name, path, body, outcome="complete", to="transfers", **more):
        t = {"command": command, "direction": "download" if command == "RETR" else "upload"}
        if isinstance(name, bytes):
            t["name_hex"] = name.hex()
        else:
            t["name"] = name
        t["path"] = path
        t["bytes"] = None if body is None else len(body)
        t["sha256"] = None if body is None else sha(body)
        t["outcome"] = outcome
        t.update(more)
        self.truth.setdefault(to, []).append(t)

    def down(self, name, disk=None, path=None, **more):
        self.transfer("RETR", name, path or "/" + name, on_client(disk or name), **more)

    def up(self, name, disk=None, path=None, command="STOR", **more):
        self.transfer(command, name, path or "/" + name, on_server(disk or name), **more)

    def refused(self, name, command="RETR", path=None, outcome="refused", **more):
        self.transfer(command, name, path or "/" + name, None, outcome, **more)


def write_truth(name, truth):
    with open(f"{OUT}/{name}.truth.json", "w") as f:
        json.dump(truth, f, indent=1, ensure_ascii=False)
        f.write("\n")


def connect(host=SERVER4, port=21, passive=True, encoding="utf-8", login=True, timeout=20, pwd=False):
    ftp = ftplib.FTP(encoding=encoding, timeout=timeout)
    ftp.connect(host, port)
    ftp.set_pasv(passive)
    if login:
        ftp.login(USER, PASSWORD)
    if pwd:
        ftp.pwd()
    return ftp


def fetch(ftp, name, disk=None, rest=None):
    mode = "ab" if rest else "wb"
    with open(disk or name, mode) as f:
        ftp.retrbinary("RETR " + name, f.write, rest=rest)


def send(ftp, disk, command, rest=None):
    with open(disk, "rb") as f:
        if rest:
            f.seek(rest)
        return ftp.storbinary(command, f, rest=rest)


SAMPLES = []
FILES = {}


def sample():
    """Registers a recorder."""
    def wrap(function):
        SAMPLES.append((function.__name__.replace("_", "-"), function))
        return function
    return wrap


def home(files):
    global FILES
    FILES = files


# -- textbook

def textbook_client():
    say = socket.create_connection(("127.0.0.10", 21))
    lines = say.makefile("rb")

    def ask(line):
        if line:
            say.sendall(line.encode() + b"\r\n")
        while True:
            answer = lines.readline().decode()
            if answer[3:4] == " ":
                return answer
    ask(None)
    ask("USER " + USER)
    ask("PASS " + PASSWORD)
    ask("TYPE I")
    for name in "f1.bin", "f2.txt":
        answer = ask("PASV")
        assert "(127,0,0,10,8,74)" in answer, answer
        data = socket.create_connection(("127.0.0.10", 2122))
        ask("RETR " + name)
        with open(name, "wb") as f:
            while True:
                block = data.recv(4096)
                if not block:
                    break
                f.write(block)
        data.close()
        ask(None)
        time.sleep(0.2)
    ask("QUIT")
    say.close()


@sample()
def textbook():
    home({"f1.bin": b"\x2a", "f2.txt": TXT})
    with Sample("textbook", "The plainest dialogue: one log-in, two downloads over PASV, both from the "
                "same server port 2122, on the loopback interface",
                Pyftpdlib(21, "127.0.0.10", "lonely", [2122], banner="Welcome to my FTP server."),
                ["socket"], interface="lo", ns="lonely") as s:
        client(textbook_client, ns="lonely")
        s.session()
        s.down("f1.bin")
        s.down("f2.txt")


# -- passive

@sample()
def passive():
    home({"f1.bin": b"\x00", "hello.txt": TXT, "table.csv": CSV, "dot.png": PNG, "things.zip": ZIP,
          "paper.pdf": PDF, "noise-20k.bin": noise("passive", 20480), "docs/deep/note.txt": text(5)})
    with Sample("passive", "Passive mode: several files in one session, a listing, a download that is "
                "refused (550); then the same server asked by two more clients, one with EPSV",
                Vsftpd(), ["lftp", "curl"]) as s:
        lftp("pwd; ls; get hello.txt; get table.csv; get dot.png; get missing.txt; "
             "get things.zip; cd docs/deep; get note.txt", ok=(0, 1))
        s.session()
        for n in "hello.txt", "table.csv", "dot.png":
            s.down(n)
        s.refused("missing.txt")
        s.down("things.zip")
        s.down("note.txt", path="/docs/deep/note.txt")
        curl("--disable-epsv", "-Q", "PWD", "-o", "listing", f"ftp://{SERVER4}/",
             f"ftp://{SERVER4}/paper.pdf", "-o", "paper.pdf",
             f"ftp://{SERVER4}/noise-20k.bin", "-o", "noise-20k.bin")
        s.session()
        s.down("paper.pdf")
        s.down("noise-20k.bin")
        curl(f"ftp://{SERVER4}/f1.bin", "-o", "f1.bin", f"ftp://{SERVER4}/docs/deep/note.txt", "-o", "note2.txt")
        s.session()
        s.down("f1.bin")
        s.down("note.txt", "note2.txt", path="/docs/deep/note.txt")
        s.truth["listings"] = 2


# -- active

def active_client():
    ftp = connect(passive=False, pwd=True)
    ftp.voidcmd("TYPE I")
    fetch(ftp, "table.csv")
    send(ftp, "up-30k.bin", "STOR up-30k.bin")
    ftp.nlst()
    ftp.quit()


@sample()
def active():
    home({"hello.txt": TXT, "table.csv": CSV, "noise-15k.bin": noise("active", 15000)})
    with Sample("active", "Active mode (PORT): the server connects from port 20 to the client, downloads "
                "and uploads; nanosecond time stamps",
                Vsftpd(connect_from_port_20="YES", ftp_data_port=20), ["tnftp", "ftplib"],
                args=["--time-stamp-precision=nano"]) as s:
        local("up.png", PNG)
        local("up-30k.bin", noise("active-up", 30000))
        tnftp("epsv4 off\nbinary\ndir\nget noise-15k.bin\nput up.png\nget hello.txt", "-A")
        s.session()
        s.down("noise-15k.bin")
        s.up("up.png")
        s.down("hello.txt")
        client(active_client)
        s.session()
        s.down("table.csv")
        s.up("up-30k.bin")
        s.truth["listings"] = 2


# -- dos-listing

class IisStyle(Pyftpdlib):
    """pyftpdlib with the system, the greeting and the listings of Microsoft's FTP service.

    The line is IIS's: `02-29-24  12:00PM       <DIR>          name`, the size of a file
    right-aligned in the same 20 columns; the names of a directory come sorted.
    """

    def serve(self):
        from pyftpdlib.filesystems import AbstractedFS

        class Disk(AbstractedFS):
            def format_list(self, basedir, listing, ignore_err=True):
                for name in listing:
                    there = os.lstat(os.path.join(basedir, name))
                    when = time.strftime("%m-%d-%y  %I:%M%p", time.gmtime(there.st_mtime))
                    size = "%20d" % there.st_size
                    if os.path.isdir(os.path.join(basedir, name)):
                        size = "       <DIR>         "
                    yield f"{when} {size} {name}\r\n".encode("utf-8")

        self.handler.update(
            abstracted_fs=Disk, banner="Microsoft FTP Service",
            ftp_SYST=lambda handler, line: handler.respond("215 Windows_NT"))
        super().serve()


@sample()
def dos_listing():
    names = {"Quarterly report.pdf": PDF, "README.TXT": TXT, "big.bin": noise("dos", 65432),
             "empty.log": b"", "Program Files/tool.zip": ZIP, "Program Files/data/table.csv": CSV}
    home(names)
    with Sample("dos-listing", "Listings as Microsoft's FTP service writes them (SYST says Windows_NT), by "
                "a server that was told to; directories and names with blanks, downloads and an upload",
                IisStyle(), ["lftp", "curl"]) as s:
        local("up.png", PNG)
        entries = {folder: listing_truth(folder) for folder in ("", "Program Files")}
        lftp("pwd; ls; get README.TXT; get 'Quarterly report.pdf'; cd 'Program Files'; ls; get tool.zip; "
             "cd /; put up.png")
        s.session()
        s.down("README.TXT")
        s.down("Quarterly report.pdf")
        s.down("tool.zip", path="/Program Files/tool.zip")
        s.up("up.png")
        curl("--disable-epsv", "-Q", "SYST", f"ftp://{SERVER4}/big.bin", "-o", "big.bin")
        s.session()
        s.down("big.bin")
        s.truth["listings"] = 2
        s.truth["entries"] = [entries[""], entries["Program Files"]]


def listing_truth(folder):
    """What lies in a folder of the server's disk, in the order of a listing."""
    folder = os.path.join(HOME, folder)
    found = []
    for name in sorted(os.listdir(folder)):
        there = os.lstat(os.path.join(folder, name))
        is_folder = os.path.isdir(os.path.join(folder, name))
        found.append({"name": name, "kind": "directory" if is_folder else "file",
                      "size": None if is_folder else there.st_size,
                      "modified": time.strftime("%Y-%m-%dT%H:%M", time.gmtime(there.st_mtime))})
    return found


# -- ipv6

def ipv6_client():
    ftp = connect(SERVER6, passive=False)
    fetch(ftp, "hello.txt")
    send(ftp, "up.csv", "STOR up.csv")
    ftp.set_pasv(True)
    fetch(ftp, "dot.png")
    ftp.quit()


@sample()
def ipv6():
    home({"hello.txt": TXT, "dot.png": PNG, "noise-12k.bin": noise("ipv6", 12000), "things.zip": ZIP})
    with Sample("ipv6", "FTP over IPv6: EPSV and EPRT, downloads and an upload; written by dumpcap as pcapng",
                Proftpd(v6=True, host=None), ["curl", "ftplib"], tool="dumpcap", suffix=".pcapng") as s:
        local("up.csv", CSV)
        curl(f"ftp://[{SERVER6}]/", "-o", "listing", f"ftp://[{SERVER6}]/noise-12k.bin", "-o", "noise-12k.bin")
        s.session()
        s.down("noise-12k.bin")
        curl("--ftp-port", "-", f"ftp://[{SERVER6}]/things.zip", "-o", "things.zip")
        s.session()
        s.down("things.zip")
        client(ipv6_client)
        s.session()
        s.down("hello.txt")
        s.up("up.csv")
        s.down("dot.png")
        s.truth["listings"] = 1
    anonymise(OUT + "/ipv6.pcapng")


def anonymise(path):
    """Takes machine, system and program names out of a pcapng's section header."""
    blocks, pos, raw = [], 0, read(path)
    while pos < len(raw):
        kind, length = struct.unpack_from("<II", raw, pos)
        block = raw[pos:pos + length]
        if kind == 0x0A0D0D0A:
            option = struct.pack("<HH", 4, 7) + b"dumpcap\0" + struct.pack("<HH", 0, 0)
            n = 24 + len(option) + 4
            block = struct.pack("<II", kind, n) + block[8:24] + option + struct.pack("<I", n)
        elif kind == 1:     # interface: drop if_os (12)
            head, opts, p = block[8:16], b"", 16
            while p + 4 <= length - 4:
                code, size = struct.unpack_from("<HH", block, p)
                whole = block[p:p + 4 + (size + 3) // 4 * 4]
                if code != 12:
                    opts += whole
                p += len(whole)
            n = 12 + len(head) + len(opts)
            block = struct.pack("<II", kind, n) + head + opts + struct.pack("<I", n)
        blocks.append(block)
        pos += length
    with open(path, "wb") as f:
        f.write(b"".join(blocks))


# -- upload

def upload_client():
    ftp = connect(pwd=True)
    send(ftp, "report.pdf", "STOR report.pdf")
    ftp.mkd("inbox")
    ftp.cwd("inbox")
    send(ftp, "log-1.txt", "STOR log.txt")
    send(ftp, "log-2.txt", "APPE log.txt")
    before = set(os.listdir(HOME + "/inbox"))
    send(ftp, "unique.bin", "STOU")
    made = set(os.listdir(HOME + "/inbox")) - before
    ftp.rename("log.txt", "log-old.txt")
    send(ftp, "report.pdf", "STOR temporary.pdf")
    temporary = on_server("inbox/temporary.pdf")    # while it is there
    ftp.delete("temporary.pdf")
    ftp.cwd("..")
    ftp.retrlines("LIST inbox", lambda line: None)
    ftp.quit()
    return made.pop(), temporary


@sample()
def upload():
    home({"readme.txt": text(3)})
    for name, server, what in (
            ("upload", PureFtpd(), "Uploads: STOR, APPE, STOU, with MKD, CWD, RNFR/RNTO and DELE"),
            ("upload-vsftpd", Vsftpd(), "The dialogue of upload.pcap with another server (its own words for STOU)"),
            ("upload-proftpd", Proftpd(), "The dialogue of upload.pcap with another server (its own words for STOU)")):
        with Sample(name, what, server, ["ftplib"]) as s:
            local("report.pdf", PDF)
            local("log-1.txt", text(20))
            local("log-2.txt", text(9, " (2)\n"))
            local("unique.bin", noise("unique", 7777))
            made, temporary = client(upload_client)
            s.session()
            first = len(text(20))
            log = on_server("inbox/log-old.txt")
            s.up("report.pdf")
            s.transfer("STOR", "log.txt", "/inbox/log.txt", log[:first], note="later renamed to /inbox/log-old.txt")
            s.transfer("APPE", "log.txt", "/inbox/log.txt", log[first:], offset=first)
            s.transfer("STOU", "", "/inbox/" + made, on_server("inbox/" + made), stored_as=made)
            s.transfer("STOR", "temporary.pdf", "/inbox/temporary.pdf", temporary, note="later deleted")
            s.truth["listings"] = 1


# -- mirror

@sample()
def mirror():
    files = {"tree/" + n: b for n, b in {
        "index.txt": text(8), "table.csv": CSV, "dot.png": PNG, "a/one.bin": noise("m1", 1),
        "a/two.bin": noise("m2", 1000), "a/three.bin": noise("m3", 5000), "a/deep/four.bin": noise("m4", 14480),
        "a/deep/five.bin": noise("m5", 2048), "a/deep/er/six.bin": noise("m6", 3333),
        "b/things.zip": ZIP, "b/paper.pdf": PDF, "b/seven.bin": noise("m7", 25000),
        "b/eight.bin": noise("m8", 8192), "c d/with space.txt": text(12), "c d/nine.bin": noise("m9", 65536),
    }.items()}
    home(files)
    server = Vsftpd()
    with Sample("mirror", "A recursive mirror with three transfers at a time over several sessions, "
                "sub-directories", server, ["lftp"]) as s:
        lftp("mirror --parallel=3 /tree tree")
        time.sleep(1)
        log = server.log()
        for _ in re.findall(r"OK LOGIN", log):
            s.session()
        assert len(s.truth["sessions"]) == len(re.findall(r" CONNECT: ", log))
        paths = dict((p.rsplit("/", 1)[1], p) for p in re.findall(r'OK DOWNLOAD: Client "[^"]*", "([^"]*)"', log))
        assert len(paths) == len(files), paths
        for c in server.commands():
            if c.startswith("RETR "):
                path = paths[c[5:].rsplit("/", 1)[-1]]
                s.down(c[5:], path.lstrip("/"), path=path)
            s.truth["listings"] += c.split()[0] in ("LIST", "NLST", "MLSD")
        s.truth["note"] = ("The order of the transfers is that of the server's log; the sessions overlap, "
                           "so neighbours of different sessions may stand the other way round in the capture")


# -- resume

@sample()
def resume():
    home({"big.bin": noise("big", 90000), "second.bin": noise("second", 50000)})
    server = Vsftpd(local_max_rate=40000, trans_chunk_size=8192, use_sendfile="NO")
    with Sample("resume", "A download broken off when the client is killed, and resumed with REST; a second "
                "one resumed by another client; an upload resumed with APPE and one with REST + STOR",
                server, ["curl", "lftp"]) as s:
        p = popen("curl", "-sS", "-N", "-u", f"{USER}:{PASSWORD}", f"ftp://{SERVER4}/big.bin", "-o", "big.bin")
        for _ in range(200):
            time.sleep(0.05)
            if os.path.exists(VISITOR + "/big.bin") and os.path.getsize(VISITOR + "/big.bin") > 30000:
                break
        p.kill()
        p.wait()
        time.sleep(1)
        have = on_client("big.bin")
        s.session()
        s.transfer("RETR", "big.bin", "/big.bin", None, "aborted", disk_bytes=len(have), disk_sha256=sha(have),
                   note="disk_* is what the killed client had on its disk; a little more may have been sent")
        curl("-C", "-", f"ftp://{SERVER4}/big.bin", "-o", "big.bin")
        s.session()
        whole = on_client("big.bin")
        s.transfer("RETR", "big.bin", "/big.bin", whole[len(have):], offset=len(have),
                   whole_bytes=len(whole), whole_sha256=sha(whole))
        local("second.bin", noise("second", 50000)[:20001])
        lftp("get -c second.bin")
        s.session()
        whole = on_client("second.bin")
        s.transfer("RETR", "second.bin", "/second.bin", whole[20001:], offset=20001,
                   whole_bytes=len(whole), whole_sha256=sha(whole))
        up = noise("up", 20000)
        local("up.bin", up)
        for name in "up.bin", "up2.bin":
            put(name, up[:12000])
            os.chown(f"{HOME}/{name}", 4321, 4321)
        curl("-C", "-", "-T", "up.bin", f"ftp://{SERVER4}/up.bin")
        s.session()
        s.transfer("APPE", "up.bin", "/up.bin", on_server("up.bin")[12000:], offset=12000,
                   whole_bytes=len(on_server("up.bin")), whole_sha256=sha(on_server("up.bin")))
        lftp("put -c up.bin -o up2.bin")
        s.session()
        s.transfer("STOR", "up2.bin", "/up2.bin", on_server("up2.bin")[12000:], offset=12000,
                   whole_bytes=len(on_server("up2.bin")), whole_sha256=sha(on_server("up2.bin")))


# -- ascii

def ascii_client():
    ftp = connect()
    ftp.voidcmd("TYPE A")
    data = ftp.transfercmd("RETR notes.txt")    # kept as it came, with CR LF
    with open("notes-crlf.txt", "wb") as f:
        while True:
            block = data.recv(8192)
            if not block:
                break
            f.write(block)
    data.close()
    ftp.voidresp()
    with open("letter.txt", "rb") as f:
        ftp.storlines("STOR letter.txt", f)     # sends CR LF
    with open("letter.txt", "rb") as f:
        ftp.storbinary("STOR letter-bin.txt", f)
    ftp.quit()


@sample()
def ascii():
    home({"notes.txt": text(30), "plain.csv": CSV})
    for name, server in (("ascii", Proftpd()),
                         ("ascii-vsftpd", Vsftpd(ascii_download_enable="YES", ascii_upload_enable="YES"))):
        with Sample(name, "TYPE A: text downloaded and uploaded through a server that converts line ends, "
                    "by a client that keeps CR LF and by one that converts, and one binary upload", server,
                    ["ftplib", "tnftp"]) as s:
            local("letter.txt", text(25))
            local("memo.txt", text(15))
            client(ascii_client)
            s.session()
            s.down("notes.txt", "notes-crlf.txt", type="A")
            disk = on_server("letter.txt")
            s.transfer("STOR", "letter.txt", "/letter.txt", None, type="A", disk_bytes=len(disk), disk_sha256=sha(disk))
            s.up("letter-bin.txt")
            tnftp("epsv4 off\npassive on\nascii\nget notes.txt\nput memo.txt")
            s.session()
            disk = on_client("notes.txt")
            s.transfer("RETR", "notes.txt", "/notes.txt", None, type="A", disk_bytes=len(disk), disk_sha256=sha(disk))
            disk = on_server("memo.txt")
            s.transfer("STOR", "memo.txt", "/memo.txt", None, type="A", disk_bytes=len(disk), disk_sha256=sha(disk))


# -- names

CYRILLIC = "отчёт.txt".encode("cp1251")
LATIN = "été à Besançon.csv".encode("latin-1")


def names_client():
    ftp = connect()
    ftp.cwd("My Documents")
    ftp.pwd()
    for name in ('say "hi".txt', "résumé – 履歴書.pdf", "  two leading blanks.bin"):
        fetch(ftp, name, name.strip())
    ftp.mkd('a "quoted" folder')
    ftp.cwd('a "quoted" folder')
    ftp.pwd()
    send(ftp, "up file.png", "STOR up file.png")
    ftp.quit()
    ftp = connect(encoding="cp1251")
    ftp.cwd("/My Documents")
    fetch(ftp, "отчёт.txt", "cyrillic")
    ftp.quit()
    ftp = connect(encoding="latin-1")
    fetch(ftp, "/My Documents/été à Besançon.csv", "latin")
    send(ftp, "up file.png", "STOR Größe.png")
    ftp.retrlines("NLST", lambda line: None)
    ftp.quit()


@sample()
def names():
    folder = b"My Documents/"
    home({folder + b'say "hi".txt': text(4), folder + "résumé – 履歴書.pdf".encode(): PDF,
          folder + b"  two leading blanks.bin": noise("blanks", 500), folder + CYRILLIC: text(6),
          folder + LATIN: CSV})
    with Sample("names", "Names with blanks, quotes, UTF-8, and the raw bytes of Windows-1251 and Latin-1; pcapng",
                Vsftpd(), ["ftplib"]) as s:
        local("up file.png", PNG)
        client(names_client)
        s.checked = False
        s.session()
        for n in ('say "hi".txt', "résumé – 履歴書.pdf", "  two leading blanks.bin"):
            s.down(n, n.strip(), path="/My Documents/" + n)
        s.up("up file.png", 'My Documents/a "quoted" folder/up file.png',
             path='/My Documents/a "quoted" folder/up file.png')
        s.session()
        s.transfer("RETR", CYRILLIC, None, on_client("cyrillic"), path_hex=(b"/" + folder + CYRILLIC).hex(),
                   means="отчёт.txt in Windows-1251")
        s.session()
        s.transfer("RETR", b"/" + folder + LATIN, None, on_client("latin"), path_hex=(b"/" + folder + LATIN).hex(),
                   means="été à Besançon.csv in Latin-1")
        name = "Größe.png".encode("latin-1")
        s.transfer("STOR", name, None, on_server(name), path_hex=(b"/" + name).hex(), means="Größe.png in Latin-1")
        s.truth["listings"] = 1
        s.truth["files"] = ["names.pcapng"]
        s.publish = False
    run("editcap", "-F", "pcapng", s.raw, OUT + "/names.pcapng")
    anonymise(OUT + "/names.pcapng")
    write_truth("names", s.truth)


# -- port2121

def http_server():
    import http.server

    class Handler(http.server.SimpleHTTPRequestHandler):
        server_version, sys_version = "LabHTTP/1", ""

        def log_message(self, *args):
            pass
    os.chdir(HOME)
    http.server.ThreadingHTTPServer((SERVER4, 8080), Handler).serve_forever()


def mail_server():
    hear = socket.create_server((SERVER4, 2525))
    while True:
        s, _ = hear.accept()
        f = s.makefile("rb")
        s.sendall(b"220 mail.lab.example ESMTP ready\r\n")
        data = False
        for line in f:
            word = line.strip().upper()
            if data:
                if word == b".":
                    data = False
                    s.sendall(b"250 2.0.0 queued\r\n")
            elif word.startswith(b"EHLO"):
                s.sendall(b"250-mail.lab.example\r\n250-SIZE 1000000\r\n250 8BITMIME\r\n")
            elif word == b"DATA":
                data = True
                s.sendall(b"354 go ahead\r\n")
            elif word == b"QUIT":
                s.sendall(b"221 bye\r\n")
                break
            else:
                s.sendall(b"250 ok\r\n")
        s.close()


def mail_client():
    import smtplib
    m = smtplib.SMTP(SERVER4, 2525, local_hostname="client.lab.example")
    m.sendmail("a@lab.example", ["b@lab.example"],
               "Subject: files\r\n\r\nUSER the attached list\r\nRETR nothing\r\nSTOR everything\r\n")
    m.quit()


def port2121_client():
    ftp = connect(port=2121)
    fetch(ftp, "noise-40k.bin")
    time.sleep(0.5)
    send(ftp, "up.csv", "STOR up.csv")
    list(ftp.mlsd())
    ftp.quit()


@sample()
def port2121():
    home({"noise-40k.bin": noise("p2121", 40000), "page.html": b"<html>" + text(60) + b"</html>",
          "web.bin": noise("web", 30000)})
    with Sample("port2121", "The control connection on port 2121 amid other traffic: an HTTP download and a mail "
                "server that also greets with 220", Pyftpdlib(2121), ["ftplib"]) as s:
        others = [Child("server", http_server), Child("server", mail_server)]
        time.sleep(0.5)
        local("up.csv", CSV)
        ftp = Child("client", port2121_client)
        curl(f"http://{SERVER4}:8080/page.html", "-o", "page.html")
        curl("--limit-rate", "40k", f"http://{SERVER4}:8080/web.bin", "-o", "web.bin")
        client(mail_client)
        ftp.result()
        for o in others:
            o.stop()
        s.session(port=2121)
        s.down("noise-40k.bin")
        s.up("up.csv")
        s.truth["listings"] = 1


# -- encrypted

TLS = dict(ssl_enable="YES", rsa_cert_file="", rsa_private_key_file="", require_ssl_reuse="NO",
           allow_anon_ssl="NO", ssl_ciphers="HIGH")


def tls(**more):
    return dict(TLS, rsa_cert_file=WORK + "/cert.pem", rsa_private_key_file=WORK + "/key.pem", **more)


@sample()
def ftps_explicit():
    home({"secret.txt": TXT, "noise-9k.bin": noise("tls", 9000)})
    with Sample("ftps-explicit", "AUTH TLS before the log-in, PROT P: control and data encrypted",
                Vsftpd(**tls()), ["curl", "lftp"]) as s:
        local("up.png", PNG)
        curl("--ssl-reqd", "-k", f"ftp://{SERVER4}/secret.txt", "-o", "secret.txt",
             f"ftp://{SERVER4}/noise-9k.bin", "-o", "noise-9k.bin")
        s.session("encrypted", None, hidden_user=USER)
        s.transfer("RETR", "secret.txt", "/secret.txt", on_client("secret.txt"), "encrypted", "hidden_transfers")
        s.transfer("RETR", "noise-9k.bin", "/noise-9k.bin", on_client("noise-9k.bin"), "encrypted", "hidden_transfers")
        lftp("set ssl:verify-certificate no; set ftp:ssl-force yes; set ftp:ssl-protect-data yes; ls; put up.png")
        s.session("encrypted", None, hidden_user=USER)
        s.transfer("STOR", "up.png", "/up.png", on_server("up.png"), "encrypted", "hidden_transfers")
        s.truth["hidden_listings"] = 1


@sample()
def ftps_implicit():
    home({"secret.txt": TXT})
    with Sample("ftps-implicit", "Implicit TLS on port 990: nothing of the dialogue is in the clear",
                Vsftpd(990, **tls(implicit_ssl="YES")), ["curl"]) as s:
        curl("-k", f"ftps://{SERVER4}/secret.txt", "-o", "secret.txt")
        s.session("encrypted", None, hidden_user=USER, port=990)
        s.transfer("RETR", "secret.txt", "/secret.txt", on_client("secret.txt"), "encrypted", "hidden_transfers")


# -- private227

@sample()
def private227():
    home({"hello.txt": TXT, "noise-10k.bin": noise("227", 10000), "paper.pdf": PDF})
    with Sample("private227", "The server announces a private address (192.168.77.5) in 227; the clients connect to the "
                "server's real address", Vsftpd(pasv_address="192.168.77.5"), ["lftp", "curl", "ftplib"]) as s:
        lftp("ls; get hello.txt")
        s.session()
        s.down("hello.txt")
        curl("--disable-epsv", f"ftp://{SERVER4}/noise-10k.bin", "-o", "noise-10k.bin")
        s.session()
        s.down("noise-10k.bin")

        def third():
            ftp = connect()
            fetch(ftp, "paper.pdf")
            ftp.quit()
        client(third)
        s.session()
        s.down("paper.pdf")
        s.truth["listings"] = 1


# -- aborted

def aborted_client(how):
    ftp = connect()
    ftp.voidcmd("TYPE I")
    data = ftp.transfercmd("RETR large.bin")
    with open(how, "wb") as f:
        while f.tell() < 25000:
            f.write(data.recv(4096))
        if how == "abor":
            # Telnet IP and Synch first, as RFC 959 has it (vsftpd takes no other)
            ftp.sock.send(b"\xff\xf4\xff", socket.MSG_OOB)
            ftp.sock.send(b"\xf2ABOR\r\n")
            while True:     # what was on its way
                try:
                    block = data.recv(4096)
                except ConnectionResetError:
                    break
                if not block:
                    break
                f.write(block)
    data.close()
    said = []
    for timeout in 4, 1.5:
        ftp.sock.settimeout(timeout)
        try:
            said.append(ftp.getmultiline())
        except OSError:
            # the reader is of no use after a time-out
            ftp.file = ftp.sock.makefile("r", encoding=ftp.encoding)
            break
    ftp.sock.settimeout(20)
    fetch(ftp, "small.txt", how + "-small.txt")
    ftp.quit()
    return said


@sample()
def aborted():
    home({"large.bin": noise("large", 300000), "small.txt": text(4)})
    programs = (("aborted", lambda: Vsftpd(local_max_rate=40000, trans_chunk_size=4096, use_sendfile="NO",
                                           async_abor_enable="YES")),
                ("aborted-proftpd", lambda: Proftpd(extra="TransferRate RETR 40")))
    for name, server in programs:
        with Sample(name, "Downloads broken off in the middle: the client closes the data connection, then (second "
                    "session) it sends ABOR; after each the session goes on", server(), ["ftplib"]) as s:
            for how in "close", "abor":
                said = client(aborted_client, how)
                s.session()
                got = on_client(how)
                if how == "close":
                    s.transfer("RETR", "large.bin", "/large.bin", None, "aborted", disk_bytes=len(got),
                               disk_sha256=sha(got), true_bytes=300000,
                               note="disk_* is what the client had taken when it closed; more was on its way")
                else:
                    s.transfer("RETR", "large.bin", "/large.bin", got, "aborted", true_bytes=300000)
                s.down("small.txt", how + "-small.txt")
                s.truth["transfers"][-2]["replies"] = said


# -- failed-login

def failed_client():
    ftp = connect(login=False)
    try:
        ftp.login(USER, "wrong-guess")
    except ftplib.error_perm:
        pass
    ftp.close()
    ftp = connect()
    fetch(ftp, "hello.txt")
    ftp.quit()


@sample()
def failed_login():
    home({"hello.txt": TXT})
    with Sample("failed-login", "A wrong password (530), then a good log-in in a second session", Vsftpd(), ["ftplib"]) as s:
        client(failed_client)
        s.session("refused")
        s.session()
        s.down("hello.txt")


# -- zero

def zero_client():
    ftp = connect()
    fetch(ftp, "nothing.dat")
    send(ftp, "void.dat", "STOR void.dat")
    fetch(ftp, "one.dat")
    ftp.quit()


@sample()
def zero():
    home({"nothing.dat": b"", "one.dat": b"1"})
    for name, server in (("zero", Vsftpd()), ("zero-proftpd", Proftpd())):
        with Sample(name, "Files of no bytes, down and up, and one of one byte", server, ["ftplib", "curl"]) as s:
            local("void.dat", b"")
            client(zero_client)
            s.session()
            s.down("nothing.dat")
            s.up("void.dat")
            s.down("one.dat")
            curl(f"ftp://{SERVER4}/nothing.dat", "-o", "nothing2.dat", ok=(0,))
            s.session()
            # curl makes no file for no bytes
            s.transfer("RETR", "nothing.dat", "/nothing.dat",
                       on_client("nothing2.dat") if os.path.exists(VISITOR + "/nothing2.dat") else b"")


# -- passive-filtered

def filtered_client():
    ftp = connect(timeout=3)
    ftp.pwd()
    for command in "LIST", "RETR hello.txt":
        try:
            ftp.voidcmd("TYPE I")
            ftp.transfercmd(command)
        except OSError:
            pass
    ftp.quit()


def eager_client():
    ftp = connect()
    ftp.voidcmd("TYPE I")
    replies = []
    for command in "LIST", "RETR hello.txt":
        where = ftplib.parse227(ftp.sendcmd("PASV"))
        data = socket.socket()
        data.setblocking(False)
        data.connect_ex(where)
        ftp.putcmd(command)
        replies.append(ftp.getmultiline())
        data.close()
    ftp.quit()
    return replies


@sample()
def passive_filtered():
    home({"hello.txt": TXT})
    sh("nft add table ip wall; nft 'add chain ip wall f { type filter hook forward priority 0; }';"
       "nft add rule ip wall f tcp dport 50000-50100 drop")
    try:
        with Sample("passive-filtered", "The passive port range is dropped on the way: no data connection comes about, the "
                    "clients give up; pcapng",
                    Vsftpd(accept_timeout=5), ["ftplib", "curl"], options=["nftables: drop tcp dport 50000-50100"]) as s:
            client(filtered_client)
            s.session()
            curl("--disable-epsv", "--connect-timeout", "3", "--max-time", "5", f"ftp://{SERVER4}/hello.txt", "-o",
                 "x", ok=(28,))
            s.session()
            s.checked = False
            s.truth["note"] = ("The clients ask for a data connection, the SYNs stay unanswered, and LIST or RETR is never sent")
            s.truth["files"] = ["passive-filtered.pcapng"]
            s.publish = False
        run("editcap", "-F", "pcapng", s.raw, OUT + "/passive-filtered.pcapng")
        anonymise(OUT + "/passive-filtered.pcapng")
        write_truth("passive-filtered", s.truth)
        with Sample("passive-filtered-eager", "The same filter and a client that sends LIST and RETR without waiting for the "
                    "data connection: the commands hang until the server gives up (425)",
                    Vsftpd(accept_timeout=3), ["ftplib"], options=["nftables: drop tcp dport 50000-50100"]) as s:
            replies = client(eager_client)
            s.session()
            s.refused("hello.txt", outcome="no_connection", replies=replies[1:])
            s.truth["listings"] = 1
    finally:
        sh("nft delete table ip wall")


# -- active-nat

def nat_client(commands):
    ftp = connect(passive=False, timeout=15)
    ftp.voidcmd("TYPE I")
    for c in commands:
        try:
            ftp.transfercmd(c)
        except ftplib.Error:
            pass
    ftp.quit()


def nat_port_client():
    """PORT and RETR without waiting for a good answer to PORT."""
    ftp = connect(timeout=15)
    ftp.voidcmd("TYPE I")
    for c in "PORT 10,66,1,2,156,65", "RETR hello.txt":
        try:
            ftp.sendcmd(c)
        except ftplib.Error:
            pass
    ftp.quit()


@sample()
def active_nat():
    home({"hello.txt": TXT, "noise-5k.bin": noise("nat", 5000)})
    sh("nft add table ip nat; nft 'add chain ip nat out { type nat hook postrouting priority 100; }';"
       "nft add rule ip nat out oifname s0 masquerade;"
       "nft 'add chain ip nat f { type filter hook forward priority 0; }';"
       "nft add rule ip nat f iifname s0 ct state new drop")
    nat = ["nftables: masquerade, no FTP helper; new connections from outside dropped"]
    try:
        with Sample("active-nat", "A client behind address translation uses PORT with its private address: the server "
                    "refuses the command; the second client then turns to passive mode",
                    Vsftpd(), ["ftplib", "lftp"], options=nat, interface="s0") as s:
            client(nat_port_client)
            s.session()
            s.refused("hello.txt", outcome="no_connection", note="425, since PORT had been refused")
            lftp("set ftp:passive-mode off; set net:timeout 6; get noise-5k.bin")
            time.sleep(0.5)
            for _ in re.findall(" CONNECT: ", s.servers[0].log())[1:]:
                s.session()     # lftp breaks off and connects anew
            s.down("noise-5k.bin")
        with Sample("active-nat-blocked", "A client behind address translation uses PORT with its private address: the "
                    "server accepts the foreign address and tries in vain to connect (425)",
                    Vsftpd(port_promiscuous="YES", connect_timeout=4), ["ftplib"], options=nat, interface="s0") as s:
            client(nat_client, ["LIST", "RETR hello.txt"])
            s.session()
            s.refused("hello.txt", outcome="no_connection")
            s.truth["listings"] = 1
    finally:
        sh("nft delete table ip nat")


# -- more

@sample()
def office():
    home({"docs/paper.pdf": PDF, "docs/table.csv": CSV, "docs/dot.png": PNG})
    with Sample("office", "NcFTP fetching and sending files of common kinds (PDF, CSV, PNG, ZIP); gzip-compressed capture",
                Proftpd(), ["ncftp"], publish=False) as s:
        s.checked = False
        local("up/things.zip", ZIP)
        local("up/hello.txt", TXT)
        run("ncftpget", "-V", "-u", USER, "-p", PASSWORD, SERVER4, VISITOR, "docs/paper.pdf", "docs/table.csv", "docs/dot.png")
        run("ncftpput", "-V", "-u", USER, "-p", PASSWORD, SERVER4, "docs", "up/things.zip", "up/hello.txt")
        s.session()
        s.session()
        downs = iter(("docs/paper.pdf", "docs/table.csv", "docs/dot.png"))
        for c in s.servers[0].commands():
            verb, _, name = c.partition(" ")
            if verb == "RETR":
                s.down(name, os.path.basename(name), path="/docs/" + os.path.basename(name))
            elif verb == "STOR":
                s.up(name, "docs/" + os.path.basename(name), path="/docs/" + os.path.basename(name))
            s.truth["listings"] += verb in ("LIST", "NLST", "MLSD")
    with open(OUT + "/office.pcap.gz", "wb") as f:
        with gzip.GzipFile("office.pcap", "wb", 9, f, mtime=WHEN) as z:
            z.write(read(s.raw))
    s.truth["files"] = ["office.pcap.gz"]
    write_truth("office", s.truth)


def four_client():
    for i in 21, 22, 23, 24:
        ftp = connect(f"203.0.113.{i}", pwd=True)
        for c in "SYST", "FEAT", "SIZE hello.txt", "MDTM hello.txt", "NOOP", "SITE HELP", "XYZZY":
            try:
                ftp.sendcmd(c)
            except ftplib.Error:
                pass
        ftp.retrlines("LIST", lambda line: None)
        fetch(ftp, "hello.txt", f"hello-{i}.txt")
        try:
            fetch(ftp, "missing.txt")
        except ftplib.Error:
            pass
        send(ftp, "up.png", f"STOR up-{i}.png")
        before = set(os.listdir(HOME))
        send(ftp, "up.png", "STOU")
        made = (set(os.listdir(HOME)) - before).pop()
        os.rename(f"{HOME}/{made}", f"{HOME}/stou-{i}")
        with open(f"made-{i}", "w") as f:
            f.write(made)
        ftp.quit()


@sample()
def four_servers():
    home({"hello.txt": TXT})
    with Sample("four-servers", "One and the same dialogue with four servers: how each of them words its replies",
                [Vsftpd(host="203.0.113.21"), Proftpd(host="203.0.113.22"), PureFtpd(21, "203.0.113.23"),
                 Pyftpdlib(host="203.0.113.24")], ["ftplib"]) as s:
        local("up.png", PNG)
        client(four_client)
        for i in 21, 22, 23, 24:
            s.session(server=f"203.0.113.{i}")
            base = "/"
            s.down("hello.txt", f"hello-{i}.txt", path=base + "hello.txt")
            s.refused("missing.txt", path=base + "missing.txt")
            s.up(f"up-{i}.png", path=base + f"up-{i}.png")
            made = on_client(f"made-{i}").decode()
            s.transfer("STOU", "", base + made, on_server(f"stou-{i}"), stored_as=made)
        s.truth["listings"] = 4


@sample()
def cooked():
    home({"hello.txt": TXT, "noise-8k.bin": noise("cooked", 8000)})
    with Sample("cooked", "Recorded on all interfaces of the router at once (Linux cooked, \"-i any\"): every packet is "
                "there twice", Vsftpd(chroot_local_user="NO"), ["curl"], interface="any",
                args=["not", "port", "5353"]) as s:
        curl(f"ftp://{SERVER4}/", "-o", "listing", f"ftp://{SERVER4}/hello.txt", "-o", "hello.txt",
             f"ftp://{SERVER4}/noise-8k.bin", "-o", "noise-8k.bin")
        s.session()
        s.down("hello.txt", path=HOME + "/hello.txt")
        s.down("noise-8k.bin", path=HOME + "/noise-8k.bin")
        s.truth["listings"] = 1


@sample()
def lossy_link():
    home({"noise-60k.bin": noise("lossy", 60000)})
    sh("nft add table ip bad; nft 'add chain ip bad f { type filter hook forward priority 0; }';"
       "nft 'add rule ip bad f ct state established numgen inc mod 11 == 7 drop'")
    try:
        with Sample("lossy-link", "A link that loses packets, recorded before the loss: retransmissions in both directions",
                    Vsftpd(), ["curl"], options=["nftables: every 11th packet dropped after the recording point"],
                    interface="s0") as s:
            local("up-30k.bin", noise("lossy-up", 30000))
            curl(f"ftp://{SERVER4}/noise-60k.bin", "-o", "noise-60k.bin")
            s.session()
            s.down("noise-60k.bin")
            curl("-T", "up-30k.bin", f"ftp://{SERVER4}/up-30k.bin")
            s.session()
            s.up("up-30k.bin")
    finally:
        sh("nft delete table ip bad")


@sample()
def snaplen():
    home({"hello.txt": TXT, "noise-8k.bin": noise("snap", 8000)})
    with Sample("snaplen", "Recorded with a snap length of 140 bytes: the dialogue is whole, the data packets are cut",
                Vsftpd(), ["curl"], options=["tcpdump -s 140"], args=["-s", "140"]) as s:
        curl("--disable-epsv", f"ftp://{SERVER4}/hello.txt", "-o", "hello.txt",
             f"ftp://{SERVER4}/noise-8k.bin", "-o", "noise-8k.bin")
        s.session()
        note = "bytes and sha256 are those of the whole file; the capture holds only the head of each packet"
        s.down("hello.txt", outcome="gaps", note=note)
        s.down("noise-8k.bin", outcome="gaps", note=note)


def fxp_client():
    a, b = connect(SERVER4), connect(PEER4)
    for source, sink, name in (a, b, "a-to-b.bin"), (b, a, "b-to-a.bin"):
        for f in source, sink:
            f.voidcmd("TYPE I")
        where = ftplib.parse227(a.sendcmd("PASV"))      # a always waits, b always connects
        b.sendport(*where)
        sink.putcmd("STOR in/" + name)
        source.putcmd("RETR out/" + name)
        for f in sink, source:
            assert f.getresp()[0] == "1"
        for f in sink, source:
            f.voidresp()
    a.quit()
    b.quit()


@sample()
def fxp():
    home({"out/a-to-b.bin": noise("fxp-a", 9000), "out/b-to-a.bin": noise("fxp-b", 6000), "in/.keep": b""})
    servers = [Vsftpd(pasv_promiscuous="YES"), Vsftpd(host=PEER4, ns="peer", port_promiscuous="YES")]
    with Sample("fxp", "Server to server: the client tells two servers to exchange files (PASV here, PORT there); "
                "recorded before the first server, so the second one's control connection is not seen and the "
                "data connections come from an address that is not the client's",
                servers, ["ftplib"], interface="s0") as s:
        s.checked = False
        client(fxp_client)
        s.session()
        s.transfer("RETR", "out/a-to-b.bin", "/out/a-to-b.bin", on_server("in/a-to-b.bin"))
        s.transfer("STOR", "in/b-to-a.bin", "/in/b-to-a.bin", on_server("in/b-to-a.bin"))


# -- captures made from others

def frames(path, display):
    out = subprocess.run(["tshark", "-n", "-r", path, "-Y", display, "-T", "fields", "-e", "frame.number", "-e", "tcp.len"],
                         check=True, capture_output=True, text=True, env=ENV).stdout
    return [tuple(int(x or 0) for x in l.split("\t")) for l in out.splitlines()]


def editcap(*args):
    subprocess.run(["editcap", *args], check=True, env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def donor(name, size, seed):
    home({"before.txt": text(6), "noise.bin": noise(seed, size), "after.csv": CSV})
    with Sample(name, "", Vsftpd(), ["curl"], publish=False) as s:
        curl("--disable-epsv", *sum(([f"ftp://{SERVER4}/{n}", "-o", n] for n in ("before.txt", "noise.bin", "after.csv")), []))
        s.session()
        for n in "before.txt", "noise.bin", "after.csv":
            s.down(n)
    return s


DATA = "tcp.len>0 && tcp.srcport>=50000 && tcp.srcport<=50100"


@sample()
def loss():
    s = donor("loss", 50000, "loss")
    numbers = frames(s.raw, DATA)
    big = [f for f in numbers if f[1] > 1000]
    lost = [big[i] for i in (9, 10, 11, 24)]
    editcap("-F", "pcap", s.raw, OUT + "/loss.pcap", *[str(n) for n, _ in lost])
    t = s.truth
    t["what"] = "The capture (not the transfer) lost four data packets of the second of three downloads"
    t["options"] = ["editcap: frames removed"]
    t["transfers"][1].update(outcome="gaps", lost_frames=[n for n, _ in lost], lost_bytes=sum(l for _, l in lost),
                             gaps=2, note="bytes and sha256 are those of the whole file as the client got it")
    write_truth("loss", t)


@sample()
def late_start():
    s = donor("late-start", 20000, "late")
    first = frames(s.raw, "ftp.response.code==230")[0][0]
    editcap("-F", "pcap", s.raw, OUT + "/late-start.pcap", f"1-{first + 1}")
    t = s.truth
    t["what"] = "The capture starts in the middle of a session, after the log-in"
    t["options"] = [f"editcap: the first {first + 1} frames removed"]
    t["sessions"] = [{"user": None, "login": "unseen", "hidden_user": USER}]
    write_truth("late-start", t)
    t = json.loads(json.dumps(t))
    numbers = frames(s.raw, DATA)
    big = [n for n, l in numbers if l > 1000]
    cut = big[5]
    editcap("-F", "pcap", s.raw, OUT + "/late-start-data.pcap", f"1-{cut}")
    t["what"] = "The capture starts in the middle of a download: its RETR, its PASV and its first bytes are missing"
    t["files"] = ["late-start-data.pcap"]
    t["options"] = [f"editcap: the first {cut} frames removed"]
    noise_bin = t["transfers"].pop(1)
    t["transfers"].pop(0)
    noise_bin["note"] = "its command is not in the capture, only the rest of its data connection"
    t["hidden_transfers"] = [noise_bin]
    write_truth("late-start-data", t)


@sample()
def rotated():
    s = donor("rotated", 40000, "rotated")
    numbers = [n for n, l in frames(s.raw, DATA) if l > 1000]
    cut = numbers[14]
    editcap("-F", "pcap", "-r", s.raw, OUT + "/rotated-1.pcap", f"1-{cut}")
    editcap("-F", "pcap", s.raw, OUT + "/rotated-2.pcap", f"1-{cut}")
    t = s.truth
    t["what"] = "One session over two files: the capture was rotated in the middle of the second download"
    t["files"] = ["rotated-1.pcap", "rotated-2.pcap"]
    t["options"] = [f"editcap: cut after frame {cut}"]
    write_truth("rotated", t)


# -- mode-z

def disk_of(body):
    """What a transfer tells of its file where the wire carries something else."""
    return dict(disk_bytes=len(body), disk_sha256=sha(body))


@sample()
def mode_z():
    home({"notes.txt": text(60), "table.csv": csv(600), "things.zip": ZIP})
    with Sample("mode-z", "MODE Z: listing, downloads and an upload compressed by deflate; files whose names promise "
                "compressed content go by MODE S, in the same session",
                Proftpd(modules=["mod_deflate"], extra="DeflateEngine on"), ["lftp"]) as s:
        local("report.csv", csv(400))
        local("noise-3k.bin", noise("mode-z", 3000))
        lftp("set ftp:use-mode-z yes; ls; get notes.txt; get table.csv; get things.zip; put report.csv; put noise-3k.bin")
        s.session()
        # The client chooses the mode by the names.
        mode = "S"
        for c in s.servers[0].commands():
            verb, _, name = c.partition(" ")
            if verb == "MODE":
                mode = name
            elif verb in ("RETR", "STOR"):
                body = (on_client if verb == "RETR" else on_server)(name)
                more = dict(disk_of(body), mode="Z") if mode == "Z" else {}
                s.transfer(verb, name, "/" + name, None if more else body, **more)
        s.truth["listings"] = 1


# -- fxp-both

def fxp_both_client():
    a, b = connect(SERVER4, pwd=True), connect(PEER4, pwd=True)
    for source, sink, name, passive in (
            (a, b, "a-to-b.bin", a), (b, a, "b-to-a.bin", a), (a, b, "again.csv", b)):
        active = b if passive is a else a
        for f in source, sink:
            f.voidcmd("TYPE I")
        where = ftplib.parse227(passive.sendcmd("PASV"))
        active.sendport(*where)
        sink.putcmd("STOR in/" + name)
        time.sleep(0.2)     # on two connections: so that nobody doubts which came first
        source.putcmd("RETR out/" + name)
        for f in sink, source:
            assert f.getresp()[0] == "1"
        for f in sink, source:
            f.voidresp()
    a.quit()
    b.quit()


INWARD = ["inbound", "and", "not", "port", "5353"]


def fxp_servers():
    return [Vsftpd(pasv_promiscuous="YES", port_promiscuous="YES"),
            Proftpd(host=PEER4, ns="peer", extra="AllowForeignAddress on")]


@sample()
def fxp_both():
    home({"out/a-to-b.bin": noise("fxp-both-a", 9000), "out/b-to-a.bin": noise("fxp-both-b", 6000),
          "out/again.csv": csv(60), "in/.keep": b""})
    with Sample("fxp-both", "Server to server, recorded where everything is seen: both control connections and the data "
                "between the servers, each of which is the passive one at times; from all interfaces of the router, "
                "inward only", fxp_servers(), ["ftplib"], interface="any", args=INWARD) as s:
        s.checked = False
        unseen = Capture(WORK + "/cap/fxp-unseen.pcap", "c0")
        client(fxp_both_client)
        for _ in range(2):
            s.session()
        for command, name in (("STOR", "a-to-b.bin"), ("RETR", "a-to-b.bin"), ("STOR", "b-to-a.bin"),
                              ("RETR", "b-to-a.bin"), ("STOR", "again.csv"), ("RETR", "again.csv")):
            folder = "in/" if command == "STOR" else "out/"
            s.transfer(command, folder + name, "/" + folder + name, on_server("in/" + name), fxp=True)
        unseen.stop()
    t = json.loads(json.dumps(s.truth))
    t["what"] = ("The traffic of fxp-both.pcap recorded before the client: both control connections are seen, the data "
                 "between the servers is not")
    t["files"] = ["fxp-unseen.pcap"]
    for x in t["transfers"]:
        x.update(outcome="not_captured", disk_bytes=x["bytes"], disk_sha256=x["sha256"], bytes=None, sha256=None)
    shutil.copyfile(unseen.path, OUT + "/fxp-unseen.pcap")
    write_truth("fxp-unseen", t)


# -- temporary

@sample()
def temporary():
    home({"inbox/old.dat": noise("old", 700), "inbox/stale.csv": csv(10)})
    with Sample("temporary", "Uploads to a temporary name, renamed (RNFR, RNTO) when whole: with a prefix and with a "
                "suffix; then the files downloaded by their final names, one deleted after its download (DELE), "
                "and another deleted that was never transferred", Vsftpd(), ["ncftp"]) as s:
        local("report.pdf", PDF)
        local("table.csv", csv(200))
        put_options = ["-V", "-u", USER, "-p", PASSWORD]
        run("ncftpput", *put_options, "-T", "part-", SERVER4, "inbox", "report.pdf")
        run("ncftpput", *put_options, "-S", ".tmp", SERVER4, "inbox", "table.csv")
        for name in "report.pdf", "table.csv":
            os.rename(f"{VISITOR}/{name}", f"{VISITOR}/sent-{name}")
        received = {n: on_server("inbox/" + n) for n in ("report.pdf", "table.csv")}
        run("ncftpget", *put_options, "-Y", "DELE /inbox/old.dat", SERVER4, ".", "inbox/report.pdf", "inbox/table.csv")
        run("ncftpget", *put_options, "-DD", SERVER4, ".", "inbox/stale.csv")
        assert sorted(os.listdir(HOME + "/inbox")) == ["report.pdf", "table.csv"]
        for _ in range(4):
            s.session()
        for c in s.servers[0].commands():
            verb, _, name = c.partition(" ")
            if verb == "STOR":
                final = os.path.basename(name).replace("part-", "").replace(".tmp", "")
                s.transfer("STOR", name, "/inbox/" + os.path.basename(name), received[final],
                           renamed_to="/inbox/" + final)
            elif verb == "RETR":
                base = os.path.basename(name)
                more = {"note": "later deleted"} if base == "stale.csv" else {}
                s.transfer("RETR", name, "/inbox/" + base, on_client(base), **more)
            s.truth["listings"] += verb in ("LIST", "NLST", "MLSD")
        s.truth["deleted"] = ["/inbox/old.dat", "/inbox/stale.csv"]


# -- digests

def digests_client():
    ftp = connect(pwd=True)
    ftp.sendcmd("FEAT")
    said = []

    def ask(command):
        said.append([command, ftp.sendcmd(command)])
    fetch(ftp, "noise-7k.bin")
    for c in ("XCRC noise-7k.bin", "XMD5 noise-7k.bin", "XSHA1 noise-7k.bin", "XSHA256 noise-7k.bin",
              "HASH noise-7k.bin", "XCRC noise-7k.bin 0 1000"):
        ask(c)
    send(ftp, "table.csv", "STOR table.csv")
    ask("OPTS HASH")
    ask("OPTS HASH SHA-256")
    for c in "HASH table.csv", "XMD5 table.csv", "XSHA256 /table.csv", "XSHA512 table.csv":
        ask(c)
    fetch(ftp, "my paper.pdf")
    ask("HASH my paper.pdf")
    ftp.quit()
    return said


@sample()
def digests():
    home({"noise-7k.bin": noise("digests", 7000), "my paper.pdf": PDF})
    with Sample("digests", "Digests asked for on the control connection: XCRC, XMD5, XSHA1, XSHA256, XSHA512, HASH and "
                "OPTS HASH, of files that are downloaded and uploaded",
                Proftpd(modules=["mod_digest"], extra="DigestEngine on\nDigestAlgorithms all"), ["ftplib"]) as s:
        local("table.csv", CSV)
        said = client(digests_client)
        s.session()
        s.down("noise-7k.bin")
        s.up("table.csv")
        s.down("my paper.pdf")
        kinds = {"XCRC": "CRC32", "XMD5": "MD5", "XSHA1": "SHA-1", "XSHA256": "SHA-256", "XSHA512": "SHA-512"}
        hash_kind = "SHA-1"
        s.truth["digests"] = []
        for command, reply in said:
            verb, _, name = command.partition(" ")
            if verb == "OPTS":
                hash_kind = name[5:] or hash_kind
                continue
            kind = kinds.get(verb, hash_kind)
            name, piece = (name[:-7], 1000) if name.endswith(" 0 1000") else (name, None)
            body = on_server(name.lstrip("/"))[:piece]
            digest = ("%08x" % zlib.crc32(body) if kind == "CRC32"
                      else hashlib.new(kind.replace("-", ""), body).hexdigest())
            s.truth["digests"].append({"command": command, "path": "/" + name.lstrip("/"), "algorithm": kind,
                                       "digest": digest, "reply": reply})
            assert digest in reply.lower(), (digest, reply)


# -- resume-elsewhere

@sample()
def resume_elsewhere():
    home({"big.bin": noise("elsewhere", 70000)})
    with Sample("resume-elsewhere", "A download broken off when its client is killed, and resumed in another session by "
                "another program where the first one's disk ended",
                Vsftpd(local_max_rate=30000, trans_chunk_size=4096, use_sendfile="NO"), ["curl", "lftp"]) as s:
        p = popen("curl", "-sS", "-N", "-u", f"{USER}:{PASSWORD}", f"ftp://{SERVER4}/big.bin", "-o", "big.bin")
        for _ in range(400):
            time.sleep(0.02)
            if os.path.exists(VISITOR + "/big.bin") and os.path.getsize(VISITOR + "/big.bin") > 20000:
                break
        p.kill()
        p.wait()
        time.sleep(5)
        have = on_client("big.bin")
        s.session()
        lftp("get -c big.bin")
        s.session()
        whole = on_client("big.bin")
        of_whole = dict(whole_bytes=len(whole), whole_sha256=sha(whole))
        s.transfer("RETR", "big.bin", "/big.bin", None, "aborted", **disk_of(have), **of_whole,
                   note="disk_* is what the killed client had on its disk; a little more may have been sent")
        s.transfer("RETR", "big.bin", "/big.bin", whole[len(have):], offset=len(have), **of_whole)


# -- mlsd

def mlsd_client():
    ftp = connect(pwd=True)
    listed = []

    def ask(path):
        names = [(n, f["type"]) for n, f in ftp.mlsd(path) if f["type"] not in ("cdir", "pdir")]
        listed.append([path or "/", names])
    ask("")
    ask("Project Plans")
    ask("Project Plans/2024 draft")
    ftp.sendcmd("MLST notes.txt")
    ftp.sendcmd("MLST Project Plans/2024 draft/final report.pdf")
    ftp.sendcmd("OPTS MLST type;size;modify;")
    fetch(ftp, "notes.txt", "notes-before.txt")
    fetch(ftp, "Project Plans/2024 draft/final report.pdf", "final report.pdf")
    ftp.cwd("Project Plans")
    fetch(ftp, "old table.csv")
    ftp.delete("old table.csv")
    ftp.cwd("..")
    send(ftp, "notes-new.txt", "STOR notes.txt")
    fetch(ftp, "notes.txt", "notes-after.txt")
    ask("/")
    ask("/Project Plans")
    ftp.quit()
    return listed


@sample()
def mlsd():
    home({"notes.txt": text(20), "Project Plans/old table.csv": csv(20), "Project Plans/read me.txt": text(7),
          "Project Plans/2024 draft/final report.pdf": PDF, "Project Plans/2024 draft/a b.bin": noise("mlsd", 900),
          "Project Plans/2024 draft/two  blanks.txt": text(2)})
    with Sample("mlsd", "MLSD and MLST: nested directories, names with blanks; files downloaded, one of them overwritten "
                "between two downloads, one deleted", Proftpd(), ["ftplib", "lftp"]) as s:
        local("notes-new.txt", text(33))
        listed = client(mlsd_client)
        s.session()
        s.down("notes.txt", "notes-before.txt")
        s.down("Project Plans/2024 draft/final report.pdf", "final report.pdf")
        s.down("old table.csv", path="/Project Plans/old table.csv", note="later deleted")
        s.up("notes.txt")
        s.down("notes.txt", "notes-after.txt")
        s.truth["listed"] = [{"path": "/" + p.strip("/"), "entries": sorted(e)} for p, e in listed]
        lftp('set ftp:use-mlsd yes; cls -l; cd "Project Plans/2024 draft"; cls -l; get "a b.bin"')
        s.session()
        s.down("a b.bin", path="/Project Plans/2024 draft/a b.bin")
        s.truth["listings"] = 7


# -- ftps-versions

@sample()
def ftps_versions():
    home({"secret.txt": TXT, "noise-9k.bin": noise("tls", 9000)})
    for version in "1.2", "1.3":
        log = f"{WORK}/log/tls-{version}"
        server = Proftpd(modules=["mod_tls"], extra=f"""
TLSEngine on
TLSProtocol TLSv{version}
TLSRequired on
TLSRSACertificateFile {WORK}/cert.pem
TLSRSACertificateKeyFile {WORK}/key.pem
TLSLog {log}""")
        with Sample("ftps-versions-" + version.replace(".", ""), f"AUTH TLS with TLS {version}, PROT P; the data connections "
                    "take up the TLS session of the control connection, as the server demands",
                    server, ["curl", "lftp"]) as s:
            local("up.png", PNG)
            curl("-v", "--ssl-reqd", "-k", f"ftp://{SERVER4}/secret.txt", "-o", "secret.txt",
                 f"ftp://{SERVER4}/noise-9k.bin", "-o", "noise-9k.bin")
            s.session("encrypted", None, hidden_user=USER, tls="TLS " + version)
            for n in "secret.txt", "noise-9k.bin":
                s.transfer("RETR", n, "/" + n, on_client(n), "encrypted", "hidden_transfers")
            lftp("set ssl:verify-certificate no; set ftp:ssl-force yes; set ftp:ssl-protect-data yes; "
                 "set ftp:ssl-protect-list yes; ls; put up.png; get noise-9k.bin -o again.bin")
            s.session("encrypted", None, hidden_user=USER, tls="TLS " + version)
            s.transfer("STOR", "up.png", "/up.png", on_server("up.png"), "encrypted", "hidden_transfers")
            s.transfer("RETR", "noise-9k.bin", "/noise-9k.bin", on_client("again.bin"), "encrypted", "hidden_transfers")
            s.truth["hidden_listings"] = 1
        said = open(log).read()
        assert set(re.findall(r"(\S+) (?:data )?connection accepted", said)) == {"TLSv" + version}, said
        assert len(re.findall("client reused TLS session for data connection", said)) == 5, said


# -- failures, attacks, ordinary work

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import record_failures  # noqa: E402, F401  (registers its samples)
import record_attacks  # noqa: E402, F401
import record_plain  # noqa: E402, F401
import record_day  # noqa: E402, F401


# ------------------------------------------------------------------- README

HEAD = """# Sample captures

Small recordings of real FTP servers and clients, each with a file that tells
what was really transferred.  The traffic was made for this purpose in network
namespaces: client {client}, router, server {server} (IPv6: 2001:db8:66::2 and
{server6}); the user is `{user}` with the password `{password}`, and nothing in
the captures is secret.  The files' contents are pseudo-random bytes from a
fixed seed, and a tiny PNG, ZIP, PDF, CSV and text.  Attacks (`attack-*`) come from 198.51.100.22 or from the
client; their programs, web shells, keys and stolen passwords are made up and do nothing.

| Files | What they show | Server; client | What was really transferred |
|---|---|---|---|
"""

TAIL = """
`↓` download, `↑` upload, `⇄` between servers; in brackets what is not visible to a reader of the capture.

## The truth files

`NAME.truth.json` belongs to the captures under its `files`.

- `sessions`: one per control connection, in the order of their first packets;
  `login` is `accepted`, `refused`, `encrypted` (AUTH TLS or implicit TLS came
  first), `unseen` (the capture starts later), `incomplete` (the last USER got no answer, or no
  PASS that was answered) or `none` (none was tried, or there was no connection to try it on).
- `transfers`: RETR, STOR, STOU and APPE commands in their order.  `name` is the
  argument as sent (`name_hex` where it is not UTF-8), `path` the full path as
  the client sees it.  Those of several sessions stand in the order of time.  `bytes` and `sha256` describe what went over the
  data connection, computed from the file **on the receiving side's disk** (the
  client's for downloads, the server's for uploads); for a resumed or appended
  transfer, of the piece from `offset` on.  Where disk and wire differ (a
  converting ASCII transfer, a client that was killed) they are null and
  `disk_bytes`, `disk_sha256` tell what is on the disk.
- `outcome`: `complete`, `aborted`, `refused` (the server said no),
  `no_connection` (no data connection came about), `encrypted`, `gaps` (the
  transfer was whole, the capture is not: `lost_frames`, `lost_bytes`), or
  `not_captured` (the transfer was whole, its data connection is not in the capture;
  `disk_*` tell what it carried).
- `hidden_transfers`, `hidden_listings`: what happened where a reader of the
  capture cannot see it.
- `listings`: the number of LIST, NLST and MLSD commands.
- `entries`: what lay in the listed folder of the server's disk, for each listing in
  their order; `modified` is UTC, to the minute that such a listing tells.
- More, where a sample is about it: `mode` `Z` (compressed on the wire, `disk_*` is the
  file), `fxp` (one side of a copy between servers), `renamed_to`, `deleted` (paths),
  `whole_bytes` and `whole_sha256` (the file that a resumed transfer made whole),
  `digests` (what the files' digests really are, and what the server said), `listed`
  (what MLSD commands listed, as the client had it), `tls` (the version), `replies` (what
  the server said, as the client had it), `true_bytes` and `true_sha256` (the file that was to
  be transferred, where what arrived is not it).
- `findings`, in the samples of failures and attacks and in `nat-both-sides`: what went wrong or was
  done, by the names that a diagnosis or an audit of the capture has for it; taken from what was
  set up for the sample, and not everything that can be said of it.  In `plain-*`, ordinary work
  that looks like an attack, there are none.  `hidden_findings`: true as well, but the words that
  say so are encrypted.
- `story`, in `attack-day`: who did what, in order.
  Where there is no such field nothing was decided about it.

No truth was taken from the analysis of a capture.  Where the client decides the
order (`mirror`) or connects anew by itself
(`active-nat`), sessions and commands are from the server's own log.  In the
captures with servers that log commands, commands and truth were compared with
the server's log while recording.

## Forms

{forms}

## Recording them again

    sudo sh record.sh                 # all, into this folder
    sudo sh record.sh -o /tmp/new     # all, elsewhere
    sudo sh record.sh passive mirror  # only these
    sudo sh two-vnis.sh FOLDER        # two-vnis.pcap and what was on the disks
    sudo sh nat-both-sides.sh FOLDER  # nat-both-sides.pcap and what was on the disks

The head of `record.sh` names the packages needed.  Users, addresses and
processes exist only in namespaces of the script and are gone when it ends.
The contents of the files come out the same again; times, ports, TLS keys and the
division into packets do not.
"""

FORMS = """- pcap from `tcpdump` {tcpdump}; `active.pcap` with nanosecond time stamps; `cooked.pcap` with
  link type Linux cooked v2; `textbook.pcap` from a loopback interface (its
  packets are up to 64 kB and their checksums need not be right)
- pcapng: `ipv6.pcapng` written by `dumpcap` {dumpcap}, `names.pcapng` and
  `passive-filtered.pcapng` converted by `editcap`; names of machine and system
  were taken out of their headers
- gzip: `office.pcap.gz`"""


def write_readme():
    def cell(x):
        return x.replace("|", "\\|")

    def one(t):
        arrow = {"download": "↓", "upload": "↑"}.get(t["direction"], "⇄")
        name = t.get("name") or t.get("stored_as") or t.get("means", "").split(" in ")[0]
        size = t["bytes"] if t["bytes"] is not None else t.get("disk_bytes")
        text = f"{arrow} {t['command']} {name}"
        if t["outcome"] in ("refused", "no_connection"):
            return text + f": {t['outcome'].replace('_', ' ')}"
        if size is not None:
            text += f" {size} B" + (" on disk" if t["bytes"] is None else "")
        if "offset" in t:
            text += f" from {t['offset']} on"
        if t["outcome"] not in ("complete", "encrypted"):
            text += f": {t['outcome'].replace('_', ' ')}"
        return text
    rows, stories = [], []
    order = [n for n, _ in SAMPLES]
    truths = [f[:-len(".truth.json")] for f in os.listdir(OUT) if f.endswith(".truth.json")]
    place = lambda n: (min((i for i, o in enumerate(order) if n == o or n.startswith(o + "-")), default=len(order)), n)
    for n in sorted(truths, key=place):
        t = json.load(open(f"{OUT}/{n}.truth.json"))
        whole = [x["bytes"] for x in t["transfers"]]
        if len(whole) > 12 and None not in whole:
            moved = [f"↓ {len(whole)} files, {sum(whole)} B in all"]
        else:
            moved = [one(x) for x in t["transfers"]]
        hidden = [one(x) for x in t.get("hidden_transfers", [])]
        if hidden:
            moved.append("[" + "; ".join(hidden) + "]")
        if t["listings"]:
            moved.append(f"{t['listings']} listing" + "s" * (t["listings"] > 1))
        options = " (" + "; ".join(t["options"]) + ")" if t["options"] else ""
        rows.append("| " + " | ".join([
            " ".join(f"`{f}`" for f in t["files"]), cell(t["what"] + options),
            cell(t["server"] + "; " + t["client"]), cell("; ".join(moved) or "nothing")]) + " |")
        if "story" in t:
            stories.append(f"\n## What happened in `{t['files'][0]}`\n\nSeconds since the recording began, whoever it was, and what "
                           "was done.\n\n" + "".join(f"- {x['second']}: {x['who']}: {x['did']}\n" for x in t["story"]))
    with open(OUT + "/README.md", "w") as f:
        f.write(HEAD.format(client=CLIENT4, server=SERVER4, server6=SERVER6, user=USER, password=PASSWORD)
                + "\n".join(rows) + "\n" + "".join(stories) + TAIL.format(forms=FORMS.format(
                    tcpdump=re.search(r"[\d.]+", VERSIONS["tcpdump"]).group(0),
                    dumpcap=re.search(r"\d[\d.]*\d", VERSIONS["dumpcap"]).group(0))))


# ---------------------------------------------------------------------- main

def main():
    global VERSIONS
    VERSIONS = versions()
    names = [n for n, _ in SAMPLES]
    for w in WANTED:
        if w not in names:
            sys.exit(f"no such sample: {w}; there are {' '.join(names)}")
    set_up()
    bad = []
    for name, function in SAMPLES:
        if WANTED and name not in WANTED:
            continue
        print(name, flush=True)
        try:
            function()
        except Exception:
            traceback.print_exc()
            bad.append(name)
    write_readme()
    if bad:
        sys.exit("failed: " + " ".join(bad))


main()
