"""Probes that write or listen for a few seconds; runs on a host, prints lines, leaves nothing behind.

Python 3.6 with what Debian's python3-minimal has: no json, no http. The argument is a dict as Python
writes it: address and interface of this host, peers by name, tcp and udp port, seconds, mtu, directory to
sync in (or None), addresses to look for by ARP, url to fetch (or None).
"""

import ast
import errno
import os
import select
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

SYNCS, RECORD = 500, 2300  # as etcd writes: https://etcd.io/docs/latest/op-guide/hardware/#disks
MARK = b"slipway "
IP_MTU_DISCOVER, IP_PMTUDISC_DO = 10, 2  # linux/in.h
HEADERS = 28  # of IPv4 and UDP


def say(*words):
    """Print one line at once, so that a probe that is cut off has still said what it knew."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def fsync(directory):
    """Time synced writes into a file of its full size, which is how a write-ahead log grows."""
    place = Path(directory)
    while not place.is_dir():
        place = place.parent
    path = place / f".slipway-fsync-{os.getpid()}"
    file = os.open(str(path), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        path.unlink()  # it is gone whatever happens to this process
        os.write(file, b"\0" * SYNCS * RECORD)
        os.fsync(file)
        os.lseek(file, 0, os.SEEK_SET)
        until = time.monotonic() + 20
        for _ in range(SYNCS):
            start = time.monotonic()
            os.write(file, b"x" * RECORD)
            os.fdatasync(file)
            say("fsync", f"{(time.monotonic() - start) * 1000:.3f}")
            if time.monotonic() > until:
                break
    finally:
        os.close(file)


def listening(kind, address, port):
    """Return a socket that listens; None when somebody else does already."""
    found = socket.socket(socket.AF_INET, kind)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((address, port))
        if kind == socket.SOCK_STREAM:
            found.listen(64)
    except OSError as error:
        found.close()
        if error.errno != errno.EADDRINUSE:
            raise
        return None
    return found


def connects(address, port):
    """Say whether a TCP connection comes about."""
    try:
        socket.create_connection((address, port), timeout=0.5).close()
    except OSError:
        return False
    return True


def reaches(asked):
    """Answer the peers, and try each of them until it answered or the time is over."""
    tcp = listening(socket.SOCK_STREAM, asked["address"], asked["tcp"])
    udp = listening(socket.SOCK_DGRAM, asked["address"], asked["udp"])
    if udp is not None:
        udp.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
    names = {address: name for name, address in asked["peers"].items()}
    done = {(name, kind): False for name in asked["peers"] for kind in ("tcp", "udp", "mtu")}
    until = time.monotonic() + asked["seconds"]
    while time.monotonic() < until:
        for name, address in asked["peers"].items():
            if not done[name, "tcp"]:
                done[name, "tcp"] = connects(address, asked["tcp"])
            if udp is not None:
                _send(udp, address, asked, done, name)
        _answer([each for each in (tcp, udp) if each is not None], names, done)
    for (name, kind), ok in sorted(done.items()):
        busy = kind != "tcp" and udp is None
        say("mesh", name, kind, "busy" if busy else "ok" if ok else "no")


def _send(udp, address, asked, done, name):
    """Send a small packet, and one that fills the MTU and must not be cut."""
    for kind, size in (("udp", 64), ("mtu", asked["mtu"] - HEADERS)):
        if not done[name, kind]:
            body = MARK + kind.encode()
            try:
                udp.sendto(body + b"." * (size - len(body)), (address, asked["udp"]))
            except OSError:
                continue  # too long for this host's own interface, or no route


def _answer(sockets, names, done):
    """Take what has come for a moment: connections are closed, packets are acknowledged in few bytes."""
    until = time.monotonic() + 0.2
    while time.monotonic() < until:
        ready, _, _ = select.select(sockets, [], [], 0.05)
        for each in ready:
            if each.type == socket.SOCK_STREAM:
                each.accept()[0].close()
                continue
            body, (address, port) = each.recvfrom(65536)
            if body.startswith(MARK + b"ack "):
                kind = body[len(MARK) + 4 :].decode(errors="replace")
                if (names.get(address), kind) in done:
                    done[names[address], kind] = True
            elif body.startswith(MARK):
                each.sendto(MARK + b"ack " + body[len(MARK) : len(MARK) + 3], (address, port))


def arp(interface, addresses):
    """Ask who has each address, as RFC 5227 does before it takes one: without claiming anything."""
    mac = bytes.fromhex(Path(f"/sys/class/net/{interface}/address").read_text().strip().replace(":", ""))
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))
    link.bind((interface, 0))
    wanted, found = set(addresses), {}
    for _ in range(3):
        for address in sorted(wanted - set(found)):
            target = bytes(6) + socket.inet_aton(address)
            question = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + mac + bytes(4) + target
            link.send(b"\xff" * 6 + mac + struct.pack("!H", 0x0806) + question)
        until = time.monotonic() + 0.7
        while time.monotonic() < until:
            if select.select([link], [], [], 0.05)[0]:
                frame = link.recv(64)
                if len(frame) >= 42 and frame[20:22] == b"\0\2":
                    sender = socket.inet_ntoa(frame[28:32])
                    if sender in wanted:
                        found[sender] = frame[22:28].hex()
    link.close()
    for address, sender in sorted(found.items()):
        say("arp", address, ":".join(sender[i : i + 2] for i in range(0, 12, 2)))


def speed(url):
    """Fetch for at most three seconds, into nothing."""
    bound = ["curl", "-sfo", "/dev/null", "-m", "3", "-w", "%{http_code} %{size_download} %{time_total}", url]
    said = subprocess.run(bound, stdout=subprocess.PIPE, check=False).stdout.decode().split()
    if len(said) != 3 or said[0] != "200" or float(said[2]) == 0:
        raise OSError(f"curl {url}: {' '.join(said)}")
    say("speed", f"{float(said[1]) / 1e6 / float(said[2]):.1f}")


def main():
    """Run what was asked for; one probe that fails does not keep the others from running."""
    asked = ast.literal_eval(sys.argv[1])
    probes = [("mesh", lambda: reaches(asked))]
    if asked["arp"]:
        probes.append(("arp", lambda: arp(asked["interface"], asked["arp"])))
    if asked["directory"]:
        probes.append(("fsync", lambda: fsync(asked["directory"])))
    if asked["url"]:
        probes.append(("speed", lambda: speed(asked["url"])))
    for name, probe in probes:
        try:
            probe()
            say("ran", name)
        except (OSError, ValueError) as error:
            say("failed", name, error)


main()
