#!/usr/bin/env python3
"""Prints a ring, its messages included, without disturbing it: read_ring.py FILE

Written from FORMAT.md alone, as a check of that page. Exit status 1 and one line
say why a file is refused or a word cannot be true.
"""
import fcntl, os, stat, struct, sys, zlib

SHAPES = {1: "slots", 2: "ticks", 3: "records", 4: "bytes"}
REGIONS = {1: {1: "peers", 2: "producer", 3: "consumer", 4: "events", 5: "data"},
           2: {1: "peers", 6: "lanes", 7: "board", 4: "events", 5: "data"},
           3: {1: "peers", 8: "publisher", 9: "readers", 10: "cells", 11: "entries", 4: "events", 5: "data"}}
TICKS = {1: "peers", 8: "publisher", 9: "readers", 4: "events", 5: "data"}
LIVES = {1: "idle", 2: "lossless", 3: "lossy", 4: "latest", 5: "evicted"}
EXTENTS = {1: " (open)", 2: "", 3: " (broken)"}
HEADER = struct.Struct("=8s4I3Q4I3Q2IQI4s2Q8I4Q16s16s4I")
FIELDS = """magic endian version word_bits header_len incompatible read_compatible compatible
    kind shape fence sleeper capacity slot_size stride alignment message_header first_position
    rows widths type_size type_align type_name_len metadata_len redelivery reopen other_boot
    delivery_max lanes region_count reader_patience lock_base file_len created boot_id ring_id
    producer_rows progress views claims""".split()

def require(condition, why):
    if not condition:
        sys.exit(f"refused: {why}")

def words(fd, at, count):
    return struct.unpack(f"={count}Q", os.pread(fd, 8 * count, at))

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
    require(h["kind"] in REGIONS, f"kind {h['kind']}")
    names, many, capacity, lanes = REGIONS[h["kind"]], h["kind"] == 2, h["capacity"], h["lanes"]
    broadcast = h["kind"] == 3
    ticks = broadcast and h["shape"] == 2
    names = TICKS if ticks else names
    rows = 0 < h["producer_rows"] < h["rows"] <= (4096 if many else 1025) if h["kind"] > 1 else h["rows"] == 2
    require(not broadcast or h["producer_rows"] == 1, "rows or lanes")
    require(rows and 0 < lanes <= (64 if many else 1), "rows or lanes")
    require(not many or h["progress"] in (1, 2) and 0 < h["delivery_max"] < 256, "progress or delivery")
    views = h["views"] == 0 if ticks else 0 < h["views"] <= 4096
    require(not broadcast or views and h["claims"] == 1, "views or claims")
    right = {2: 3, 3: 1}.get(h["shape"], h["kind"])
    require(h["shape"] in SHAPES and right == h["kind"], f"shape {h['shape']}")
    h["shape"] = SHAPES[h["shape"]]
    least = {1: 1, 2: 64, 3: 2}[h["kind"]]
    require(least <= capacity <= 1 << 32 and capacity & -capacity == capacity, "capacity")
    h["slots"] = lanes * capacity + (h["claims"] + h["views"]) * (broadcast and not ticks)
    require(not broadcast or ticks or h["slots"] <= 2**24 - 2, "capacity")
    require(not ticks or 0 < h["slot_size"] <= 120 and 8 + h["slot_size"] <= h["stride"], "slot size")
    require(h["widths"] == bytes([12, 17, 3, 32]), "widths")
    require((h["fence"], h["sleeper"]) in ((1, 1), (1, 2), (2, 1)), "fence or sleeper")
    require(all(h[p] in (1, 2) for p in ("redelivery", "reopen", "other_boot")), "policy")
    require(not broadcast or h["redelivery"] == 1, "policy")
    require(h["type_name_len"] <= 256 and h["metadata_len"] <= 4096, "length of name or metadata")
    h["type_name"] = head[768:768 + h["type_name_len"]].decode()
    h["metadata"] = head[4096:4096 + h["metadata_len"]]
    table = [struct.unpack_from("=2I3Q", head, 256 + 32 * i) for i in range(len(names))]
    require(h["region_count"] == len(names) and [entry[0] for entry in table] == list(names), "regions")
    h["regions"] = {names[entry[0]]: entry[2:] for entry in table}
    data, length, stride = h["regions"]["data"]
    require(length == h["slots"] * (stride or 1) and data + length <= h["file_len"], "data")
    require(status.st_size >= h["file_len"], "cut short")
    require(status.st_size == h["file_len"], "length of the file")
    return h

def presence(fd, word, row):
    if word == 1:
        return "absent"
    state, who = word & 7, word >> 3
    require(who >> 29 == 0 and who & 4095 == row and who >> 12 and state in (2, 3), "row word")
    ask = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, (1 << 56) + who, 1, 0)
    held = struct.unpack_from("h", fcntl.fcntl(fd, fcntl.F_OFD_GETLK, ask))[0] != fcntl.F_UNLCK
    return f"{'closed' if state == 3 else 'alive' if held else 'dead'}, epoch {who >> 12}"

def slot(fd, h, at):
    if h["shape"] == "slots":
        return os.pread(fd, h["slot_size"], at + h["message_header"]).hex()
    length, tag, _time = words(fd, at, 3)
    require(length <= h["slot_size"], "length of a message")
    return f"tag={tag} len={length} {os.pread(fd, length, at + 64).hex()}"

def messages(fd, h):
    # The consumer's words first: what is between them and a later tail is there.
    head, taken, _, dropped = words(fd, h["regions"]["consumer"][0], 4)
    tail, = words(fd, h["regions"]["producer"][0], 1)
    yield f"head={head} taken={taken} tail={tail} dropped={dropped}"
    (data, _, stride), capacity, alignment = h["regions"]["data"], h["capacity"], h["alignment"]
    require((taken - head) % 2**64 <= (tail - head) % 2**64 <= capacity, "positions")
    while head != tail:
        index, ready, size = head % capacity, (tail - head) % 2**64, 1
        at = data + index * (stride or 1)
        if h["shape"] != "records":
            yield f"message {head}: {slot(fd, h, at)}"
        else:
            kind, length = divmod(words(fd, at, 1)[0], 1 << 32)
            size = alignment - (-length // alignment) * alignment
            require(size <= ready and index + size <= capacity, "record")
            require(kind == 1 or (kind == 2 and index + size == capacity), "record")
            if kind == 1:
                yield f"message {head}: len={length} {os.pread(fd, length, at + alignment).hex()}"
        head = (head + size) % 2**64

def messages_of_lane(fd, h, lane):
    tail, *_, head = words(fd, h["regions"]["lanes"][0] + 512 * lane, 17)
    full, dropped, laps = [], 0, h["capacity"] << 32
    for index in range(h["capacity"]):
        at = h["regions"]["data"][0] + (lane * h["capacity"] + index) * h["stride"]
        word, fate = words(fd, at + (40 if h["shape"] == "bytes" else 0), 2)
        state, row, epoch = word & 7, word >> 3 & 4095, word >> 15 & 0x1FFFF
        held = epoch and row < h["rows"] and (row < h["producer_rows"]) == (state != 4)
        require(held if state in (2, 4, 6) else state in (1, 3, 5) and row == epoch == 0, "slot word")
        dropped += fate % 2**24
        if state == 3:  # At the position nearest head that has these lower bits.
            ahead = ((word >> 32) * h["capacity"] + index - head + laps // 2) % laps - laps // 2
            full.append((ahead, at))
    yield f"lane {lane}: head={head} tail={tail} full={len(full)} dropped={dropped}"
    for ahead, at in sorted(full):
        yield f"message {lane}/{(head + ahead) % 2**64}: {slot(fd, h, at)}"

def identity(word, first, last):
    row, epoch = word >> 3 & 4095, word >> 15 & 0x1FFFF
    return f"{row}, epoch {epoch}" if epoch and first <= row <= last else None

def readers_and_cells(fd, h):
    for row in range(1, h["rows"]):
        life, cursor, lost, broken, views = words(fd, h["regions"]["readers"][0] + 128 * (row - 1), 5)
        who = identity(life, row, row)
        require(life & 7 in LIVES and (who or life & 0xFFFFFFFF == 1), "life")
        if life != 1:
            counts = f"lost={lost} broken={broken} views={views}"
            yield f"reader of {who}: {LIVES[life & 7]}, cursor={cursor} {counts}"
    for cell in range(h["views"]):  # None in rings of ticks.
        word, = words(fd, h["regions"]["cells"][0] + 128 * cell, 1)
        who = identity(word, 1, h["rows"] - 1)
        require(word == 1 or word & 7 == 2 and who and word >> 32 <= h["slots"], "cell")
        if word >> 32:
            yield f"cell {cell}: slot {(word >> 32) - 1} is looked at by {who}"

def messages_for_all(fd, h):
    publisher, capacity = h["regions"]["publisher"][0], h["capacity"]
    # The tail before and after the rest: what is found is between, however far it goes meanwhile.
    before, = words(fd, publisher, 1)
    floor, = words(fd, publisher + 128, 1)
    entries = words(fd, h["regions"]["entries"][0], capacity)
    tail, = words(fd, publisher, 1)
    oldest, laps, placed = (before - tail) % -2**64 - capacity, capacity << 40, []
    require(oldest <= (floor - tail) % -2**64 <= 0, "positions")
    yield f"floor={floor} tail={tail}"
    for index, entry in enumerate(entries):
        lap, slot_number = entry >> 24, entry % 2**24 - 1
        if entry == 0:  # Nothing was shown here since the ring was made.
            empty = (before - 1 - index) % capacity >= (before - h["first_position"]) % 2**64
            require(empty, "entry")
            continue
        ahead = (lap * capacity + index - tail) % -laps
        require(0 <= slot_number < h["slots"] and oldest <= ahead <= 0, "entry")
        placed.append((ahead, index, entry, h["regions"]["data"][0] + slot_number * h["stride"]))
    for ahead, index, entry, at in sorted(placed):
        extent, = words(fd, at + (32 if h["shape"] == "bytes" else 0), 1)
        length, text = extent >> 3, ""
        if h["shape"] == "bytes":
            text = f"tag={words(fd, at + 8, 1)[0]} len={length} "
        text += os.pread(fd, min(length, h["slot_size"]), at + h["message_header"]).hex()
        if words(fd, h["regions"]["entries"][0] + 8 * index, 1) != (entry,):
            continue  # Another one stands there by now, and this may be of anything.
        require(extent & 7 in EXTENTS and length <= h["slot_size"], "extent")
        yield f"message {(tail + ahead) % 2**64}{EXTENTS[extent & 7]}: {text}"

def ticks(fd, h):
    publisher, capacity = h["regions"]["publisher"][0], h["capacity"]
    before, = words(fd, publisher, 1)
    floor, = words(fd, publisher + 128, 1)
    found = []
    for index in range(capacity):
        at = h["regions"]["data"][0] + index * h["stride"]
        stamp, = words(fd, at, 1)
        value = os.pread(fd, h["slot_size"], at + 8).hex()
        if words(fd, at, 1) != (stamp,) or stamp == 0:
            continue  # Written meanwhile, and this may be of anything; or never.
        ahead = ((stamp >> 2) - before + 2**61) % 2**62 - 2**61
        right = ((stamp >> 2) - index) % capacity == 0 and stamp & 3 in (1, 2)
        require(right and -capacity <= ahead, "stamp")
        if stamp & 3 == 2:
            found.append((ahead, value))
    tail, = words(fd, publisher, 1)
    require((tail - floor) % 2**64 <= capacity, "positions")
    yield f"floor={floor} tail={tail}"
    for ahead, value in sorted(found):
        yield f"message {(before + ahead) % 2**64}: {value}"

def main(path):
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        sys.exit(f"refused: {error.strerror}")
    h = read_header(fd)
    for name in ("kind shape capacity slot_size stride alignment type_size type_align type_name"
                 " metadata fence sleeper redelivery reopen other_boot first_position file_len").split():
        print(f"{name}: {h[name]}")
    for name, (offset, length, stride) in h["regions"].items():
        print(f"region {name}: offset={offset} len={length} stride={stride}")
    (peers, _, stride), many = h["regions"]["peers"], h["kind"] > 1
    sides = ("publisher", "subscriber") if h["kind"] == 3 else ("producer", "consumer")
    for row in range(h["rows"]):
        state, _since, pid = struct.unpack("=2QI", os.pread(fd, 20, peers + stride * row))
        name = sides[row >= (h["producer_rows"] or 1)] + f" {row}" * many
        if not many or state != 1:
            print(f"{name}: {presence(fd, state, row)}, pid {pid}")
    if h["kind"] == 3:
        messages_of = ticks if h["shape"] == "ticks" else messages_for_all
        print(*readers_and_cells(fd, h), *messages_of(fd, h), sep="\n")
        return
    for lane in range(h["lanes"]):
        print(*(messages_of_lane(fd, h, lane) if many else messages(fd, h)), sep="\n")

if __name__ == "__main__":
    require(len(sys.argv) == 2, "usage: read_ring.py FILE")
    main(sys.argv[1])
