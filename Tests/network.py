#!/usr/bin/env python3
"""network.py ACTION ... : what tests of the pods' network do inside network namespaces.

serve PROTOCOL PORT         answers whoever asks with his address; until it is killed
keep HOST PORT SECONDS      asks by UDP from one socket, again and again, and prints each other answer
ask PROTOCOL HOST PORT [N]  asks that, and prints the answer, or `nothing` and why; N: over that many routers less one
ask-by MAC HOST PORT        asks that by UDP in a frame to a hardware address, from eth0; prints `answer` or `nothing`
ping HOST                   sends an echo request from a raw socket; prints `answer` or `nothing`
reach PORT HOST...          asks all hosts at once by TCP, UDP and ICMP, and prints `HOST PROTOCOL` for each answer
hear SECONDS [LINK]         prints a line for each frame that comes in on eth0 or LINK: address, kind, payload; 0 seconds:
                            until its standard input closes
shout LINK HOST             sends datagrams by LINK to everybody, to a group, and to the host
forge-out HOST...           sends frames from eth0 to hosts that are not in its network: by ARP, by IPv4 to everybody's and to
                            the hosts' hardware addresses, and by IPv6; prints what answers
forge OTHER-IP OTHER-MAC    sends frames from eth0 that a pod may not send, and last one that it may
"""
import errno
import select
import socket
import struct
import sys
import time


def serve(protocol, port):
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    own = socket.socket(socket.AF_INET, kind)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    own.bind(("0.0.0.0", int(port)))
    if protocol == "tcp":
        own.listen(16)
    print("ready", flush=True)
    while True:
        if protocol == "tcp":
            peer, address = own.accept()
            peer.sendall(address[0].encode())
            peer.close()
        else:
            _, address = own.recvfrom(100)
            own.sendto(address[0].encode(), address)


def ask(protocol, host, port, hops=None):
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    own = socket.socket(socket.AF_INET, kind)
    own.settimeout(0.5)
    if hops:
        own.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, int(hops))
    try:
        own.connect((host, int(port)))
        if protocol == "udp":
            own.send(b"who")
        print(own.recv(100).decode() or "nothing: closed")
    except OSError as error:
        print(f"nothing: {error}")


def keep(host, port):
    own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    own.settimeout(1)
    print("ready", flush=True)
    last, end = None, time.monotonic() + 60
    while time.monotonic() < end:
        own.sendto(b"who", (host, int(port)))
        try:
            answer = own.recv(100).decode()
        except OSError:
            answer = "nothing"
        if answer != last:
            print(answer, flush=True)
        last = answer
        time.sleep(0.05)


def reach(port, *hosts):
    waiting, found = {}, set()
    for host in hosts:
        for protocol in ["tcp", "udp"]:
            own = socket.socket(socket.AF_INET, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
            own.setblocking(False)
            try:
                error = own.connect_ex((host, int(port)))
                if error not in (0, errno.EINPROGRESS):
                    continue
                if protocol == "udp":
                    own.send(b"who")
            except OSError:
                continue
            waiting[own] = (host, protocol)
    echo = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    head = struct.pack("!BBHHH", 8, 0, 0, 78, 1)
    for host in hosts:
        try:
            echo.sendto(struct.pack("!BBHHH", 8, 0, checksum(head), 78, 1), (host, 0))
        except OSError:
            pass
    # Who answers at all does so long before.
    end = time.monotonic() + 2
    while (rest := end - time.monotonic()) > 0 and len(found) < 3 * len(hosts):
        for own in select.select([echo, *waiting], [], [], rest)[0]:
            if own is echo:
                data, address = own.recvfrom(2000)
                if data[20] == 0 and data[24:26] == struct.pack("!H", 78) and address[0] in hosts:
                    found.add((address[0], "icmp"))
                continue
            try:
                if own.recv(100):
                    found.add(waiting[own])
            except OSError:
                pass
            del waiting[own]
            own.close()
    for host, protocol in sorted(found):
        print(host, protocol)


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ping(host):
    own = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    own.settimeout(0.5)
    head = struct.pack("!BBHHH", 8, 0, 0, 77, 1)
    try:
        own.sendto(struct.pack("!BBHHH", 8, 0, checksum(head), 77, 1), (host, 0))
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            data, address = own.recvfrom(2000)
            if address[0] == host and data[20] == 0:
                return print("answer")
    except OSError:
        pass
    print("nothing")


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def ask_by(hardware, host, port):
    own = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    own.bind(("eth0", 0x0800))
    own.settimeout(0.1)
    packet = ipv4(open_address(), host, b"who", int(port))
    own.send(mac(hardware) + own.getsockname()[4] + struct.pack("!H", 0x0800) + packet)
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        try:
            frame, where = own.recvfrom(2000)
        except TimeoutError:
            continue
        if where[2] != 4 and socket.inet_ntoa(frame[26:30]) == host and frame[23] == 17:
            return print("answer")
    print("nothing")


def ipv4(source, target, payload, port=9):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + 8 + len(payload), 0, 0, 64, 17, 0,
                       socket.inet_aton(source), socket.inet_aton(target))
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return head + struct.pack("!HHHH", 9, port, 8 + len(payload), 0) + payload


def arp(mac_, address, target):
    return struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 2, mac_, socket.inet_aton(address), b"\0" * 6,
                       socket.inet_aton(target))


def forge(other, other_mac):
    own = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    own.bind(("eth0", 0x0800))
    me = own.getsockname()[4]
    address = open_address()
    gateway = address.rsplit(".", 1)[0] + ".1"
    unused = address.rsplit(".", 1)[0] + ".200"
    all_, them = b"\xff" * 6, mac(other_mac)
    false_mac = b"\x02\x50" + socket.inet_aton(unused)

    def send(target, source, kind, payload):
        own.send(target + source + struct.pack("!H", kind) + payload + b"\0" * 40)

    for to in [all_, them]:
        send(to, me, 0x0800, ipv4(gateway, other, b"forged gateway"))
        send(to, me, 0x0800, ipv4(unused, other, b"forged address"))
        send(to, me, 0x0800, ipv4("192.0.2.1", other, b"forged outside"))
        send(to, false_mac, 0x0800, ipv4(address, other, b"forged hardware"))
        send(to, false_mac, 0x0800, ipv4(unused, other, b"forged both"))
        send(to, me, 0x0806, arp(me, gateway, other))
        send(to, me, 0x0806, arp(false_mac, address, other))
        send(to, false_mac, 0x0806, arp(false_mac, unused, other))
        send(to, me, 0x8100, struct.pack("!HH", 1, 0x0800) + ipv4(address, other, b"forged vlan"))
        send(to, me, 0x88cc, b"forged lldp")
    # IPv6: a router advertisement to all nodes, and one to its link-local address.
    router = struct.pack("!IHBB", 0x60000000, 16, 58, 255) + b"\xfe\x80" + b"\0" * 13 + b"\x01"
    router += b"\xff\x02" + b"\0" * 13 + b"\x01" + struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0)
    send(b"\x33\x33\0\0\0\x01", me, 0x86dd, router)
    send(them, me, 0x86dd, router)
    # To a bridge itself, which would learn from it where they are.
    send(b"\x01\x80\xc2\0\0\x03", them, 0x88cc, b"forged learning")
    send(them, me, 0x0800, ipv4(address, other, b"honest"))
    time.sleep(0.2)


def shout(link, host):
    own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, link.encode())
    for target in ["255.255.255.255", "224.0.0.251", host]:
        own.sendto(b"shout to " + target.encode(), (target, 9))


def forge_out(*hosts):
    own = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    own.bind(("eth0", 3))
    me, address, all_ = own.getsockname()[4], open_address(), b"\xff" * 6

    def send(target, source, kind, payload):
        try:
            own.send(target + source + struct.pack("!H", kind) + payload + b"\0" * 40)
        except OSError:
            pass

    for host in hosts:
        them = b"\x02\x50" + socket.inet_aton(host)
        for to in [all_, them]:
            send(to, me, 0x0806, arp(me, address, host))
            # As if it were the one that it asks, and as if somebody there asked.
            send(to, me, 0x0806, arp(me, host, host))
            send(to, them, 0x0806, arp(them, host, address))
            send(to, me, 0x0800, ipv4(address, host, b"sent out"))
            send(to, me, 0x0800, ipv4(host, host, b"forged out"))
            send(to, them, 0x0800, ipv4(host, host, b"forged out"))
    # All nodes' echo request and neighbours' solicitation, from a link-local address.
    link_local = b"\xfe\x80" + b"\0" * 6 + me[:3] + b"\xff\xfe" + me[3:]
    for payload in [struct.pack("!BBHHH", 128, 0, 0, 78, 1), struct.pack("!BBHI", 135, 0, 0, 0) + link_local]:
        head = struct.pack("!IHBB", 0x60000000, len(payload), 58, 255) + link_local
        head += b"\xff\x02" + b"\0" * 13 + b"\x01"
        send(b"\x33\x33\0\0\0\x01", me, 0x86dd, head + payload)
        send(all_, me, 0x86dd, head + payload)
    own.settimeout(0.1)
    end, heard = time.monotonic() + 1.5, set()
    while time.monotonic() < end:
        try:
            frame, where = own.recvfrom(2000)
        except TimeoutError:
            continue
        kind = struct.unpack("!H", frame[12:14])[0]
        sender = socket.inet_ntoa(frame[28:32] if kind == 0x0806 else frame[26:30])
        if where[2] != 4 and (kind == 0x86dd or sender in hosts):
            heard.add(f"{frame[6:12].hex(':')} {kind:04x} {sender}")
    for line in sorted(heard):
        print(line)


def open_address():
    own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    own.connect(("192.0.2.1", 9))
    return own.getsockname()[0]


def hear(seconds, link="eth0"):
    own = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    own.bind((link, 3))
    own.settimeout(0.1)
    print("ready", flush=True)
    end = time.monotonic() + float(seconds)
    is_endless = float(seconds) == 0
    while is_endless and not select.select([0], [], [], 0)[0] or time.monotonic() < end:
        try:
            frame, address = own.recvfrom(2000)
        except TimeoutError:
            continue
        if address[2] == 4:  # its own
            continue
        kind = struct.unpack("!H", frame[12:14])[0]
        text = frame[42:].rstrip(b"\0").decode("ascii", "replace") if kind == 0x0800 else ""
        text = text if text.isprintable() else ""
        print(f"{frame[6:12].hex(':')} {kind:04x} {text}", flush=True)


if __name__ == "__main__":
    globals()[sys.argv[1].replace("-", "_")](*sys.argv[2:])
