# Multicast DNS as bytes, on a lab host: asks as a program that knows no mDNS, listens to all that is said, or sends what nobody should.
import random, select, socket, struct, sys, time

GROUP, PORT = "224.0.0.251", 5353

def name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"

def question(ident, text, kind=1):
    return struct.pack(">6H", ident, 0, 1, 0, 0, 0) + name(text) + struct.pack(">HH", kind, 1)

def sender():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
    return sock

def ask(text, kind, count, every):
    """Prints the packets of the answers in hex; exits with the number of questions that had none within a second."""
    sock, failed = sender(), 0
    for ident in range(1, count + 1):
        sock.sendto(question(ident, text, kind), (GROUP, PORT))
        begun = time.monotonic()
        while True:
            left = begun + 1 - time.monotonic()
            if left <= 0 or not select.select([sock], [], [], left)[0]:
                failed += 1
                break
            packet, (address, port) = sock.recvfrom(9000)
            if packet[:2] == struct.pack(">H", ident):
                print(address, port, packet.hex(), flush=True)
                break
        time.sleep(max(0, begun + every - time.monotonic()))
    sys.exit(min(failed, 100))

def listen():
    """Prints sender, its port and the packet in hex until it is killed."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((GROUP, PORT))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + socket.inet_aton("0.0.0.0"))
    print("listening", flush=True)
    while True:
        packet, (address, port) = sock.recvfrom(9000)
        print(address, port, packet.hex(), flush=True)

def fuzz(text, count, seed):
    chance, sock = random.Random(seed), sender()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("", PORT))
    for ident in range(count):
        packet = bytearray(question(ident % 65536, text, chance.choice([1, 28, 255, 12])))
        packet += bytes(chance.randrange(256) for _ in range(chance.choice([0, 0, 8, 200])))
        for _ in range(chance.randrange(8)):
            packet[chance.randrange(len(packet))] = chance.randrange(256)
        sock.sendto(bytes(packet), (GROUP, PORT))
        if ident % 50 == 0:
            time.sleep(0.005)

verb, *rest = sys.argv[1:]
if verb == "ask":
    ask(rest[0], int(rest[1]), int(rest[2]), float(rest[3]))
elif verb == "listen":
    listen()
else:
    fuzz(rest[0], int(rest[1]), int(rest[2]))
