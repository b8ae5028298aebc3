//! Lines as servers send them, and what they say: see `spelled`.

pub(super) const UNIX: &[(&str, &str)] = &[
    (
        "-rw-r--r--   1 root     other        531 Jan 29 03:26 README",
        "file [README] 531 --01-29T03:26 -rw-r--r-- root other",
    ),
    (
        "dr-xr-xr-x   2 root     other        512 Apr  8  1994 etc",
        "directory [etc] 512 1994-04-08 dr-xr-xr-x root other",
    ),
    (
        "dr-xr-xr-x   2 root     512 Apr  8  1994 etc",
        "directory [etc] 512 1994-04-08 dr-xr-xr-x root -",
    ),
    (
        "drwxrwxrwx 1              0 Jan  1 00:00 sub/",
        "directory [sub] 0 --01-01T00:00 drwxrwxrwx - -",
    ),
    ("drwxr-xr-x 2 a b 512 Jan  1 00:00 /", "directory [/] 512 --01-01T00:00 drwxr-xr-x a b"),
    (
        "-rw-r--r-- ftp ftp 12 Feb 29 2024 no links",
        "file [no links] 12 2024-02-29 -rw-r--r-- ftp ftp",
    ),
    ("-rw-r--r-- 12 Feb 29 2024 size only", "file [size only] 12 2024-02-29 -rw-r--r-- - -"),
    (
        "-rw-r--r--.  1 1000 1000 18446744073709551615 Mar  3 09:01 selinux",
        "file [selinux] 18446744073709551615 --03-03T09:01 -rw-r--r--. 1000 1000",
    ),
    (
        "-rwxrw-r--+  1 521      101         2080 May 21 10:53 acl.csv",
        "file [acl.csv] 2080 --05-21T10:53 -rwxrw-r--+ 521 101",
    ),
    (
        "-rw-r--r--@  1 ann  staff  6148 Feb 29 12:00 .DS_Store",
        "file [.DS_Store] 6148 --02-29T12:00 -rw-r--r--@ ann staff",
    ),
    (
        "drwxrwsr-t  12 501 20 4096 Dec 31 23:59 pub",
        "directory [pub] 4096 --12-31T23:59 drwxrwsr-t 501 20",
    ),
    (
        "-rw-r--r-- 1 john Domain Users 531 Jan 29 03:26 x",
        "file [x] 531 --01-29T03:26 -rw-r--r-- john Domain Users",
    ),
    (
        "-rw-r--r-- 1 Domain Admins  users 531 Jan 29 03:26 x",
        "file [x] 531 --01-29T03:26 -rw-r--r-- Domain Admins users",
    ),
    (
        "-rw-r--r-- 1 EXAMPLE\\john  EXAMPLE\\domain users 531 Jan 29 03:26 x",
        "file [x] 531 --01-29T03:26 -rw-r--r-- EXAMPLE\\john EXAMPLE\\domain users",
    ),
    (
        "brw-rw----   1 root     disk       8,   0 Jan  1 00:00 sda",
        "other [sda] - --01-01T00:00 brw-rw---- root disk",
    ),
    (
        "crw-rw-rw- 1 root wheel 0x3000002 Jan  1 00:00 null",
        "other [null] - --01-01T00:00 crw-rw-rw- root wheel",
    ),
    (
        "srwxrwxrwx 1 mysql mysql 0 Jan  1 00:00 mysql.sock",
        "other [mysql.sock] - --01-01T00:00 srwxrwxrwx mysql mysql",
    ),
    (
        "prw-r--r-- 1 root root 0 Jan  1 00:00 pipe",
        "other [pipe] - --01-01T00:00 prw-r--r-- root root",
    ),
    (
        "lrwxrwxrwx   1 root     other          7 Jan 25 00:17 bin -> usr/bin",
        "link [bin] -> [usr/bin] 7 --01-25T00:17 lrwxrwxrwx root other",
    ),
    (
        "lrwxrwxrwx 1 root other 1 Jan 25 00:17 a -> b -> c",
        "link [a -> b] -> [c] 1 --01-25T00:17 lrwxrwxrwx root other",
    ),
    (
        "lrwxrwxrwx 1 root other 6 Jan 25 00:17 a -> b -> c",
        "link [a] -> [b -> c] 6 --01-25T00:17 lrwxrwxrwx root other",
    ),
    (
        "lrwxrwxrwx 1 root other 99 Jan 25 00:17 a -> b",
        "link [a] -> [b] 99 --01-25T00:17 lrwxrwxrwx root other",
    ),
    ("lrwxrwxrwx 1 root other 5 Jan 25 00:17 a", "link [a] 5 --01-25T00:17 lrwxrwxrwx root other"),
    (
        "-rw-r--r-- 1 root root 4.0K Jan 25 00:17 rounded",
        "file [rounded] - --01-25T00:17 -rw-r--r-- root root",
    ),
    (
        "-r-xr-xr-x longowner longgroup123456 Feb 12 17:20 glued",
        "file [glued] - --02-12T17:20 -r-xr-xr-x longowner -",
    ),
    (
        "-rw-r--r-- 1 jan 12 2048 Feb 29 2024 an owner like a month",
        "file [an owner like a month] 2048 2024-02-29 -rw-r--r-- jan 12",
    ),
    (
        "1234 8 -rw-r--r-- 1 root root 531 Jan 29 03:26 inode and blocks",
        "file [inode and blocks] 531 --01-29T03:26 -rw-r--r-- root root",
    ),
    ("d????????? ? ? ? ?            ? secret", "directory [secret] - - - - -"),
    (
        "----------   1 owner    group         1803128 Jul 10 10:18 ls-lR.Z",
        "file [ls-lR.Z] 1803128 --07-10T10:18 ---------- owner group",
    ),
    (
        "d---------   1 owner    group               0 May  9 19:45 Softlib",
        "directory [Softlib] 0 --05-09T19:45 d--------- owner group",
    ),
    (
        "-rwxrwxrwx   1 noone    nogroup      322 Aug 19  1996 message.ftp",
        "file [message.ftp] 322 1996-08-19 -rwxrwxrwx noone nogroup",
    ),
    (
        "-------r--         326  1391972  1392298 Nov 22  1995 MegaPhone.sit",
        "file [MegaPhone.sit] 1392298 1995-11-22 -------r-- - -",
    ),
    (
        "drwxrwxr-x               folder        2 May 10  1996 network",
        "directory [network] - 1996-05-10 drwxrwxr-x - -",
    ),
    (
        "d [RWCEAFMS] supervisor            512       Jan 16 18:53    login",
        "directory [login] 512 --01-16T18:53 RWCEAFMS supervisor -",
    ),
    (
        "- [RWCEAFMS]          0                       1576 Feb 08  2000 00README",
        "file [00README] 1576 2000-02-08 RWCEAFMS 0 -",
    ),
    (
        "d[R----F-]  1 raj           512 Nov 30  2001 incoming",
        "directory [incoming] 512 2001-11-30 R----F- raj -",
    ),
    (
        "-rw-r--r-- 1 root root 5 Feb 30 12:00 no such day",
        "? -rw-r--r-- 1 root root 5 Feb 30 12:00 no such day",
    ),
    ("-rw-r--r-- 1 root root 5 Feb 28 12:00 ", "? -rw-r--r-- 1 root root 5 Feb 28 12:00 "),
    ("-rw-r--r-- 1 root root", "? -rw-r--r-- 1 root root"),
    ("Zrw-r--r-- 1 root root 5 Feb 28 12:00 x", "? Zrw-r--r-- 1 root root 5 Feb 28 12:00 x"),
    (
        "-rw-r--r-- 1 a b 18446744073709551616 Feb 28 12:00 x",
        "file [x] - --02-28T12:00 -rw-r--r-- a b",
    ),
];

/// Of the same file, most of them.
pub(super) const UNIX_DATES: &[(&str, &str)] = &[
    ("-rw-r--r-- 1 a b 5 2024-02-29 12:00 x", "file [x] 5 2024-02-29T12:00 -rw-r--r-- a b"),
    (
        "-rw-r--r-- 1 a b 5 2024-02-29 12:00:05.123456789 +0100 x",
        "file [x] 5 2024-02-29T11:00:05Z -rw-r--r-- a b",
    ),
    ("-rw-r--r-- 1 a b 5 2024-02-29 12:00:05 x", "file [x] 5 2024-02-29T12:00:05 -rw-r--r-- a b"),
    ("-rw-r--r-- 1 a b 5 02-29 12:00 x", "file [x] 5 --02-29T12:00 -rw-r--r-- a b"),
    ("-rw-r--r-- 1 a b 5 2024-02-29  x", "file [x] 5 2024-02-29 -rw-r--r-- a b"),
    ("-rw-r--r-- 1 a b 5 1999/10/12 17:12 x", "file [x] 5 1999-10-12T17:12 -rw-r--r-- a b"),
    ("-rw-r--r-- 1 a b 5 24-04-2003 17:12 x", "file [x] 5 2003-04-24T17:12 -rw-r--r-- a b"),
    ("-rw-r--r-- 1 a b 5 04-05-2003 17:12 x", "file [x] 5 - -rw-r--r-- a b"),
    ("-rw-r--r-- 1 a b 5 29.02.2024 12:00 x", "file [x] 5 2024-02-29T12:00 -rw-r--r-- a b"),
    ("-r-xr-xr-x 2 owner group 5 01-jun-99 x", "file [x] 5 1999-06-01 -r-xr-xr-x owner group"),
    ("-rw-r--r-- 1 a b 5 Feb 29 2024 x", "file [x] 5 2024-02-29 -rw-r--r-- a b"),
    ("-rw-r--r-- 1 a b 5 Feb 29 12:00:05 2024 x", "file [x] 5 2024-02-29T12:00:05 -rw-r--r-- a b"),
    (
        "-rw-r--r-- 1 a b 5 Thu Feb 29 12:00:05 2024 x",
        "file [x] 5 2024-02-29T12:00:05 -rw-r--r-- a b",
    ),
    ("-rw-r--r-- 1 a b 5 29 Feb 12:00 x", "file [x] 5 --02-29T12:00 -rw-r--r-- a b"),
    ("-rw-r--r-- 1 a b 5 29 févr. 12:00 x", "file [x] 5 --02-29T12:00 -rw-r--r-- a b"),
    ("-rw-r--r-- 1 a b 5 août 15  2023 x", "file [x] 5 2023-08-15 -rw-r--r-- a b"),
    ("-rw-r--r-- 1 a b 5 Mär  3 2024 x", "file [x] 5 2024-03-03 -rw-r--r-- a b"),
    ("-rw-r--r-- 1 a b 5 26. Juli, 20:10 x", "file [x] 5 --07-26T20:10 -rw-r--r-- a b"),
    ("-rw-r--r-- 1 a b 5  2.   Okt.  2003 x", "file [x] 5 2003-10-02 -rw-r--r-- a b"),
    ("-rw-r--r-- 1 a b 5 Dez 24 18:00 x", "file [x] 5 --12-24T18:00 -rw-r--r-- a b"),
    ("-rw-r--r-- 1 a b 5 ene 15 09:30 x", "file [x] 5 --01-15T09:30 -rw-r--r-- a b"),
    ("-rw-r--r-- 1 a b 5 gen 15 09:30 x", "file [x] 5 --01-15T09:30 -rw-r--r-- a b"),
    ("-rw-r--r-- 1 a b 5 15 mag 09:30 x", "file [x] 5 --05-15T09:30 -rw-r--r-- a b"),
    ("-rw-r--r-- 1 a b 5 set 15 09:30 x", "file [x] 5 --09-15T09:30 -rw-r--r-- a b"),
    ("-rw-r--r-- 1 a b 5 mrt 15 09:30 x", "file [x] 5 --03-15T09:30 -rw-r--r-- a b"),
    ("-rw-r--r-- 1 a b 5 янв 15 09:30 x", "file [x] 5 --01-15T09:30 -rw-r--r-- a b"),
    ("-rw-r--r-- 1 a b 5 paź 15 09:30 x", "file [x] 5 --10-15T09:30 -rw-r--r-- a b"),
    ("-rw-r--r-- 1 a b 5  2月 29日 12:00 x", "file [x] 5 --02-29T12:00 -rw-r--r-- a b"),
    ("-rw-r--r-- 1 a b 5 12月  9  2023 x", "file [x] 5 2023-12-09 -rw-r--r-- a b"),
    ("-rw-r--r-- 1 a b 5  2월 29 12:00 x", "file [x] 5 --02-29T12:00 -rw-r--r-- a b"),
];

pub(super) const NAMES: &[(&str, &str)] = &[
    (
        "-rw-r--r-- 1 a b 5 Dec 02  2009   foo   bar ",
        "file [  foo   bar ] 5 2009-12-02 -rw-r--r-- a b",
    ),
    ("-rw-r--r-- 1 a b 5 Dec 02  2009 a -> b", "file [a -> b] 5 2009-12-02 -rw-r--r-- a b"),
    (
        "-rw-r--r-- 1 a b 5 Dec 02 10:00 2009 plan",
        "file [2009 plan] 5 --12-02T10:00 -rw-r--r-- a b",
    ),
    (
        "-rw-r--r-- 1 a b 5 Dec 02 10:00 Mar 12 2023",
        "file [Mar 12 2023] 5 --12-02T10:00 -rw-r--r-- a b",
    ),
    ("drwxr-xr-x 2 a b 5 Dec 02 10:00 .", "directory [.] 5 --12-02T10:00 drwxr-xr-x a b"),
    ("drwxr-xr-x 2 a b 5 Dec 02 10:00 ..", "directory [..] 5 --12-02T10:00 drwxr-xr-x a b"),
    (
        "-rw-r--r-- 1 a b 5 Dec 02 10:00 ends with:",
        "file [ends with:] 5 --12-02T10:00 -rw-r--r-- a b",
    ),
    ("-rw-r--r-- 1 a b 5 Dec 02 10:00 файл", "file [файл] 5 --12-02T10:00 -rw-r--r-- a b"),
];

pub(super) const OTHERS: &[(&str, &str)] = &[
    ("01-02-26  03:04AM       <DIR>          sub", "directory [sub] - 2026-01-02T03:04 - - -"),
    ("01-02-26  12:04AM       <DIR>           sub ", "directory [ sub ] - 2026-01-02T00:04 - - -"),
    (
        "04-14-99  03:47PM                  589 readme.htm",
        "file [readme.htm] 589 1999-04-14T15:47 - - -",
    ),
    ("04-14-2000  03:47PM            1,234,567  two", "file [ two] 1234567 2000-04-14T15:47 - - -"),
    (
        "2002-09-02  18:48                9,730 a b.txt",
        "file [a b.txt] 9730 2002-09-02T18:48 - - -",
    ),
    ("2002-09-02  18:48 <DIR> short", "directory [short] - 2002-09-02T18:48 - - -"),
    (
        "14.04.2000  15:47            1.234.567 deutsch",
        "file [deutsch] 1234567 2000-04-14T15:47 - - -",
    ),
    ("03/08/2000  12:24p           51,346 nt", "file [nt] 51346 2000-03-08T12:24 - - -"),
    (
        "23/08/2000  12:24            51346 day first",
        "file [day first] 51346 2000-08-23T12:24 - - -",
    ),
    ("04-14-00  03:47 PM           589 apart", "file [apart] 589 2000-04-14T15:47 - - -"),
    (
        "01-02-26  03:04AM    <JUNCTION>     j [C:\\a [b]]",
        "link [j [C:\\a] -> [b]] - 2026-01-02T03:04 - - -",
    ),
    (
        "01-02-2026  03:04AM    <SYMLINKD>     link [\\??\\C:\\target dir]",
        "link [link] -> [\\??\\C:\\target dir] - 2026-01-02T03:04 - - -",
    ),
    ("01-02-26  03:04AM    <SYMLINK>      alone", "link [alone] - 2026-01-02T03:04 - - -"),
    ("13-32-26  03:04AM       <DIR>          sub", "? 13-32-26  03:04AM       <DIR>          sub"),
    ("01-02-26  03:04AM       <FOO>          sub", "? 01-02-26  03:04AM       <FOO>          sub"),
    (
        "     0           DIR   04-11-95   16:26  ADDRESS",
        "directory [ADDRESS] - 1995-04-11T16:26 - - -",
    ),
    ("36611      A    04-23-103   10:57  a file", "file [a file] 36611 2003-04-23T10:57 A - -"),
    (
        "2048    Feb-28-1998  05:23:30   sub       <DIR>",
        "directory [sub] - 1998-02-28T05:23:30 - - -",
    ),
    ("1234    Feb-28-1998  05:23:30   boot.bin", "file [boot.bin] 1234 1998-02-28T05:23:30 - - -"),
    ("+i8388621.29609,m824255902,/,\tdev", "directory [dev] - 1996-02-13T23:58:22Z - - -"),
    (
        "+i8388621.44468,m839956783,r,s10376,up644,\tRFC EPLF",
        "file [RFC EPLF] 10376 1996-08-13T17:19:43Z 644 - -",
    ),
    ("+\tname only", "unknown [name only] - - - - -"),
    (
        "README.TXT;4   213   29-JAN-1996 03:33 [ANONYMOU,ANONYMOUS] (RWED,RWED,,)",
        "file [README.TXT;4] - 1996-01-29T03:33 RWED,RWED,, ANONYMOUS ANONYMOU",
    ),
    (
        "CORE.DIR;1          1  8-SEP-1996 16:09 [SYSTEM] (RWE,RWE,RE,RE)",
        "directory [CORE.DIR;1] - 1996-09-08T16:09 RWE,RWE,RE,RE SYSTEM -",
    ),
    (
        "A.TEX;1  213/216  29-JAN-1996 03:33:12.99  [A,B]   (RWED,RWED,,)",
        "file [A.TEX;1] - 1996-01-29T03:33:12 RWED,RWED,, B A",
    ),
    (
        "A.TEX;1   [SUMMARY]    1/3     2-AUG-2006 13:05  (RWE,RWE,RE,)",
        "file [A.TEX;1] - 2006-08-02T13:05 RWE,RWE,RE, SUMMARY -",
    ),
    ("A.TEX;1    2/8    15-JAN-2000    [IV2_XXX]", "file [A.TEX;1] - 2000-01-15 - IV2_XXX -"),
    (
        "[VMSSERV.FILES]ALARM.DIR;1 1/3 5-MAR-1993 18:09",
        "directory [[VMSSERV.FILES]ALARM.DIR;1] - 1993-03-05T18:09 - - -",
    ),
    ("README.FTP;1        %RMS-E-PRV, insufficient privilege", "file [README.FTP;1] - - - - -"),
    (
        "SCPMV5 3380   1999/03/02  1    8  VBA    125   129  PS  SPFLOG1.LIST",
        "file [SPFLOG1.LIST] - - - - -",
    ),
    (
        "F1DBAR 3390   2016/12/19  3   19  FB      80  3120  PO  'CB12V51.CNTL'",
        "directory ['CB12V51.CNTL'] - - - - -",
    ),
    (
        "COUPLESV  01.02 1996/06/21 1996/10/21 23:13    34    34     2 RALEY",
        "file [COUPLESV] - 1996-10-21T23:13 - - -",
    ),
    (
        "QSYS            77824 02/23/00 15:09:55 *DIR       QOpenSys/",
        "directory [QOpenSys] 77824 2000-02-23T15:09:55 - QSYS -",
    ),
    (
        "QPGMR           36864 18.09.06 14:21:38 *FILE      QPGMR/QWOBJ.FILE",
        "file [QPGMR/QWOBJ.FILE] 36864 2006-09-18T14:21:38 - QPGMR -",
    ),
    ("QSYS            77824 02/03/04 15:09:55 *STMF a b", "file [a b] 77824 - - QSYS -"),
    (
        "QSYS      *MEM       QGPL/QCLSRC.FILE/UNITTEST.MBR",
        "file [QGPL/QCLSRC.FILE/UNITTEST.MBR] - - - QSYS -",
    ),
];

pub(super) const HEADINGS: &[(&str, &str)] = &[
    ("total 12", "# total 12"),
    ("total 4.0K", "# total 4.0K"),
    ("insgesamt 12", "# insgesamt 12"),
    ("итого 12", "# итого 12"),
    ("总用量 12", "# 总用量 12"),
    ("Total of 11 Files, 10966 Blocks.", "# Total of 11 Files, 10966 Blocks."),
    ("Directory SYS$SYSDEVICE:[ANONYMOUS]", "# Directory SYS$SYSDEVICE:[ANONYMOUS]"),
    ("DISK$ANONFTP:[ANONYMOUS]", "# DISK$ANONFTP:[ANONYMOUS]"),
    ("./sub dir:", "# ./sub dir:"),
    ("  ", "#   "),
    ("  size          date       time       name", "#   size          date       time       name"),
    (
        "--------       ------     ------    --------",
        "# --------       ------     ------    --------",
    ),
    ("ls: cannot open directory .", "? ls: cannot open directory ."),
    ("total", "? total"),
    ("name", "? name"),
];

pub(super) const FACTS: &[(&str, &str)] = &[
    (
        "type=file;size=12;modify=20240229120005.123;UNIX.mode=0644;UNIX.owner=ann; a b.txt",
        "file [a b.txt] 12 2024-02-29T12:00:05Z 0644 ann -",
    ),
    (
        "Type=dir;Sizd=4096;Modify=20240229120005; sub",
        "directory [sub] 4096 2024-02-29T12:00:05Z - - -",
    ),
    ("type=cdir;perm=el; /home", "directory [/home] - - el - -"),
    ("TYPE=PDIR;UNIX.MODE=0755;PERM=el; ..", "directory [..] - - 0755 - -"),
    (" type=file;size=5; /x", "file [/x] 5 - - - -"),
    ("size=5;type=file;  x ", "file [ x ] 5 - - - -"),
    ("type=file;size=5 x", "file [x] 5 - - - -"),
    (
        "type=OS.unix=slink:/a target;UNIX.uid=0;UNIX.gid=1;UNIX.ownername=root; link",
        "link [link] -> [/a target] - - - root 1",
    ),
    ("type=OS.unix=symlink;size=5; link", "link [link] 5 - - - -"),
    ("type=OS.unix=slink:; link", "link [link] - - - - -"),
    ("type=OS.unix=chr-13/29; null", "other [null] - - - - -"),
    ("type=file;modify=20240230120005;size=many; x", "file [x] - - - - -"),
    ("size=18446744073709551616; x", "unknown [x] - - - - -"),
    (" only a name", "unknown [only a name] - - - - -"),
    ("type=file;a=b=c; n=1; x", "file [n=1; x] - - - - -"),
    ("type=file;invalid; x", "none"),
    ("type=file;size=5;x", "none"),
    ("type=file;size=5; ", "none"),
    ("-rw-r--r-- 1 a b 5 Dec 02 10:00 x", "none"),
    (" ", "none"),
    ("", "none"),
];
