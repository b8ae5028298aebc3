"""The samples of failing FTP.  Imported by record.py, whose helpers they share.

Their truth files have one field more: `findings`, the causes that were set up here, by
the names that a diagnosis of the capture has for them.  They were not taken
from a capture or from the output of any program.
"""
import contextlib
import ftplib
import os
import signal
import socket
import ssl
import subprocess
import threading
import time

from __main__ import (
    CLIENT4, ENV, HOME, PASSWORD, PASV, PNG, SERVER4, TXT, USER, VISITOR, WORK, ZIP, Child, Proftpd, PureFtpd, Sample, Vsftpd,
    client, connect, curl, disk_of, enter, fetch, home, lftp, local, noise, on_client, on_server, popen, read, sample, send, sh,
    sha, text, tls)

RANGE = "tcp dport %d-%d" % PASV
SERVERS4 = ["203.0.113.%d" % i for i in range(21, 25)]


class Failing(Sample):
    def __init__(self, name, what, servers, client_programs, findings, **more):
        super().__init__(name, what, servers, client_programs, **more)
        self.truth["server"] = self.truth["server"] or "none"
        self.truth["findings"] = findings

    def broken(self, command, name, got, path=None, **more):
        """A transfer that ended early; `got` is on the disk of the receiving side."""
        self.transfer(command, name, path or "/" + name, None, "aborted", **disk_of(got), **more)

    def nothing(self, name, **more):
        self.refused(name, outcome="no_connection", **more)


@contextlib.contextmanager
def wall(*rules, chain="f { type filter hook forward priority 0; }", sets=()):
    """The router's filter."""
    name = chain.split()[0]
    sh(f"nft add table ip wall; nft 'add chain ip wall {chain}'")
    try:
        for s in sets:
            sh(f"nft 'add set ip wall {s}'")
        for rule in rules:
            sh(f"nft 'add rule ip wall {name} {rule}'")
        yield
    finally:
        sh("nft delete table ip wall")


def say(ftp, line):
    """A command and whatever is answered."""
    ftp.putcmd(line)
    return ftp.getmultiline()


def leave(ftp):
    with contextlib.suppress(OSError, EOFError, ftplib.Error):
        ftp.putcmd("QUIT")
        ftp.getmultiline()
    ftp.close()


def try_each(ftp, commands):
    """Each command with a data connection, as far as it comes; the error replies."""
    said = []
    ftp.voidcmd("TYPE I")
    for c in commands:
        try:
            data = ftp.transfercmd(c)
            while data.recv(8192):
                pass
            data.close()
            said.append(ftp.getmultiline())
        except (OSError, ftplib.Error) as e:
            said.append(str(e))
    return said


def quiet():
    """Waits until the server has no connection left that would be seen in the next sample."""
    for _ in range(120):
        if not subprocess.run(["ss", "-Htn"], preexec_fn=lambda: enter("server"), env=ENV, check=True,
                              capture_output=True).stdout:
            return
        time.sleep(0.25)
    raise RuntimeError("connections are left")


def grown(name, size):
    """Waits until so much of a download is on the disk."""
    for _ in range(400):
        time.sleep(0.02)
        if os.path.exists(f"{VISITOR}/{name}") and os.path.getsize(f"{VISITOR}/{name}") > size:
            return
    raise RuntimeError(f"{name} does not grow")


def begin_download(name):
    return popen("curl", "-sS", "-N", "--disable-epsv", "-u", f"{USER}:{PASSWORD}", f"ftp://{SERVER4}/{name}", "-o", name)


def expect(said, *beginnings):
    if len(said) != len(beginnings) or not all(s.startswith(b) for s, b in zip(said, beginnings)):
        raise RuntimeError(f"wanted {beginnings}, the server said {said}")


# -- active mode

def active_client(commands):
    ftp = connect(passive=False, pwd=True)
    said = try_each(ftp, commands)
    leave(ftp)
    return said


def closed_client(command):
    """Announces a port on which it does not listen any more."""
    ftp = connect()
    ftp.voidcmd("TYPE I")
    listener = socket.create_server((CLIENT4, 0))
    port = listener.getsockname()[1]
    listener.close()
    ftp.sendport(CLIENT4, port)
    said = [say(ftp, command)]
    leave(ftp)
    return said


FROM_20 = dict(connect_from_port_20="YES", ftp_data_port=20, connect_timeout=4)


@sample()
def fail_active_filtered():
    home({"hello.txt": TXT})
    rule = "ip saddr 203.0.113.0/24 tcp sport 20 drop"
    with wall(rule), Failing(
            "fail-active-filtered", "Active mode behind a filter: what the server sends from its port 20 does not get "
            "through, its SYNs stay unanswered (425)", Vsftpd(**FROM_20), ["ftplib"], ["active-data-filtered"],
            options=["nftables: " + rule], interface="s0") as s:
        said = client(active_client, ["LIST", "RETR hello.txt"])
        expect(said, "425", "425")
        s.session()
        s.nothing("hello.txt", replies=said[1:])
        s.truth["listings"] = 1


@sample()
def fail_active_refused():
    home({"hello.txt": TXT})
    rule = "ip saddr 203.0.113.0/24 tcp sport 20 reject with tcp reset"
    with Failing(
            "fail-active-refused", "Active mode refused by RST (425): in the first session the client no longer listens on the "
            "port it told, in the second one the router rejects", Vsftpd(**FROM_20), ["ftplib"], ["active-data-refused"],
            options=["nftables, second session: " + rule], interface="s0") as s:
        said = client(closed_client, "RETR hello.txt")
        with wall(rule):
            said += client(active_client, ["RETR hello.txt"])
        expect(said, "425", "425")
        for reply in said:
            s.session()
            s.nothing("hello.txt", replies=[reply])


# -- passive mode

def passive_client(commands):
    ftp = connect(timeout=3, pwd=True)
    try_each(ftp, commands)
    leave(ftp)


def eager_client(command):
    """Does not wait for the data connection before it sends the command."""
    ftp = connect()
    ftp.voidcmd("TYPE I")
    where = ftplib.parse227(ftp.sendcmd("PASV"))
    data = socket.socket()
    data.setblocking(False)
    data.connect_ex(where)
    said = [say(ftp, command)]
    data.close()
    leave(ftp)
    return said


def passive_rejected(name, how, what, finding):
    home({"hello.txt": TXT})
    rule = f"{RANGE} reject with {how}"
    with wall(rule), Failing(
            name, f"The passive port range is rejected on the way, by {what}: LIST is not even sent (first session), or RETR "
            "is sent in vain (425)", Vsftpd(accept_timeout=3), ["ftplib"], [finding], options=["nftables: " + rule]) as s:
        client(passive_client, ["LIST"])
        s.session()
        said = client(eager_client, "RETR hello.txt")
        expect(said, "425")
        s.session()
        s.nothing("hello.txt", replies=said)


@sample()
def fail_passive_reject():
    passive_rejected("fail-passive-reject", "icmp type admin-prohibited", "ICMP", "passive-data-unreachable")


@sample()
def fail_passive_refused():
    passive_rejected("fail-passive-refused", "tcp reset", "RST", "passive-data-refused")


def epsv_client():
    ftp = connect(pwd=True)
    ftp.voidcmd("TYPE I")
    where = ftplib.parse229(ftp.sendcmd("EPSV"), ftp.sock.getpeername())
    try:
        socket.create_connection(where, 3).close()
        raise RuntimeError("EPSV got through")
    except TimeoutError:
        pass
    fetch(ftp, "hello.txt")     # PASV
    leave(ftp)


@sample()
def fail_epsv_blocked():
    home({"hello.txt": TXT})
    # The reply begins 32 bytes after the beginning of the TCP header.
    rules = ["tcp sport 21 @th,256,32 0x32323720 add @told { ip daddr }",
             f"{RANGE} ct state new ip saddr != @told drop"]
    with wall(*rules, sets=["told { type ipv4_addr; flags dynamic,timeout; timeout 5s; }"]), Failing(
            "fail-epsv-blocked", "A filter that opens the way when the server has said 227 and does not know 229: the data "
            "connection after EPSV stays unanswered, the one after PASV comes about",
            Vsftpd(), ["ftplib"], ["epsv-blocked"], options=["nftables: " + "; ".join(rules)]) as s:
        client(epsv_client)
        s.session()
        s.down("hello.txt")


@sample()
def fail_private227():
    home({"hello.txt": TXT})
    sh("ip route add blackhole 192.168.77.0/24")
    try:
        with Failing(
                "fail-private227", "The server announces a private address (192.168.77.5) in 227 and the clients believe it: "
                "their SYNs stay unanswered; the second client sends RETR all the same (425)",
                Vsftpd(pasv_address="192.168.77.5", accept_timeout=3), ["curl", "ftplib"], ["passive-address-private"]) as s:
            curl("--disable-epsv", "--no-ftp-skip-pasv-ip", "--connect-timeout", "3", "--max-time", "5",
                 f"ftp://{SERVER4}/hello.txt", "-o", "x", ok=(28,))
            s.session()
            said = client(eager_client, "RETR hello.txt")
            expect(said, "425")
            s.session()
            s.nothing("hello.txt", replies=said)
    finally:
        sh("ip route del blackhole 192.168.77.0/24")


def elsewhere_client(command):
    ftp = connect(pwd=True)
    ftp.voidcmd("TYPE I")
    where = ftplib.parse227(ftp.sendcmd("PASV"))
    data = socket.create_connection(where, 5, source_address=("10.66.1.3", 0))
    said = [say(ftp, command)]
    data.close()
    leave(ftp)
    return said


@sample()
def fail_pasv_promiscuous():
    home({"hello.txt": TXT})
    sh("ip -n client addr add 10.66.1.3/24 dev eth0")
    try:
        with Failing(
                "fail-pasv-promiscuous", "The data connection comes from another address than the control connection "
                "(10.66.1.3): the server closes it and says 425", Vsftpd(pasv_promiscuous="NO"), ["ftplib"],
                ["passive-peer-rejected"]) as s:
            said = client(elsewhere_client, "RETR hello.txt")
            expect(said, "425 Security: Bad IP connecting")
            s.session()
            s.nothing("hello.txt", replies=said, note="the connection was made and closed by the server without data")
    finally:
        sh("ip -n client addr del 10.66.1.3/24 dev eth0")


def silent_client(late):
    ftp = connect(timeout=10, pwd=True)
    ftp.voidcmd("TYPE I")
    ftp.sendcmd("PASV")
    said = [say(ftp, "LIST")]
    where = ftplib.parse227(ftp.sendcmd("PASV"))
    ftp.putcmd("RETR hello.txt")
    time.sleep(late)
    try:
        socket.create_connection(where, 2).close()
    except OSError:
        pass
    said.append(ftp.getmultiline())
    leave(ftp)
    return said


@sample()
def fail_accept_timeout():
    home({"hello.txt": TXT})
    with Failing(
            "fail-accept-timeout", "The client sends PASV and LIST and never connects; then PASV and RETR and connects when the "
            "server has given up", Vsftpd(accept_timeout=3), ["ftplib"], ["passive-accept-timeout"],
            options=["vsftpd: accept_timeout=3"]) as s:
        said = client(silent_client, 4.5)
        expect(said, "425", "425")
        s.session()
        s.nothing("hello.txt", replies=said[1:])
        s.truth["listings"] = 1


def one_port_client():
    first, second = connect(pwd=True), connect(pwd=True)
    for f in first, second:
        f.voidcmd("TYPE I")
    where = ftplib.parse227(first.sendcmd("PASV"))
    second.putcmd("PASV")
    try:
        said = [second.getmultiline()]
    except EOFError:
        said = ["closed"]
    data = socket.create_connection(where, 5)
    first.voidcmd("NOOP")
    first.putcmd("RETR hello.txt")
    with open("hello.txt", "wb") as f:
        while block := data.recv(8192):
            f.write(block)
    data.close()
    for _ in range(2):
        first.getmultiline()
    leave(first)
    leave(second)
    return said


@sample()
def fail_one_port():
    home({"hello.txt": TXT})
    for name, server in (("fail-one-port", Vsftpd(pasv_min_port=PASV[0], pasv_max_port=PASV[0])),
                         ("fail-one-port-pure", PureFtpd(21, SERVER4, "-p", "%d:%d" % (PASV[0], PASV[0])))):
        with Failing(name, "One passive port for two clients: while the first one has it, the second one asks for it",
                     server, ["ftplib"], ["passive-ports-exhausted"], options=["passive ports: 50000 alone"]) as s:
            said = client(one_port_client)
            for more in {}, {"replies": said}:
                s.session(**more)
            s.down("hello.txt")


# -- TLS

def context():
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
    c.maximum_version = ssl.TLSVersion.TLSv1_2
    return c


def reuse_client(host, commands):
    ftp = ftplib.FTP_TLS(context=context(), timeout=10)
    ftp.connect(host)
    ftp.login(USER, PASSWORD)
    ftp.prot_p()
    ftp.voidcmd("TYPE I")
    said = []
    for c in commands:
        try:
            data = ftp.transfercmd(c)
            while data.recv(8192):
                pass
            data.close()
        except ftplib.Error as e:
            said.append(str(e))
            continue
        except OSError:
            pass
        said.append(ftp.getmultiline())
    leave(ftp)
    return said


def encrypted_refusals(s, said):
    s.transfer("RETR", "hello.txt", "/hello.txt", None, "no_connection", "hidden_transfers", replies=said[1:])
    s.truth["hidden_listings"] = 1
    s.truth["hidden_findings"] = ["tls-session-reuse-required"]
    s.truth["note"] = (f"The reply ({said[0]}) is encrypted.  Visible: each data connection has a TLS handshake of its own in "
                       "full, which takes up no session, then the server's alert and its end, without any content; then an "
                       "encrypted reply")


@sample()
def fail_require_ssl_reuse():
    home({"hello.txt": TXT})
    options = dict(tls(), require_ssl_reuse="YES")
    with Failing(
            "fail-require-ssl-reuse", "The server demands that data connections take up the TLS session of the control "
            "connection, the client begins a new one each time: 522, on an encrypted control connection",
            Vsftpd(**options), ["ftplib"], [], options=["vsftpd: require_ssl_reuse=YES; client: TLS 1.2"]) as s:
        said = [client(reuse_client, SERVER4, [c])[0] for c in ("LIST", "RETR hello.txt")]   # it ends the session
        expect(said, "522", "522")
        for _ in said:
            s.session("encrypted", None, hidden_user=USER, tls="TLS 1.2")
        encrypted_refusals(s, said)
    server = Proftpd(modules=["mod_tls"], extra=f"""
TLSEngine on
TLSProtocol TLSv1.2
TLSRequired off
TLSRSACertificateFile {WORK}/cert.pem
TLSRSACertificateKeyFile {WORK}/key.pem
TLSLog {WORK}/log/tls-reuse""")
    with Failing(
            "fail-require-ssl-reuse-proftpd", "The demand of fail-require-ssl-reuse.pcap by another server, which goes on after "
            "each refusal", server, ["ftplib"], [],
            options=["ProFTPD: TLSOptions without NoSessionReuseRequired; client: TLS 1.2"]) as s:
        said = client(reuse_client, SERVER4, ["LIST", "RETR hello.txt"])
        expect(said, "425", "425")
        s.session("encrypted", None, hidden_user=USER, tls="TLS 1.2")
        encrypted_refusals(s, said)
    log = open(f"{WORK}/log/tls-reuse").read()
    assert log.count("client did not reuse TLS session, rejecting data connection") == 2, log


def plain_client(host):
    ftp = connect(host, login=False)
    said = [say(ftp, "USER " + USER)]
    if said[0].startswith("331"):
        said.append(say(ftp, "PASS " + PASSWORD))
    leave(ftp)
    return said[-1]


@sample()
def fail_tls_required():
    home({"hello.txt": TXT})
    servers = [Vsftpd(**tls(force_local_logins_ssl="YES", force_local_data_ssl="YES")),
               Proftpd(host=SERVERS4[1], modules=["mod_tls"], extra=f"""
TLSEngine on
TLSRequired on
TLSRSACertificateFile {WORK}/cert.pem
TLSRSACertificateKeyFile {WORK}/key.pem""")]
    with Failing("fail-tls-required", "Two servers that demand encryption, and a client that logs in without", servers,
                 ["ftplib"], ["tls-required"]) as s:
        said = [client(plain_client, h) for h in SERVERS4[:2]]
        expect(said, "530", "550")
        for reply, host in zip(said, SERVERS4):
            s.session("refused", server=host, replies=[reply])


@sample()
def fail_implicit_mismatch():
    home({"hello.txt": TXT})
    with Failing(
            "fail-implicit-mismatch", "A client that begins with TLS (implicit) on port 21, where the server greets in the clear",
            Vsftpd(**tls()), ["curl"], ["implicit-explicit-mismatch"]) as s:
        curl("-k", "--max-time", "5", f"ftps://{SERVER4}:21/hello.txt", "-o", "x", ok=(35,))
        s.session("encrypted", None, note="the client's TLS handshake fails, no log-in takes place")


def stripping_proxy(port):
    """Passes everything on but AUTH, which it refuses itself."""
    def serve(near):
        far = socket.create_connection((SERVER4, 21))

        def back():
            while block := far.recv(8192):
                near.sendall(block)
            near.shutdown(socket.SHUT_WR)
        threading.Thread(target=back, daemon=True).start()
        for line in near.makefile("rb"):
            if line.upper().startswith(b"AUTH"):
                near.sendall(b"502 Command not implemented.\r\n")
            else:
                far.sendall(line)
        far.close()
    hear = socket.create_server(("", port))
    while True:
        near, _ = hear.accept()
        threading.Thread(target=serve, args=(near,), daemon=True).start()


@sample()
def fail_stripped():
    home({"hello.txt": TXT})
    proxy = Child(None, stripping_proxy, 2100)
    rule = "iifname c0 tcp dport 21 redirect to :2100"
    try:
        with wall(rule, chain="in { type nat hook prerouting priority -100; }"), Failing(
                "fail-stripped", "Somebody in the middle answers AUTH TLS with 502 though FEAT has it; the client goes on "
                "without encryption", Vsftpd(**tls(force_local_logins_ssl="NO", force_local_data_ssl="NO", pasv_promiscuous="YES")),
                ["lftp"], ["auth-tls-stripped"],
                options=["nftables: " + rule + ", where a proxy refuses AUTH and passes on all else"]) as s:
            lftp("set ssl:verify-certificate no; get hello.txt")
            s.session()
            s.down("hello.txt")
    finally:
        proxy.stop()


# -- the path

@sample()
def fail_mtu():
    home({"noise-20k.bin": noise("mtu", 20000)})
    rule = "icmp type destination-unreachable icmp code frag-needed drop"
    sh("ip link set c0 mtu 600")
    try:
        with wall(rule, chain="o { type filter hook output priority 0; }"), Failing(
                "fail-mtu", "A link of small MTU in the middle whose \"fragmentation needed\" does not come back: the dialogue "
                "works, full segments vanish; recorded between the server and that link, until the client is killed",
                Vsftpd(), ["curl"], ["mtu-black-hole"], options=["MTU 600 towards the client; nftables: " + rule],
                interface="s0") as s:
            p = begin_download("noise-20k.bin")
            time.sleep(8)
            p.kill()
            p.wait()
            s.session()
            got = on_client("noise-20k.bin") if os.path.exists(VISITOR + "/noise-20k.bin") else b""
            s.broken("RETR", "noise-20k.bin", got, true_bytes=20000, note="nothing of it arrived at the client")
            assert not got
    finally:
        sh("ip link set c0 mtu 1500")
    quiet()


@sample()
def fail_loss():
    home({"noise-24k.bin": noise("loss-8", 24000)})
    loss = "ip saddr 203.0.113.21 tcp sport 50000-50100 numgen random mod 100 < 8 drop"
    outage = "ip saddr 203.0.113.21 tcp sport 50000-50100 drop"
    with Failing(
            "fail-loss", "A link that loses 8 % of the data's packets at random and, for three seconds, all of them; recorded "
            "before the loss, so every repetition is seen; the transfer gets through",
            Vsftpd(local_max_rate=15000, trans_chunk_size=4096, use_sendfile="NO"), ["curl"], ["stalled-loss"],
            options=["nftables: " + loss + "; " + outage], interface="s0") as s:
        with wall(loss):
            p = begin_download("noise-24k.bin")
            grown("noise-24k.bin", 8000)
            sh(f"nft 'add rule ip wall f {outage}'")
            time.sleep(3)
            sh(f"nft flush chain ip wall f; nft 'add rule ip wall f {loss}'")
            assert p.wait(60) == 0
        s.session()
        s.down("noise-24k.bin")


def slow_reader(name):
    ftp = connect()
    ftp.voidcmd("TYPE I")
    where = ftplib.parse227(ftp.sendcmd("PASV"))
    data = socket.socket()
    data.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    data.connect(where)
    ftp.putcmd("RETR " + name)
    with open(name, "wb") as f:
        while block := data.recv(2048):
            if f.tell() <= 10000 < f.tell() + len(block):
                time.sleep(4)
            f.write(block)
    data.close()
    for _ in range(2):
        ftp.getmultiline()
    leave(ftp)


@sample()
def fail_zero_window():
    home({"noise-40k.bin": noise("window", 40000)})
    with Failing(
            "fail-zero-window", "A client with a small receive buffer that does not read for four seconds in the middle of a "
            "download, then goes on: its window is closed for that long", Vsftpd(), ["ftplib"], ["stalled-zero-window"]) as s:
        client(slow_reader, "noise-40k.bin")
        s.session()
        s.down("noise-40k.bin")


# -- ends

@sample()
def fail_client_killed():
    home({"noise-60k.bin": noise("killed", 60000)})
    with Failing(
            "fail-client-killed", "The client is killed (SIGKILL) in the middle of a download",
            Vsftpd(local_max_rate=20000, trans_chunk_size=4096, use_sendfile="NO"), ["curl"],
            ["transfer-aborted-by-peer"]) as s:
        p = begin_download("noise-60k.bin")
        grown("noise-60k.bin", 12000)
        p.send_signal(signal.SIGKILL)
        p.wait()
        time.sleep(1)
        s.session()
        s.broken("RETR", "noise-60k.bin", on_client("noise-60k.bin"), true_bytes=60000,
                 note="disk_* is what the killed client had on its disk; a little more may have been sent")


def full_client(host, name):
    ftp = connect(host, pwd=True)
    said = []
    ftp.voidcmd("TYPE I")
    data = ftp.transfercmd("STOR inbox/" + name)
    try:
        for i in range(0, 14000, 1400):
            data.sendall(read(name)[i:i + 1400])
            time.sleep(0.02)
    except OSError:
        pass
    data.close()
    said.append(ftp.getmultiline())
    leave(ftp)
    return said


@sample()
def fail_disk_full():
    home({"inbox/.keep": b""})
    servers = [Vsftpd(), Proftpd(host=SERVERS4[1]), PureFtpd(21, SERVERS4[2])]
    with Failing("fail-disk-full", "An upload to a disk that gets full, with three servers", servers, ["ftplib"],
                 ["storage-full"], options=["tmpfs of 8 kB"]) as s:
        s.checked = False
        local("noise-14k.bin", noise("full", 14000))
        for host in SERVERS4[:3]:
            sh(f"mount -t tmpfs -o size=8k,uid=4321,gid=4321 full {HOME}/inbox")
            try:
                said = client(full_client, host, "noise-14k.bin")
                s.session(server=host)
                kept = on_server("inbox/noise-14k.bin") if os.path.exists(HOME + "/inbox/noise-14k.bin") else b""
                s.broken("STOR", "inbox/noise-14k.bin", kept, true_bytes=14000, replies=said,
                         note="disk_* is what the server kept of it")
            finally:
                sh(f"umount {HOME}/inbox")


def names_client(host):
    ftp = connect(host, pwd=True)
    said = []
    for c in "RETR missing.txt", "RETR folder":
        said += try_each(ftp, [c])
    try:
        send(ftp, "up.png", "STOR locked/up.png")
    except ftplib.Error as e:
        said.append(str(e))
    leave(ftp)
    return said


@sample()
def fail_names():
    home({"folder/note.txt": text(1), "locked/note.txt": text(1)})
    servers = [Vsftpd(), Proftpd(host=SERVERS4[1])]
    with Failing("fail-names", "A download of a file that is not there, one of a directory, and an upload to a directory where "
                 "the user may not write, with two servers", servers, ["ftplib"],
                 ["file-unavailable", "name-not-allowed"]) as s:
        local("up.png", PNG)
        os.chown(HOME + "/locked", 0, 0)
        for host in SERVERS4[:2]:
            said = client(names_client, host)
            s.session(server=host)
            for (command, name), reply in zip((("RETR", "missing.txt"), ("RETR", "folder"), ("STOR", "locked/up.png")), said):
                s.refused(name, command, replies=[reply])


def binary_as_text():
    ftp = connect(pwd=True)
    ftp.voidcmd("TYPE A")
    for name in "dot.png", "things.zip":
        data = ftp.transfercmd("RETR " + name)
        with open(name, "wb") as f:
            while block := data.recv(8192):
                f.write(block)
        data.close()
        ftp.voidresp()
    data = ftp.transfercmd("STOR up.png")
    data.sendall(read("up.png"))
    data.close()
    ftp.voidresp()
    leave(ftp)


@sample()
def fail_ascii():
    home({"dot.png": PNG, "things.zip": ZIP})
    with Failing("fail-ascii", "A PNG and a ZIP downloaded and a PNG uploaded in TYPE A through a server that converts line "
                 "ends: none of them arrives as it was", Proftpd(), ["ftplib"], ["ascii-corruption"]) as s:
        local("up.png", PNG)
        client(binary_as_text)
        s.session()
        for name, body in ("dot.png", PNG), ("things.zip", ZIP):
            s.down(name, type="A", true_bytes=len(body), true_sha256=sha(body))
            assert on_client(name) != body
        disk = on_server("up.png")
        assert disk != PNG
        s.transfer("STOR", "up.png", "/up.png", None, type="A", **disk_of(disk), true_bytes=len(PNG), true_sha256=sha(PNG))


# -- the control connection

@sample()
def fail_control():
    home({})
    rules = [f"ip daddr {SERVERS4[1]} tcp dport 21 drop",
             f"ip daddr {SERVERS4[2]} tcp dport 21 reject with icmp type host-unreachable"]
    with wall(*rules), Failing(
            "fail-control", "Three servers that cannot be reached: on the first nothing listens (RST), the second one is "
            "filtered (no answer), the third one is rejected on the way (ICMP)", [], ["curl"],
            ["control-refused", "control-unanswered", "control-unreachable"], options=["nftables: " + "; ".join(rules)]) as s:
        for host in SERVERS4[:3]:
            curl("--connect-timeout", "4", f"ftp://{host}/hello.txt", "-o", "x", ok=(7, 28))
            s.session("none", None, server=host, note="no connection")


def crowd(host):
    first = connect(host, pwd=True)
    second = ftplib.FTP(timeout=5)
    try:
        second.connect(host)
        said = "accepted"
    except ftplib.Error as e:
        said = str(e)
    second.close()
    leave(first)
    return said


@sample()
def fail_too_many():
    home({})
    servers = [Vsftpd(max_per_ip=1), Vsftpd(host=SERVERS4[1], max_clients=1)]
    with Failing("fail-too-many", "A second client where one is allowed, by address and in all: 421 instead of a greeting",
                 servers, ["ftplib"], ["too-many-connections"], options=["vsftpd: max_per_ip=1; max_clients=1"]) as s:
        for host in SERVERS4[:2]:
            said = client(crowd, host)
            expect([said], "421")
            s.session(server=host)
            s.session("none", None, server=host, replies=[said])


def idle_client():
    ftp = connect(pwd=True)
    said = ftp.getmultiline()
    ftp.close()
    return said


@sample()
def fail_idle():
    home({})
    with Failing("fail-idle", "The client says nothing for five seconds and the server ends the session (421)",
                 Vsftpd(idle_session_timeout=5), ["ftplib"], ["control-idle-timeout"],
                 options=["vsftpd: idle_session_timeout=5"]) as s:
        said = client(idle_client)
        expect([said], "421 Timeout")
        s.session(replies=[said])


@sample()
def fail_banner_delay():
    home({"hello.txt": TXT})
    rule = f"ip daddr {CLIENT4} tcp dport 113 drop"
    with wall(rule), Failing(
            "fail-banner-delay", "The server asks the client's port 113 (ident) who is there before it greets; nobody answers "
            "and the greeting comes seconds later",
            Proftpd(modules=["mod_ident"], extra="IdentLookups on"), ["curl"], ["banner-delay"],
            options=["ProFTPD: IdentLookups on; nftables: " + rule], interface="s0") as s:
        began = time.time()
        curl("--disable-epsv", f"ftp://{SERVER4}/hello.txt", "-o", "hello.txt")
        assert time.time() - began > 3
        s.session()
        s.down("hello.txt")


def other_server(host, greeting):
    hear = socket.create_server((host, 21))
    while True:
        s, _ = hear.accept()
        s.sendall(greeting)
        s.settimeout(5)
        with contextlib.suppress(OSError):
            s.recv(500)
        s.close()


def web_server(host):
    import http.server

    class Handler(http.server.SimpleHTTPRequestHandler):
        server_version, sys_version = "LabHTTP/1", ""

        def log_message(self, *args):
            pass
    os.chdir(HOME)
    http.server.ThreadingHTTPServer((host, 21), Handler).serve_forever()


@sample()
def fail_not_ftp():
    home({"hello.txt": TXT})
    others = [Child("server", other_server, SERVERS4[0], b"SSH-2.0-OpenSSH_9.2\r\n"), Child("server", web_server, SERVERS4[1])]
    time.sleep(0.5)
    try:
        with Failing("fail-not-ftp", "Port 21, but no FTP: an FTP client meets a server that greets as SSH does; a web server "
                     "is asked by a web client", [], ["curl"], ["not-ftp-on-control-port"]) as s:
            curl("--max-time", "5", f"ftp://{SERVERS4[0]}/hello.txt", "-o", "x", ok=(8, 28))
            curl("--max-time", "5", f"http://{SERVERS4[1]}:21/hello.txt", "-o", "hello.txt")
            assert on_client("hello.txt") == TXT
            s.truth["server"] = "Python, plain sockets and http.server"
    finally:
        for o in others:
            o.stop()


@sample()
def fail_oneway():
    home({"hello.txt": TXT, "noise-8k.bin": noise("oneway", 8000)})
    with Failing("fail-oneway", "A download of which only what the server sent was recorded", Vsftpd(), ["curl"],
                 ["capture-one-way"], args=["src", "host", SERVER4], options=[f"tcpdump: src host {SERVER4}"]) as s:
        curl("--disable-epsv", f"ftp://{SERVER4}/hello.txt", "-o", "hello.txt", f"ftp://{SERVER4}/noise-8k.bin", "-o",
             "noise-8k.bin")
        s.session(user=None, hidden_user=USER)
        for n in "hello.txt", "noise-8k.bin":
            s.transfer("RETR", n, "/" + n, on_client(n), to="hidden_transfers",
                       note="its command is not in the capture; the replies and the data are")
