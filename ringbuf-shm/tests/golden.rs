//! Goal: format version 1 stays what it is: what this build writes, and what it
//! can read, is the same for ever.
//! Method: the bytes of a ring of each kind and shape, of `spsc` rings after two
//! messages, stand in `tests/golden`. A new ring must have them, and a file made of
//! them must open and deliver. What differs from ring to ring (ids, times, process) is set to
//! fixed values before the comparison.
#![cfg(target_endian = "little")]

use ringbuf_shm::{
    Fence, Kind, Options, OtherBoot, Predecessor, Progress, Redelivery, Ring, broadcast, spsc,
};
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

const SLOTS: &str = include_str!("golden/slots.hex");
const ASYMMETRIC: &str = include_str!("golden/asymmetric.hex");
const BYTES: &str = include_str!("golden/bytes.hex");
const RECORDS: &str = include_str!("golden/records.hex");
const MPMC_SLOTS: &str = include_str!("golden/mpmc-slots.hex");
const MPMC_BYTES: &str = include_str!("golden/mpmc-bytes.hex");
const MPMC_STRICT: &str = include_str!("golden/mpmc-strict.hex");
const BROADCAST_SLOTS: &str = include_str!("golden/broadcast-slots.hex");
const BROADCAST_TICKS: &str = include_str!("golden/broadcast-ticks.hex");
const BROADCAST_BYTES: &str = include_str!("golden/broadcast-bytes.hex");

/// Bytes on a line.
const LINE: usize = 16;
const PEERS: usize = 65_536;
const DATA: usize = 327_680;

fn options() -> Options {
    Options::new()
        .type_name("Frame v1")
        .metadata(b"caps")
        .fence(Fence::Full)
        .redelivery(Redelivery::Drop)
        .reopen(true)
        .other_boot(OtherBoot::Reset)
}

fn slots(path: &Path) {
    slots_with(path, &options());
}

fn asymmetric(path: &Path) {
    slots_with(path, &options().fence(Fence::Asymmetric));
}

fn slots_with(path: &Path, options: &Options) {
    let mut producer = spsc::Producer::create(path, &options.clone().capacity(4)).unwrap();
    producer.push_slice(&[0x0102_0304_0506_0708_u64, 0x1112_1314_1516_1718]).unwrap();
    std::mem::forget(producer);
}

fn bytes(path: &Path) {
    let options = options().capacity(4).slot_size(100);
    let mut producer = spsc::bytes::Producer::create(path, &options).unwrap();
    let mut claim = producer.claim().unwrap();
    claim[..3].copy_from_slice(b"one");
    claim.set_tag(0xA1A2);
    claim.commit(3).unwrap();
    producer.push(b"second").unwrap();
    std::mem::forget(producer);
}

fn records(path: &Path) {
    let options = options().capacity(64).first_position(40);
    let mut producer = spsc::records::Producer::create(path, &options).unwrap();
    // The second finds no room at the end of the array: padding goes before it.
    producer.push(b"one").unwrap();
    producer.push(b"second").unwrap();
    std::mem::forget(producer);
}

/// Begins in the middle of a lap: half of its slots are free for the next one.
fn many() -> Options {
    let options = options().capacity(64).first_position((1 << 40) + 32);
    options.producers_max(2).consumers_max(3).redeliveries_max(7)
}

fn mpmc_slots(path: &Path) {
    Ring::create_mpmc::<u64>(path, &many().lanes(2).progress(Progress::Fast)).unwrap();
}

fn mpmc_bytes(path: &Path) {
    Ring::create_mpmc_bytes(path, &many().slot_size(100).progress(Progress::Fast)).unwrap();
}

fn mpmc_strict(path: &Path) {
    Ring::create_mpmc_bytes(path, &many().lanes(2).slot_size(8)).unwrap();
}

/// Begins in the middle of a lap.
fn for_all() -> Options {
    let options = options().capacity(4).first_position((1 << 40) + 2);
    options.subscribers_max(3).views_max(5).in_place(true)
}

fn broadcast_slots(path: &Path) {
    Ring::create_broadcast::<u64>(path, &for_all()).unwrap();
}

/// After a message, in the third entry, whose publisher died.
fn broadcast_ticks(path: &Path) {
    let options = for_all().in_place(false);
    let mut publisher = broadcast::Publisher::<[u64; 2]>::create(path, &options).unwrap();
    publisher.push([0x0102_0304_0506_0708, 0x1112_1314_1516_1718]).unwrap();
    std::mem::forget(publisher);
}

fn broadcast_bytes(path: &Path) {
    let patience = Some(Duration::from_nanos(0x0102_0304_0506));
    let options = for_all().slot_size(100).reader_patience(patience).reopen(false);
    Ring::create_broadcast_bytes(path, &options).unwrap();
}

fn set(file: &mut [u8], offset: usize, bytes: &[u8]) {
    file[offset..offset + bytes.len()].copy_from_slice(bytes);
}

/// Sets what differs from ring to ring.
fn settle(file: &mut [u8], name: &str) {
    set(file, 184, &[0xC0; 8]); // created
    set(file, 192, &[0xFF; 16]); // boot_id: unknown
    set(file, 208, &[0xD0; 16]); // ring_id
    let mut crc = crc32fast::Hasher::new();
    crc.update(&file[..4092]);
    crc.update(&file[4096..8192]);
    set(file, 4092, &crc.finalize().to_le_bytes());
    if !["mpmc", "broadcast"].iter().any(|kind| name.starts_with(kind)) {
        set(file, PEERS + 8, &[0xE0; 8]); // since
        set(file, PEERS + 16, &[0xE1; 4]); // pid
    }
    if name == "broadcast-ticks" {
        set(file, PEERS + 8, &[0xE0; 8]);
        set(file, PEERS + 16, &[0xE1; 4]);
    }
    if name == "bytes" {
        for slot in 0..2 {
            set(file, DATA + slot * 192 + 16, &[0xF0; 8]); // time
        }
    }
}

/// The lines of a file that are not all zeros, and its length.
fn dump(file: &[u8]) -> String {
    let mut text = String::new();
    for (index, line) in file.chunks(LINE).enumerate() {
        if line.iter().any(|&byte| byte != 0) {
            write!(text, "{:08x}:", index * LINE).unwrap();
            line.iter().for_each(|byte| write!(text, " {byte:02x}").unwrap());
            text.push('\n');
        }
    }
    writeln!(text, "{:08x}", file.len()).unwrap();
    text
}

/// The file of which `text` is the dump.
fn undump(text: &str) -> Vec<u8> {
    let mut file = Vec::new();
    for line in text.lines() {
        let (offset, bytes) = line.split_once(':').unwrap_or((line, ""));
        file.resize(usize::from_str_radix(offset, 16).unwrap(), 0);
        let bytes = bytes.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap());
        file.extend(bytes);
    }
    file
}

fn compare(name: &str, golden: &str, make: impl FnOnce(&Path)) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    make(&path);
    let mut file = std::fs::read(&path).unwrap();
    settle(&mut file, name);
    let found = dump(&file);
    assert!(found == golden, "tests/golden/{name}.hex differs; the file is now:\n{found}");
}

#[test]
fn new_rings_of_slots_have_the_bytes_of_version_1() {
    compare("slots", SLOTS, slots);
    compare("asymmetric", ASYMMETRIC, asymmetric);
}

#[test]
fn new_rings_of_byte_slots_have_the_bytes_of_version_1() {
    compare("bytes", BYTES, bytes);
}

#[test]
fn new_rings_of_records_have_the_bytes_of_version_1() {
    compare("records", RECORDS, records);
}

#[test]
fn new_rings_of_many_have_the_bytes_of_version_1() {
    compare("mpmc-slots", MPMC_SLOTS, mpmc_slots);
    compare("mpmc-bytes", MPMC_BYTES, mpmc_bytes);
    compare("mpmc-strict", MPMC_STRICT, mpmc_strict);
}

#[test]
fn new_broadcast_rings_have_the_bytes_of_version_1() {
    compare("broadcast-slots", BROADCAST_SLOTS, broadcast_slots);
    compare("broadcast-ticks", BROADCAST_TICKS, broadcast_ticks);
    compare("broadcast-bytes", BROADCAST_BYTES, broadcast_bytes);
}

#[test]
fn broadcast_rings_with_the_bytes_of_version_1_open_and_deliver() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    for (golden, shape, stride) in [(BROADCAST_SLOTS, "slots", 32), (BROADCAST_BYTES, "bytes", 192)]
    {
        std::fs::write(&path, undump(golden)).unwrap();
        let ring = Ring::open(&path).unwrap();
        assert_eq!((ring.kind(), ring.lanes(), ring.id()), (Kind::Broadcast, 1, [0xD0; 16]));
        assert_eq!((ring.shape().name(), ring.shape().capacity()), (shape, 4));
        let pool = ring.pool().unwrap();
        assert_eq!((pool.ring, pool.claims, pool.views), (4, 1, 5));
        assert_eq!((pool.slots, pool.bytes), (10, 10 * stride));
        if shape == "slots" {
            let mut publisher = broadcast::Publisher::<u64>::attach(&ring).unwrap();
            assert_eq!(publisher.position(), (1 << 40) + 2);
            let mut subscriber =
                broadcast::Subscriber::<u64>::attach(&ring, broadcast::Delivery::Lossless).unwrap();
            publisher.push(7).unwrap();
            assert_eq!(subscriber.pop(), Ok(7));
        } else {
            let mut publisher = broadcast::bytes::Publisher::attach(&ring).unwrap();
            let join = broadcast::Delivery::Lossy;
            let mut subscriber = broadcast::bytes::Subscriber::attach(&ring, join).unwrap();
            publisher.push(b"one").unwrap();
            assert_eq!(&subscriber.read().unwrap()[..], b"one");
        }
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn rings_of_ticks_with_the_bytes_of_version_1_open_and_deliver() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    std::fs::write(&path, undump(BROADCAST_TICKS)).unwrap();
    let ring = Ring::open(&path).unwrap();
    assert_eq!((ring.kind(), ring.shape().name()), (Kind::Broadcast, "ticks"));
    assert_eq!((ring.shape().capacity(), ring.shape().data_len()), (4, 4 * 32));
    assert_eq!(ring.pool(), None);
    let mut subscriber =
        broadcast::Subscriber::<[u64; 2]>::attach(&ring, broadcast::Delivery::Lossless).unwrap();
    assert_eq!(subscriber.pop(), Ok([0x0102_0304_0506_0708, 0x1112_1314_1516_1718]));
    let mut publisher = broadcast::Publisher::<[u64; 2]>::attach(&ring).unwrap();
    assert_eq!(publisher.position(), (1 << 40) + 3);
    publisher.push([8, 9]).unwrap();
    assert_eq!(subscriber.pop(), Ok([8, 9]));
}

#[test]
fn rings_of_many_with_the_bytes_of_version_1_open() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    for (golden, lanes, shape, progress) in [
        (MPMC_SLOTS, 2, "slots", Progress::Fast),
        (MPMC_BYTES, 1, "bytes", Progress::Fast),
        (MPMC_STRICT, 2, "bytes", Progress::Strict),
    ] {
        std::fs::write(&path, undump(golden)).unwrap();
        let ring = Ring::open(&path).unwrap();
        assert_eq!((ring.kind(), ring.lanes(), ring.id()), (Kind::Mpmc, lanes, [0xD0; 16]));
        assert_eq!((ring.shape().name(), ring.shape().capacity()), (shape, 64));
        assert_eq!(ring.progress(), progress);
        let stats = ring.mpmc_stats().unwrap();
        assert_eq!(stats.lanes.len(), lanes as usize);
        assert!(stats.lanes.iter().all(|lane| (lane.free, lane.used) == (64, 0)));
        assert!(stats.producers.is_empty() && stats.consumers.is_empty());
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn rings_with_the_bytes_of_version_1_open_and_deliver() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str, golden: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, undump(golden)).unwrap();
        path
    };

    let ring = Ring::open(path("asymmetric", ASYMMETRIC)).unwrap();
    assert_eq!(ring.fence(), Fence::Asymmetric);
    assert_eq!(spsc::Consumer::<u64>::attach(&ring).unwrap().pop(), Ok(0x0102_0304_0506_0708));

    let path_of_slots = path("slots", SLOTS);
    let ring = Ring::open(&path_of_slots).unwrap();
    assert_eq!(ring.fence(), Fence::Full);
    assert_eq!((ring.metadata(), ring.type_name()), (&b"caps"[..], "Frame v1"));
    assert_eq!((ring.id(), ring.created()), ([0xD0; 16], 0xC0C0_C0C0_C0C0_C0C0));
    assert_eq!(ring.stats().unwrap().producer.pid, 0xE1E1_E1E1);
    let mut consumer = spsc::Consumer::<u64>::attach(&ring).unwrap();
    assert_eq!(consumer.pop(), Ok(0x0102_0304_0506_0708));
    assert_eq!(consumer.pop(), Ok(0x1112_1314_1516_1718));
    let producer = spsc::Producer::<u64>::attach(&ring).unwrap();
    assert_eq!(producer.predecessor(), Predecessor::Died);

    let mut consumer = spsc::bytes::Consumer::open(path("bytes", BYTES)).unwrap();
    let view = consumer.read().unwrap();
    assert_eq!((&view[..], view.tag()), (&b"one"[..], 0xA1A2));
    assert_eq!(view.time(), 0xF0F0_F0F0_F0F0_F0F0);
    drop(view);
    assert_eq!(&consumer.read().unwrap()[..], b"second");

    let mut consumer = spsc::records::Consumer::open(path("records", RECORDS)).unwrap();
    assert_eq!(&consumer.read().unwrap()[..], b"one");
    assert_eq!(&consumer.read().unwrap()[..], b"second");
}
