#!/bin/sh
# Records two-vnis.pcap: two customers behind the same two VXLAN endpoints.
#
#   sudo sh two-vnis.sh FOLDER
#
# Needs root, a kernel with network namespaces, veth pairs and VXLAN, and iproute2, ethtool,
# tcpdump, curl and Python with pyftpdlib. FOLDER gets the capture and the disks of servers
# (srva, srvb) and clients (clia, clib).
#
# The devices of the customers are as large as the network below them, so that full segments
# leave the endpoints in fragments.
set -eu

out=${1:?folder}
mkdir -p "$out"
spaces='tva tvb tva1 tva2 tvb1 tvb2'
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
offload() { ip netns exec "$1" ethtool -K "$2" tso off gso off gro off tx off >/dev/null 2>&1 || true; }

ip -n tva link add wire type veth peer name wire netns tvb
ip -n tva addr add 192.0.2.1/24 dev wire
ip -n tvb addr add 192.0.2.2/24 dev wire
for space in tva tvb; do ip -n $space link set wire up; offload $space wire; done

vni=10
for customer in a b; do
    ip -n tva link add vx type vxlan id $vni dstport 4789 local 192.0.2.1 remote 192.0.2.2
    ip -n tva link set vx netns tv${customer}1
    ip -n tvb link add vx type vxlan id $vni dstport 4789 local 192.0.2.2 remote 192.0.2.1
    ip -n tvb link set vx netns tv${customer}2
    for end in 1 2; do
        ip -n tv$customer$end link set vx mtu 1500 up
        ip -n tv$customer$end addr add 10.0.0.$end/24 dev vx
        offload tv$customer$end vx
    done
    vni=$((vni + 10))
    mkdir -p "$out/srv$customer" "$out/cli$customer"
    head -c 24000 /dev/urandom >"$out/srv$customer/report.bin"
    head -c 9000 /dev/urandom >"$out/cli$customer/up.bin"
    echo "customer $customer" >"$out/srv$customer/name.txt"
    ip netns exec tv${customer}2 python3 -m pyftpdlib -w -i 10.0.0.2 -p 21 \
        -u labuser -P labpass-$customer -d "$out/srv$customer" >/dev/null 2>&1 &
    pids="$pids $!"
done
sleep 5
ip netns exec tva tcpdump -U -i wire -w "$out/two-vnis.pcap" 2>/dev/null &
pids="$pids $!"
sleep 1

client() {
    customer=$1; shift
    ip netns exec tv${customer}1 curl -s --user labuser:labpass-$customer "$@"
}
both() {
    "$1" a & first=$!
    "$1" b
    wait $first
}
download() {
    client $1 --local-port 40000-40010 ftp://10.0.0.2/report.bin -o "$out/cli$1/report.bin" \
        ftp://10.0.0.2/name.txt -o "$out/cli$1/name.txt"
}
upload() { client $1 -T "$out/cli$1/up.bin" ftp://10.0.0.2/up.bin; }
both download
both upload
sleep 1
