"""The samples of ordinary work that looks like an attack.  Imported by record.py, whose helpers
they share.  Nothing need be found in them.
"""
import contextlib
import ftplib
import os
import time

from __main__ import (
    CSV, HOME, PASSWORD, PNG, SERVER4, TXT, USER, VISITOR, Proftpd, PureFtpd, Vsftpd, client, connect, fetch, home, lftp,
    local, noise, on_client, on_server, run, sample, send, sh, sha, text)
from record_attacks import Recorded, accounts, wire
from record_failures import SERVERS4, leave, say


@sample()
def plain_mistyped():
    home({"hello.txt": TXT})
    with Recorded("plain-mistyped", "A user mistypes the password twice, seconds apart, and then gets it right",
                  Vsftpd(), ["ftplib"], []) as s:
        client(mistyping_client)
        for login in "refused", "refused", "accepted":
            s.session(login)
        s.down("hello.txt")


def mistyping_client():
    for password in "lab-secert-1", "lab-secret1":
        ftp = connect(login=False)
        assert say(ftp, "USER " + USER)[:3] == "331"
        time.sleep(2.3)
        assert say(ftp, "PASS " + password)[:3] == "530"
        time.sleep(1.7)
        leave(ftp)
    ftp = connect(pwd=True)
    fetch(ftp, "hello.txt")
    leave(ftp)


@sample()
def plain_public_mirror():
    files = {"pub/tool-1.2.tar.gz": noise("tool", 9000), "pub/tool-1.2.tar.gz.sha256": sha(noise("tool", 9000)).encode() + b"\n",
             "pub/lab-linux-13.iso": bytes(32769) + b"CD001" + noise("iso", 6000), "pub/README": text(6)}
    home(files)
    server = Vsftpd(anonymous_enable="YES", ftp_username="daemon", anon_root=HOME, anon_upload_enable="NO", no_anon_password="NO")
    with Recorded("plain-public-mirror", "A public server: anonymous downloads a few files that it offers, with two programs",
                  server, ["lftp", "curl"], []) as s:
        run("lftp", "-e", "cd pub; ls; get tool-1.2.tar.gz; get tool-1.2.tar.gz.sha256; bye", SERVER4)
        run("curl", "-sS", f"ftp://{SERVER4}/pub/lab-linux-13.iso", "-o", "lab-linux-13.iso", f"ftp://{SERVER4}/pub/README",
            "-o", "README")
        for _ in range(2):
            s.session(user="anonymous")
        s.logged_transfers(server, lambda path: on_client(os.path.basename(path)))


@sample()
def plain_web_deploy():
    home({"htdocs/old.html": b"<html>old</html>\n"})
    server = Vsftpd()
    with Recorded("plain-web-deploy", "A site of PHP, HTML and JavaScript files is put into the web server's folder by its usual "
                  "user", server, ["lftp"], []) as s:
        page = b"<?php require 'lib/db.php'; ?>\n<html><body><?= htmlspecialchars($title) ?></body></html>\n"
        site = {"index.php": page, "contact.php": page + b"<!-- contact -->\n", "lib/db.php": b"<?php\n$db = new PDO($dsn);\n",
                "lib/form.php": b"<?php\nfunction field($n) { return $_POST[$n] ?? ''; }\n", "about.html": b"<html>about</html>\n",
                "js/app.min.js": b"document.title='lab';\n", "css/site.css": b"body{margin:0}\n", "img/dot.png": PNG,
                ".htaccess": b"Options -Indexes\n"}
        for n, body in site.items():
            local("site/" + n, body)
        lftp("mirror -R site /htdocs")
        s.session()
        s.logged_transfers(server, lambda path: on_server(path.lstrip("/")))
        assert len(s.truth["transfers"]) == len(site)


@contextlib.contextmanager
def private_server(address="10.66.2.21"):
    """The server has a private address as well."""
    sh(f"ip addr add 10.66.2.1/24 dev s0; ip -n server addr add {address}/24 dev eth0")
    try:
        yield address
    finally:
        sh(f"ip addr del 10.66.2.1/24 dev s0; ip -n server addr del {address}/24 dev eth0")


@sample()
def plain_backup():
    home({"backup/monday.tar.gz": noise("monday", 500)})
    with private_server() as host, accounts(backup=PASSWORD), Recorded(
            "plain-backup", "A nightly backup: one archive goes from a client to a server of the same private network, to a "
            "temporary name", Vsftpd(host=host), ["ftplib"], []) as s:
        local("site/data.bin", noise("backup", 90000))
        run("tar", "czf", "tuesday.tar.gz", "site")
        client(backer, host)
        s.session(user="backup")
        s.up("tuesday.tar.gz.part", "backup/tuesday.tar.gz", path="/backup/tuesday.tar.gz.part",
             renamed_to="/backup/tuesday.tar.gz")


def backer(host):
    ftp = ftplib.FTP(timeout=20)
    ftp.connect(host)
    ftp.login("backup", PASSWORD)
    ftp.cwd("/backup")
    ftp.pwd()
    send(ftp, "tuesday.tar.gz", "STOR tuesday.tar.gz.part")
    ftp.rename("tuesday.tar.gz.part", "tuesday.tar.gz")
    leave(ftp)


@sample()
def plain_camera():
    home({"cam1/.keep": b""})
    with private_server() as host, accounts(camera=PASSWORD), Recorded(
            "plain-camera", "A camera sends a picture every two seconds to a server of the same private network, each in a session "
            "of its own", Vsftpd(host=host), ["ftplib"], []) as s:
        names = ["cam1_202601020304%02d.jpg" % (5 + 2 * i) for i in range(8)]
        for i, n in enumerate(names):
            local(n, b"\xff\xd8\xff\xe0\0\x10JFIF\0" + noise(f"cam{i}", 3000 + 37 * i) + b"\xff\xd9")
        client(camera, host, names)
        for n in names:
            s.session(user="camera")
            s.up(n, "cam1/" + n, path="/cam1/" + n)


def camera(host, names):
    began = time.monotonic()
    for i, n in enumerate(names):
        time.sleep(max(0, began + 2 * i - time.monotonic()))
        ftp = ftplib.FTP(timeout=20)
        ftp.connect(host)
        ftp.login("camera", PASSWORD)
        ftp.cwd("/cam1")
        send(ftp, n, "STOR " + n)
        leave(ftp)


@sample()
def plain_sync():
    home({"docs/old.txt": text(3)})
    server = Proftpd()
    with Recorded("plain-sync", "A folder is synchronised both ways; the times of the files sent are kept with MFMT",
                  server, ["lftp"], []) as s:
        names = ["notes.txt", "plan/table.csv", "plan/dot.png"]
        for n, body in zip(names, (TXT, CSV, PNG)):
            local("docs/" + n, body)
            os.utime(f"{VISITOR}/docs/{n}", (1700000000, 1700000000))
        lftp("mirror -R docs /docs; mirror /docs docs")
        s.session()
        for c in server.commands():
            verb, _, name = c.partition(" ")
            if verb in ("RETR", "STOR"):
                path = next("docs/" + n for n in names + ["old.txt"] if n.rsplit("/", 1)[-1] == name.rsplit("/", 1)[-1])
                (s.up if verb == "STOR" else s.down)(name, path, path="/" + path)
            s.truth["listings"] += verb in ("LIST", "NLST", "MLSD")
        assert any(c.startswith("MFMT") for c in server.commands()), server.commands()


@sample()
def plain_stale_job():
    home({"out/report.csv": CSV})
    with Recorded("plain-stale-job", "A scheduled job that was not told the new password asks every two seconds, twelve times, with "
                  "the old one", Vsftpd(), ["curl"], []) as s:
        began = time.monotonic()
        for i in range(12):
            time.sleep(max(0, began + 2 * i - time.monotonic()))
            run("curl", "-sS", "--disable-epsv", "-u", f"{USER}:last-years-1", f"ftp://{SERVER4}/out/report.csv", "-o", "x", ok=(67,))
            s.session("refused")


@sample()
def plain_monitoring():
    home({})
    servers = [Vsftpd(), Proftpd(host=SERVERS4[1]), PureFtpd(21, SERVERS4[2])]
    with Recorded("plain-monitoring", "A monitor of services reads the greetings of three servers and says QUIT, four times",
                  servers, ["socket"], []) as s:
        for _ in range(4):
            for host in SERVERS4[:3]:
                said = client(wire, host, b"QUIT\r\n")
                assert said.startswith("220"), said
                s.log_in(None, "none", server=host)
            time.sleep(3)


@sample()
def plain_clients():
    home({"pub/hello.txt": TXT})
    server = Vsftpd(anonymous_enable="YES", ftp_username="daemon", anon_root=HOME, no_anon_password="NO")
    with Recorded("plain-clients", "The same file fetched anonymously by six programs, each with the password and the order of "
                  "commands that it has by default", server, ["curl", "wget", "lftp", "tnftp", "ncftp", "ftplib"], []) as s:
        url = f"ftp://{SERVER4}/pub/hello.txt"
        run("curl", "-sS", url, "-o", "by-curl")
        run("wget", "-q", "-O", "by-wget", url)
        run("lftp", "-e", "get pub/hello.txt -o by-lftp; bye", SERVER4)
        run("tnftp", "-a", "-V", "-o", "by-tnftp", url)
        run("ncftpget", "-V", "-C", SERVER4, "pub/hello.txt", "by-ncftp")
        client(anonymous_python)
        programs = iter("curl wget lftp tnftp ncftp python".split())
        for line in server.commands():
            verb, _, name = line.partition(" ")
            if verb == "RETR":
                s.session(user="anonymous")
                s.down(name, "by-" + next(programs), path="/pub/hello.txt")
            s.truth["listings"] += verb in ("LIST", "NLST", "MLSD")


def anonymous_python():
    ftp = connect(login=False)
    ftp.login()
    fetch(ftp, "pub/hello.txt", "by-python")
    leave(ftp)
