#!/bin/sh
# Records the sample captures of this folder again.
#
#   sudo sh record.sh [-o FOLDER] [-k] [SAMPLE ...]
#
#   -o FOLDER   write the captures there (default: the folder of this script)
#   -k          keep the work folder (logs; the disks of client and server are gone anyway)
#   SAMPLE ...  only these (names as in README.md); default: all
#
# Needs root on Debian 12 (or a relative), a kernel with network namespaces,
# veth pairs and nftables, and these packages:
#
#   apt-get install tshark tcpdump lftp ncftp tnftp curl vsftpd nftables \
#       iproute2 ethtool openssl python3 python3-pip util-linux procps \
#       hydra medusa ncrack nmap zip p7zip-full wget \
#       libhiredis0.14 libmemcached11 libmemcachedutil2 libpcre2-posix3 libsodium23 libwrap0
#   pip install pyftpdlib
#
# vsftpd, proftpd and pure-ftpd exclude one another as Debian packages.  Install
# one of them; those that are missing are fetched with "apt-get download" and
# unpacked (not installed) into the work folder.  Or name the programs in
# the environment: VSFTPD=..., PROFTPD=..., PURE_FTPD=...
#
# Everything happens inside namespaces of its own (mounts, network, processes,
# host name): the machine's users, network and folders are not touched, and all
# of it is gone when the script ends, however it ends.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=$here
keep=
while getopts o:k opt; do
    case $opt in
        o) mkdir -p "$OPTARG"; out=$(cd "$OPTARG" && pwd) ;;
        k) keep=yes ;;
        *) echo "usage: $0 [-o FOLDER] [-k] [SAMPLE ...]" >&2; exit 2 ;;
    esac
done
shift $((OPTIND - 1))

[ "$(id -u)" = 0 ] || { echo "$0: needs root" >&2; exit 1; }

missing=
for program in tshark editcap dumpcap tcpdump lftp ncftpget tnftp curl nft ip \
        ethtool openssl python3 unshare hydra medusa ncrack nmap zip 7z \
        wget; do
    command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
[ -z "$missing" ] || { echo "$0: missing:$missing (see the head of this script)" >&2; exit 1; }
python3 -c 'import pyftpdlib' 2>/dev/null ||
    { echo "$0: missing: Python package pyftpdlib" >&2; exit 1; }

work=$(mktemp -d "${TMPDIR:-/tmp}/record.XXXXXX")
chmod 755 "$work"
cleanup() {
    if [ -n "$keep" ]; then echo "work folder kept: $work" >&2; else rm -rf "$work"; fi
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# find_server VARIABLE PROGRAM PACKAGE...
find_server() {
    variable=$1; program=$2; shift 2
    eval "found=\${$variable:-}"
    [ -n "$found" ] || found=$(command -v "$program" || :)
    if [ -z "$found" ]; then
        mkdir -p "$work/servers"
        (cd "$work/servers" && apt-get download "$@" >/dev/null 2>&1 &&
            for package in "$@"; do dpkg -x "$package"_*.deb . ; done)
        found=$work/servers/usr/sbin/$program
    fi
    [ -x "$found" ] || { echo "$0: no $program" >&2; exit 1; }
    if ldd "$found" | grep -q 'not found'; then
        echo "$0: $program lacks libraries:" >&2; ldd "$found" | grep 'not found' >&2; exit 1
    fi
    eval "$variable=\$found; export $variable"
}
find_server VSFTPD vsftpd vsftpd
find_server PROFTPD proftpd proftpd-core proftpd-mod-crypto
find_server PURE_FTPD pure-ftpd pure-ftpd pure-ftpd-common

export LC_ALL=C.UTF-8 TZ=UTC
unshare --mount --net --pid --uts --fork --kill-child --mount-proc \
    --propagation private \
    python3 -B "$here/record.py" "$work" "$out" "$@"
