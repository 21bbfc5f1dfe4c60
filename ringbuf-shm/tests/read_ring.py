#!/usr/bin/env python3
"""Prints a ring, its messages included, without disturbing it: read_ring.py FILE

Written from FORMAT.md alone, as a check of that page. Exit status 1 and one line
say why a file is refused or a word cannot be true.
"""
import fcntl, os, stat, struct, sys, zlib

SHAPES = {1: "slots", 3: "records", 4: "bytes"}
REGIONS = ["peers", "producer", "consumer", "events", "data"]
HEADER = struct.Struct("=8s4I3Q4I3Q2IQI4s2Q8I4Q16s16s32s")
FIELDS = """magic endian version word_bits header_len incompatible read_compatible compatible
    kind shape fence sleeper capacity slot_size stride alignment message_header first_position
    rows widths type_size type_align type_name_len metadata_len redelivery reopen other_boot
    delivery_max lanes region_count reader_patience lock_base file_len created boot_id ring_id
    reserved""".split()

def require(condition, why):
    if not condition:
        sys.exit(f"refused: {why}")

def up(n, multiple):
    return -(-n // multiple) * multiple

def read_header(fd):
    status = os.fstat(fd)
    require(stat.S_ISREG(status.st_mode), "not a regular file")
    head = os.pread(fd, 8192, 0)
    require(len(head) >= 16 and head[:8] == b"\x89RINGBUF", "not a ring")
    mark, version = struct.unpack_from("=2I", head, 8)
    require(mark != 0x0D0C0B0A, "made on a machine of the other byte order")
    require(mark == 0x0A0B0C0D, "damaged byte-order mark")
    require(version == 1, f"format version {version}")
    require(len(head) == 8192, "cut short")
    checksum, = struct.unpack_from("=I", head, 4092)
    require(zlib.crc32(head[4096:], zlib.crc32(head[:4092])) == checksum, "wrong checksum")
    h = dict(zip(FIELDS, HEADER.unpack_from(head)))
    require(h["incompatible"] == 0, f"unknown features {h['incompatible']:#x}")
    require(h["kind"] == 1, f"kind {h['kind']}")
    require(h["shape"] in SHAPES, f"shape {h['shape']}")
    h["shape"], capacity = SHAPES[h["shape"]], h["capacity"]
    require(capacity and capacity & (capacity - 1) == 0 and capacity <= 1 << 32, "capacity")
    require(h["widths"] == bytes([12, 17, 3, 32]), "widths")
    require(h["fence"] == 1 and h["sleeper"] in (1, 2), "fence or sleeper")
    require(all(h[p] in (1, 2) for p in ("redelivery", "reopen", "other_boot")), "policy")
    require(h["type_name_len"] <= 256 and h["metadata_len"] <= 4096, "length of name or metadata")
    h["type_name"] = head[768:768 + h["type_name_len"]].decode()
    h["metadata"] = head[4096:4096 + h["metadata_len"]]
    table = [struct.unpack_from("=2I3Q", head, 256 + 32 * i) for i in range(5)]
    require(h["region_count"] == 5 and [entry[0] for entry in table] == [1, 2, 3, 4, 5], "regions")
    h["regions"] = {name: entry[2:] for name, entry in zip(REGIONS, table)}
    data, length, stride = h["regions"]["data"]
    require(length == capacity * (stride or 1) and data + length <= h["file_len"], "data")
    require(status.st_size >= h["file_len"], "cut short")
    require(status.st_size == h["file_len"], "length of the file")
    return h

def presence(fd, word, row):
    if word == 1:
        return "absent"
    state, who = word & 7, word >> 3
    require(who >> 29 == 0 and who & 4095 == row and who >> 12 and state in (2, 3), "row word")
    if state == 3:
        return f"closed, epoch {who >> 12}"
    ask = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, (1 << 56) + who, 1, 0)
    held = struct.unpack_from("h", fcntl.fcntl(fd, fcntl.F_OFD_GETLK, ask))[0] != fcntl.F_UNLCK
    return f"{'alive' if held else 'dead'}, epoch {who >> 12}"

def messages(fd, h, head, tail):
    """What stands between head and tail: position and text."""
    (data, _, stride), capacity, alignment = h["regions"]["data"], h["capacity"], h["alignment"]
    while head != tail:
        index, ready, size = head % capacity, (tail - head) % 2**64, 1
        at = data + index * (stride or 1)
        if h["shape"] == "slots":
            yield head, os.pread(fd, h["slot_size"], at).hex()
        elif h["shape"] == "bytes":
            length, tag, _time = struct.unpack("=3Q", os.pread(fd, 24, at))
            require(length <= h["slot_size"], "length of a message")
            yield head, f"tag={tag} len={length} {os.pread(fd, length, at + 64).hex()}"
        else:
            kind, length = divmod(struct.unpack("=Q", os.pread(fd, 8, at))[0], 1 << 32)
            size = alignment + up(length, alignment)
            require(size <= ready and index + size <= capacity, "record")
            require(kind == 1 or (kind == 2 and index + size == capacity), "record")
            if kind == 1:
                yield head, f"len={length} {os.pread(fd, length, at + alignment).hex()}"
        head = (head + size) % 2**64

def main(path):
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        sys.exit(f"refused: {error.strerror}")
    h = read_header(fd)
    for name in ("shape capacity slot_size stride alignment type_size type_align type_name metadata"
                 " sleeper redelivery reopen other_boot first_position file_len").split():
        print(f"{name}: {h[name]}")
    for name, (offset, length, stride) in h["regions"].items():
        print(f"region {name}: offset={offset} len={length} stride={stride}")
    for row, name in enumerate(("producer", "consumer")):
        at = h["regions"]["peers"][0] + 128 * row
        state, _since, pid = struct.unpack("=2QI", os.pread(fd, 20, at))
        print(f"{name}: {presence(fd, state, row)}, pid {pid}")
    # The consumer's words first: what is between them and a later tail is there.
    head, taken, _, dropped = struct.unpack("=4Q", os.pread(fd, 32, h["regions"]["consumer"][0]))
    tail, = struct.unpack("=Q", os.pread(fd, 8, h["regions"]["producer"][0]))
    print(f"head={head} taken={taken} tail={tail} dropped={dropped}")
    used = (tail - head) % 2**64
    require(used <= h["capacity"] and (taken - head) % 2**64 <= used, "positions")
    for position, text in messages(fd, h, head, tail):
        print(f"message {position}: {text}")

if __name__ == "__main__":
    require(len(sys.argv) == 2, "usage: read_ring.py FILE")
    main(sys.argv[1])
