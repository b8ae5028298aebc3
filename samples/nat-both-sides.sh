#!/bin/sh
# Records nat-both-sides.pcap: a client behind address translation, seen on both sides of the router.
#
#   sudo sh nat-both-sides.sh FOLDER
#
# Needs root, a kernel with network namespaces, veth pairs, address translation and its FTP helper,
# and iproute2, ethtool, nftables, tcpdump, curl and Python with pyftpdlib. FOLDER gets the capture
# and the disks of server (srv) and client (cli).
set -eu

out=${1:?folder}
mkdir -p "$out/srv" "$out/cli"
out=$(cd "$out" && pwd)
spaces='ncli nrtr nsrv'
pids=
cleanup() {
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    for space in $spaces; do ip netns del $space 2>/dev/null || true; done
}
trap cleanup EXIT
trap 'exit 130' INT TERM

for space in $spaces; do
    ip netns add $space
    ip -n $space link set lo up
done
ip -n nrtr link add c0 type veth peer name eth0 netns ncli
ip -n nrtr link add s0 type veth peer name eth0 netns nsrv
attach() {
    ip -n "$1" addr add "$3" dev "$2"
    ip -n "$1" link set "$2" up
    ip netns exec "$1" ethtool -K "$2" tso off gso off gro off tx off >/dev/null 2>&1 || true
}
attach nrtr c0 10.0.0.1/24
attach nrtr s0 203.0.113.1/24
attach ncli eth0 10.0.0.5/24
attach nsrv eth0 203.0.113.21/24
ip -n ncli route add default via 10.0.0.1
ip netns exec nrtr sysctl -qw net.ipv4.ip_forward=1
ip netns exec nrtr nft -f - <<'RULES'
table ip nat {
    ct helper ftp { type "ftp" protocol tcp; }
    chain in { type filter hook prerouting priority 0; tcp dport 21 ct helper set "ftp"; }
    chain out { type nat hook postrouting priority 100; oifname "s0" masquerade; }
}
RULES

head -c 24000 /dev/urandom >"$out/srv/report.bin"
head -c 9000 /dev/urandom >"$out/cli/up.bin"
printf 'one\r\ntwo\r\n' >"$out/srv/name.txt"
ip netns exec nsrv python3 -m pyftpdlib -w -i 203.0.113.21 -p 21 -u labuser -P labpass \
    -d "$out/srv" >/dev/null 2>&1 &
pids="$pids $!"
sleep 3
ip netns exec nrtr tcpdump -U -i any -w "$out/nat-both-sides.pcap" tcp 2>/dev/null &
pids="$pids $!"
sleep 1

cd "$out/cli"
get() { ip netns exec ncli curl -sS "$@"; }
url=ftp://labuser:labpass@203.0.113.21
get --disable-epsv -o report.bin $url/report.bin
get -T up.bin $url/up.bin
get -o name.txt $url/name.txt
get -P - --disable-eprt -o active.bin $url/report.bin
get $url/ -o list-1 &
get $url/ -o list-2
wait $!
sleep 1
