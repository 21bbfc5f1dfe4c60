//! Goal: FORMAT.md says enough: a program written from it alone reads every ring.
//! Method: `read_ring.py` knows that page and nothing of this crate. It is run on
//! rings with known messages, and on files that it must refuse.

use ringbuf_shm::broadcast::{Delivery, Publisher, bytes};
use ringbuf_shm::{Fence, Options, Ring, spsc};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Output};

fn python(path: &Path) -> Option<Output> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/read_ring.py");
    match Command::new("python3").arg(script).arg(path).output() {
        Ok(output) => Some(output),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            println!("SKIPPED: there is no python3");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// The lines it prints must contain these, in this order.
fn prints(path: &Path, lines: &[&str]) {
    let Some(output) = python(path) else { return };
    let text = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{said}");
    let mut found = text.lines();
    for line in lines {
        assert!(found.any(|it| it == *line), "no line `{line}` in its place in\n{text}");
    }
    let messages = lines.iter().filter(|line| line.starts_with("message ")).count();
    assert_eq!(text.matches("\nmessage ").count(), messages, "{text}");
}

fn refuses(path: &Path, why: &str) {
    let Some(output) = python(path) else { return };
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    assert_eq!((output.status.code(), said.as_str()), (Some(1), why));
}

#[test]
fn slots_are_read_past_the_wrap() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    let options = Options::new().capacity(4).first_position(u64::MAX).metadata(b"caps");
    let options = options.fence(Fence::Asymmetric);
    let mut producer = spsc::Producer::create(&path, &options.type_name("Tick")).unwrap();
    let mut consumer = spsc::Consumer::<u16>::open(&path).unwrap();
    producer.push_slice(&[1_u16.to_be(), 2_u16.to_be(), 3_u16.to_be()]).unwrap();
    consumer.pop().unwrap();
    let pid = std::process::id();
    let both = |side: &str| format!("{side}: alive, epoch 1, pid {pid}");
    prints(
        &path,
        &[
            "shape: slots",
            "capacity: 4",
            "slot_size: 2",
            "type_name: Tick",
            "metadata: b'caps'",
            "fence: 2",
            "region data: offset=327680 len=8 stride=2",
            &both("producer"),
            &both("consumer"),
            "head=0 taken=0 tail=2 dropped=0",
            "message 0: 0002",
            "message 1: 0003",
        ],
    );
}

#[test]
fn byte_slots_are_read_with_tag_and_length() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    let options = Options::new().capacity(4).slot_size(10).huge_pages(true);
    let mut producer = spsc::bytes::Producer::create(&path, &options).unwrap();
    let mut claim = producer.claim().unwrap();
    claim[..2].copy_from_slice(b"ab");
    claim.set_tag(77);
    claim.commit(2).unwrap();
    producer.push(b"").unwrap();
    drop(producer);
    prints(
        &path,
        &[
            "shape: bytes",
            "region data: offset=2097152 len=512 stride=128",
            &format!("producer: closed, epoch 1, pid {}", std::process::id()),
            "consumer: absent, pid 0",
            "message 4: tag=77 len=2 6162",
            "message 5: tag=0 len=0 ",
        ],
    );
}

#[test]
fn records_are_read_past_their_padding() {
    for (alignment, first, position) in [(8, 40, "64"), (64, 320, "512")] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ring");
        let options = Options::new().capacity(8 * alignment).first_position(first);
        let options = options.record_alignment(alignment);
        let mut producer = spsc::records::Producer::create(&path, &options).unwrap();
        producer.push(b"one").unwrap();
        producer.push(b"second").unwrap();
        prints(
            &path,
            &[
                "shape: records",
                &format!("message {first}: len=3 6f6e65"),
                &format!("message {position}: len=6 7365636f6e64"),
            ],
        );
    }
}

/// Stores words at these offsets.
fn store(path: &Path, words: &[(u64, u64)]) {
    let file = File::options().write(true).open(path).unwrap();
    for (offset, word) in words {
        file.write_all_at(&word.to_ne_bytes(), *offset).unwrap();
    }
}

/// Two lanes of slots of 32 bytes, two producers, one consumer.
fn slots_of_many(path: &Path) {
    // In the middle of the last lap before all positions wrap.
    let options = Options::new().capacity(64).lanes(2).first_position(32_u64.wrapping_neg());
    let options = options.producers_max(2).consumers_max(1);
    Ring::create_mpmc::<u64>(path, &options).unwrap();
}

const DATA: u64 = 327_680;

#[test]
fn lanes_are_read_by_position() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    slots_of_many(&path);
    let lane = DATA + 64 * 32;
    let last = u64::from(u32::MAX) << 32;
    let holder = |row: u64| (1 << 12 | row) << 3;
    store(
        &path,
        &[
            (lane, 3), // Of the next lap: the last in order.
            (lane + 16, 8_u64.to_be()),
            (lane + 63 * 32, last | 3),
            (lane + 63 * 32 + 8, 5), // Lost five.
            (lane + 63 * 32 + 16, 7_u64.to_be()),
            (lane + 32 * 32, last | holder(2) | 4), // Shown to the consumer.
            (lane + 32, holder(1) | 2),             // Being written.
            (131_072 + 512, 4),                     // tail
            (65_536 + 256, holder(1) | 3),          // A producer that left.
        ],
    );
    prints(
        &path,
        &[
            "kind: 2",
            "region lanes: offset=131072 len=1024 stride=512",
            "region board: offset=196608 len=512 stride=0",
            "region data: offset=327680 len=4096 stride=32",
            "producer 1: closed, epoch 1, pid 0",
            "lane 0: head=18446744073709551584 tail=18446744073709551584 full=0 dropped=0",
            "lane 1: head=18446744073709551584 tail=4 full=2 dropped=5",
            "message 1/18446744073709551615: 0000000000000007",
            "message 1/0: 0000000000000008",
        ],
    );
    // Words that no peer stores; the lap is right.
    for word in [0, 6, 7, 2, 4, holder(1) | 3, holder(2) | 2, holder(1) | 4, holder(3) | 4, 8 | 4] {
        store(&path, &[(lane + 32, word)]);
        refuses(&path, "refused: slot word");
        assert!(Ring::open(&path).unwrap().mpmc_stats().is_err(), "{word:#x}");
    }
}

#[test]
fn lanes_of_byte_slots_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    let options = Options::new().capacity(64).slot_size(10).huge_pages(true);
    Ring::create_mpmc_bytes(&path, &options).unwrap();
    let slot = (2 << 20) + 128;
    let text = u64::from_ne_bytes(*b"ab      ");
    store(&path, &[(slot, 2), (slot + 8, 77), (slot + 40, 1 << 32 | 3), (slot + 64, text)]);
    prints(
        &path,
        &[
            "region data: offset=2097152 len=8192 stride=128",
            "lane 0: head=64 tail=64 full=1 dropped=0",
            "message 0/65: tag=77 len=2 6162",
        ],
    );
}

/// Where the regions of a small broadcast ring are.
const PUBLISHER: u64 = 2 << 16;
const READERS: u64 = 3 << 16;
const CELLS: u64 = 4 << 16;
const ENTRIES: u64 = 5 << 16;
const POOL: u64 = 7 << 16;

/// A pool of 4 + 1 + 5 slots, three subscribers; the third position is 0.
fn for_all() -> Options {
    let options = Options::new().capacity(4).first_position(u64::MAX - 1);
    options.subscribers_max(3).views_max(5).slot_size(10).in_place(true)
}

/// The entry of this position and slot, in a ring that keeps four messages.
fn entry(position: u64, slot: u64) -> (u64, u64) {
    (ENTRIES + position % 4 * 8, (position / 4) << 24 | (slot + 1))
}

/// Identity of the first who sits on a row, in a word with this state.
fn of_first(row: u64, state: u64) -> u64 {
    (1 << 12 | row) << 3 | state
}

#[test]
fn messages_for_all_are_read_by_position() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    Ring::create_broadcast::<u64>(&path, &for_all()).unwrap();
    let slot = |slot: u64| POOL + slot * 32;
    let good = [
        (PUBLISHER, 1), // tail: three messages.
        (PUBLISHER + 128, u64::MAX),
        entry(u64::MAX - 1, 9),
        entry(u64::MAX, 0),
        entry(0, 5),
        (slot(9), 8 << 3 | 2),
        (slot(9) + 16, 7_u64.to_be()),
        (slot(0), 8 << 3 | 2),
        (slot(0) + 16, 8_u64.to_be()),
        (slot(5), 8 << 3 | 2),
        (slot(5) + 16, 9_u64.to_be()),
        (READERS + 128, 3 << 32 | of_first(2, 2)), // Lossless, joined three times.
        (READERS + 128 + 8, u64::MAX),
        (READERS + 128 + 16, 4),
        (READERS + 128 + 24, 5),
        (READERS + 128 + 32, 2),
        (READERS + 256, 1 << 32 | of_first(3, 1)), // Has left.
        (CELLS + 4 * 128, 6 << 32 | of_first(2, 2)),
        (CELLS + 3 * 128, of_first(2, 2)), // Looks at nothing.
        (65_536 + 2 * 256, of_first(2, 2)),
    ];
    store(&path, &good);
    prints(
        &path,
        &[
            "kind: 3",
            "region publisher: offset=131072 len=256 stride=0",
            "region readers: offset=196608 len=384 stride=128",
            "region cells: offset=262144 len=640 stride=128",
            "region entries: offset=327680 len=32 stride=8",
            "region events: offset=393216 len=256 stride=128",
            "region data: offset=458752 len=320 stride=32",
            "subscriber 2: dead, epoch 1, pid 0",
            "reader of 2, epoch 1: lossless, cursor=18446744073709551615 lost=4 broken=5 views=2",
            "reader of 3, epoch 1: idle, cursor=0 lost=0 broken=0 views=0",
            "cell 4: slot 5 is looked at by 2, epoch 1",
            "floor=18446744073709551615 tail=1",
            "message 18446744073709551614: 0000000000000007",
            "message 18446744073709551615: 0000000000000008",
            "message 0: 0000000000000009",
        ],
    );
    for (why, words) in [
        ("life", &[(READERS, 0), (READERS, 6), (READERS, of_first(2, 2)), (READERS, 2)][..]),
        ("cell", &[(CELLS, 0), (CELLS, 3), (CELLS, 2), (CELLS, of_first(4, 2))]),
        ("cell", &[(CELLS, 11 << 32 | of_first(1, 2)), (CELLS, of_first(0, 2))]),
        ("positions", &[(PUBLISHER + 128, 2), (PUBLISHER + 128, u64::MAX - 3)]),
        // Not of the pool, of the lap before, one that nothing says of, and none.
        ("entry", &[entry(0, 10), entry(0_u64.wrapping_sub(4), 5), entry(5, 5), (ENTRIES, 0)]),
        ("extent", &[(slot(5), 0), (slot(5), 8 << 3 | 4), (slot(5), 9 << 3 | 2)]),
    ] {
        for &word in words {
            store(&path, &[word]);
            refuses(&path, &format!("refused: {why}"));
            let before = good.iter().find(|(at, _)| *at == word.0);
            store(&path, &[*before.unwrap_or(&(word.0, 1))]);
        }
    }
}

#[test]
fn parts_of_messages_for_all_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    let options = for_all().first_position(4).huge_pages(true);
    Ring::create_broadcast_bytes(&path, &options).unwrap();
    let slot = |slot: u64| (2 << 20) + slot * 128;
    let text = u64::from_ne_bytes(*b"abcd    ");
    store(
        &path,
        &[
            (PUBLISHER, 6), // tail: one that was broken off, and one that is whole.
            entry(4, 1),
            (slot(1) + 8, 77),
            (slot(1) + 32, 2 << 3 | 3),
            (slot(1) + 64, text),
            entry(5, 0),
            (slot(0) + 32, 2),
            entry(6, 2), // Being written.
            (slot(2) + 32, 3 << 3 | 1),
            (slot(2) + 64, text),
        ],
    );
    prints(
        &path,
        &[
            "region data: offset=2097152 len=1280 stride=128",
            "floor=4 tail=6",
            "message 4 (broken): tag=77 len=2 6162",
            "message 5: tag=0 len=0 ",
            "message 6 (open): tag=0 len=3 616263",
        ],
    );
}

/// Stores a byte of a header, and the checksum that it has then.
fn sealed(file: &mut [u8], at: usize, byte: u8) {
    file[at] = byte;
    let mut crc = crc32fast::Hasher::new();
    crc.update(&file[..4092]);
    crc.update(&file[4096..8192]);
    file[4092..4096].copy_from_slice(&crc.finalize().to_ne_bytes());
}

/// Where the data of a small ring of ticks is.
const TICKS: u64 = 5 << 16;

#[test]
fn ticks_are_read_by_position() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    Ring::create_broadcast::<u64>(&path, &for_all().in_place(false)).unwrap();
    // Of 62 bits of the position, and a state; then the value.
    let tick = |position: u64, state: u64, value: u64| {
        let at = TICKS + position % 4 * 16;
        [(at, position << 2 | state), (at + 8, value.to_be())]
    };
    let publisher = [(PUBLISHER, 1), (PUBLISHER + 128, u64::MAX)];
    let ticks = [(u64::MAX - 1, 2, 7), (u64::MAX, 2, 8), (0, 2, 9), (1, 1, 10)];
    store(&path, &publisher);
    for (position, state, value) in ticks {
        store(&path, &tick(position, state, value));
    }
    prints(
        &path,
        &[
            "kind: 3",
            "shape: ticks",
            "stride: 16",
            "region publisher: offset=131072 len=256 stride=0",
            "region readers: offset=196608 len=384 stride=128",
            "region events: offset=262144 len=256 stride=128",
            "region data: offset=327680 len=64 stride=16",
            "floor=18446744073709551615 tail=1",
            "message 18446744073709551614: 0000000000000007",
            "message 18446744073709551615: 0000000000000008",
            "message 0: 0000000000000009",
        ],
    );
    for (at, word, why) in [
        (TICKS, 3, "refused: stamp"),
        (TICKS, 1 << 2 | 2, "refused: stamp"),
        (TICKS + 16, (u64::MAX - 6) << 2 | 2, "refused: stamp"),
        (PUBLISHER + 128, 2, "refused: positions"),
    ] {
        let before = std::fs::read(&path).unwrap();
        store(&path, &[(at, word)]);
        refuses(&path, why);
        std::fs::write(&path, before).unwrap();
    }
    let ring = std::fs::read(&path).unwrap();
    for (at, byte, why) in [
        (52, 1, "refused: views or claims"),
        (232, 1, "refused: views or claims"),
        (48, 1, "refused: shape 2"),
        (72, 121, "refused: slot size"),
        (156, 7, "refused: regions"),
    ] {
        let mut file = ring.clone();
        sealed(&mut file, at, byte);
        std::fs::write(&path, &file).unwrap();
        // What a ring of two needs besides comes before the shape.
        if at != 48 {
            refuses(&path, why);
        }
        assert!(Ring::open(&path).is_err(), "{at}");
    }
}

#[test]
fn ticks_that_a_publisher_wrote_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    let options = for_all().in_place(false);
    let mut publisher = Publisher::<[u8; 9]>::create(&path, &options).unwrap();
    for message in 1..=3 {
        publisher.push([message; 9]).unwrap();
    }
    prints(
        &path,
        &[
            "stride: 32",
            "floor=18446744073709551614 tail=1",
            "message 18446744073709551614: 010101010101010101",
            "message 18446744073709551615: 020202020202020202",
            "message 0: 030303030303030303",
        ],
    );
}

#[test]
fn what_a_publisher_wrote_for_all_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    let mut publisher = bytes::Publisher::create(&path, &for_all()).unwrap();
    let mut reader = bytes::Subscriber::open(&path, Delivery::Lossless).unwrap();
    let mut late = bytes::Subscriber::open(&path, Delivery::Lossy).unwrap();
    for message in [b"a", b"b", b"c", b"d", b"e"] {
        publisher.push(message).unwrap();
        drop(reader.read().unwrap());
    }
    let mut claim = publisher.claim().unwrap();
    claim[..2].copy_from_slice(b"fg");
    claim.set_tag(77);
    claim.commit(2).unwrap();
    let view = reader.read().unwrap();
    // The oldest that is promised; the next message takes its place.
    let seen = late.read().unwrap();
    assert_eq!((&seen[..], late.lost()), (&b"c"[..], 2));
    let mut begun = publisher.claim().unwrap().begin().unwrap();
    begun.rest_mut()[..3].copy_from_slice(b"hij");
    begun.advance(1).unwrap();
    let pid = std::process::id();
    prints(
        &path,
        &[
            &format!("publisher 0: alive, epoch 1, pid {pid}"),
            &format!("subscriber 1: alive, epoch 1, pid {pid}"),
            "reader of 1, epoch 1: lossless, cursor=4 lost=0 broken=0 views=2",
            "reader of 2, epoch 1: lossy, cursor=1 lost=2 broken=0 views=2",
            "floor=2 tail=4",
            "message 1: tag=0 len=1 64",
            "message 2: tag=0 len=1 65",
            "message 3: tag=77 len=2 6667",
            "message 4 (open): tag=0 len=1 68",
        ],
    );
    drop((view, seen, begun));
    drop((reader, late));
    prints(
        &path,
        &[
            &format!("subscriber 1: closed, epoch 1, pid {pid}"),
            "reader of 1, epoch 1: idle, cursor=4 lost=0 broken=0 views=2",
            "message 1: tag=0 len=1 64",
            "message 2: tag=0 len=1 65",
            "message 3: tag=77 len=2 6667",
            "message 4 (broken): tag=0 len=1 68",
        ],
    );
}

#[test]
fn what_must_be_refused_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    let options = Options::new().capacity(4).fence(Fence::Asymmetric);
    let producer = spsc::Producer::<u64>::create(&path, &options).unwrap();
    drop(producer);
    let good = std::fs::read(&path).unwrap();
    let spoiled = |why: &str, spoil: &dyn Fn(&mut Vec<u8>)| {
        let mut file = good.clone();
        spoil(&mut file);
        std::fs::write(&path, &file).unwrap();
        refuses(&path, why);
    };
    spoiled("refused: not a ring", &|file| file.truncate(15));
    spoiled("refused: not a ring", &|file| file[0] = 0);
    spoiled("refused: made on a machine of the other byte order", &|file| file[8..12].reverse());
    spoiled("refused: format version 2", &|file| {
        file[12..16].copy_from_slice(&2_u32.to_ne_bytes())
    });
    spoiled("refused: cut short", &|file| file.truncate(8191));
    spoiled("refused: wrong checksum", &|file| file[5000] ^= 1);
    spoiled("refused: capacity", &|file| sealed(file, 64, 3));
    spoiled("refused: fence or sleeper", &|file| sealed(file, 56, 3));
    spoiled("refused: fence or sleeper", &|file| sealed(file, 60, 2));
    spoiled("refused: policy", &|file| sealed(file, 136, 3));
    spoiled("refused: cut short", &|file| file.truncate(good.len() - 1));
    spoiled("refused: length of the file", &|file| file.push(0));
    spoiled("refused: row word", &|file| file[65_536..65_544].fill(0));
    spoiled("refused: positions", &|file| file[131_072] = 0xFF);
    slots_of_many(&directory.path().join("many"));
    let many = std::fs::read(directory.path().join("many")).unwrap();
    for (at, byte, why) in [
        (52, 3, "refused: shape 3"),
        (64, 32, "refused: capacity"),
        (104, 2, "refused: rows or lanes"),
        (152, 65, "refused: rows or lanes"),
        (152, 3, "refused: data"),
        (228, 3, "refused: progress or delivery"),
    ] {
        let mut file = many.clone();
        sealed(&mut file, at, byte);
        std::fs::write(&path, &file).unwrap();
        refuses(&path, why);
    }
    Ring::create_broadcast_bytes(directory.path().join("for all"), &for_all()).unwrap();
    let for_all = std::fs::read(directory.path().join("for all")).unwrap();
    for (at, byte, why) in [
        (48, 4, "refused: kind 4"),
        (52, 3, "refused: shape 3"),
        (64, 1, "refused: capacity"),
        (67, 1, "refused: capacity"),
        (64, 8, "refused: data"),
        (105, 8, "refused: rows or lanes"),
        (104, 1, "refused: rows or lanes"),
        (136, 2, "refused: policy"),
        (152, 2, "refused: rows or lanes"),
        (156, 5, "refused: regions"),
        (224, 2, "refused: rows or lanes"),
        (232, 0, "refused: views or claims"),
        (233, 17, "refused: views or claims"),
        (232, 6, "refused: data"),
        (236, 2, "refused: views or claims"),
    ] {
        let mut file = for_all.clone();
        sealed(&mut file, at, byte);
        std::fs::write(&path, &file).unwrap();
        refuses(&path, why);
        assert!(Ring::open(&path).is_err(), "{at}");
    }
    refuses(directory.path(), "refused: not a regular file");
    refuses(&directory.path().join("none"), "refused: No such file or directory");
}
