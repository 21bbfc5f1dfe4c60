//! Goal: an mpmc ring is made as it was asked for, with every slot free for its first
//! message, tells what is in it, and is not taken for a ring of another kind; what
//! cannot be is refused when it is asked for (promises P6, P7).
//! Method: rings of many sizes are made and their bytes read; words are stored as
//! peers, and as strangers, would store them, and the snapshot is compared.

use ringbuf_shm::zerocopy::{FromBytes, Immutable, IntoBytes};
use ringbuf_shm::{Holder, Kind, OpenError, Options, Presence, Ring, Shape, spsc};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const PEERS: u64 = 65_536;
const LANES: u64 = 131_072;
const DATA: u64 = 327_680;

struct Place {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

fn place() -> Place {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    Place { _directory: directory, path }
}

fn store(path: &Path, words: &[(u64, u64)]) {
    let file = File::options().write(true).open(path).unwrap();
    for (offset, word) in words {
        file.write_all_at(&word.to_ne_bytes(), *offset).unwrap();
    }
}

fn word(file: &[u8], offset: u64) -> u64 {
    let at = usize::try_from(offset).unwrap();
    u64::from_ne_bytes(file[at..at + 8].try_into().unwrap())
}

/// An identity in its place in a slot or row word.
fn who(row: u64) -> u64 {
    (3 << 12 | row) << 3
}

/// Every slot of the file is free for the first position it is the slot of.
fn begins_free(path: &Path, first: u64, capacity: u64, lanes: u64, stride: u64, words: u64) {
    let file = fs::read(path).unwrap();
    for lane in 0..lanes {
        assert_eq!(word(&file, LANES + lane * 512), first, "tail");
        assert_eq!(word(&file, LANES + lane * 512 + 128), first, "head");
        for ahead in 0..capacity {
            let position = first.wrapping_add(ahead);
            let slot = DATA + (lane * capacity + position % capacity) * stride;
            let free = ((position / capacity) << 32) | 1;
            assert_eq!(word(&file, slot + words), free, "lane {lane}, position {position}");
            assert_eq!(word(&file, slot + words + 8), 0);
        }
    }
    let ring = Ring::open(path).unwrap();
    assert_eq!((ring.kind(), u64::from(ring.lanes())), (Kind::Mpmc, lanes));
    assert_eq!(ring.shape().data_len(), lanes * capacity * stride);
    for lane in ring.mpmc_stats().unwrap().lanes {
        assert_eq!((lane.free, lane.used, lane.high_water), (capacity, 0, 0));
    }
}

#[test]
fn every_slot_begins_free_for_its_first_position() {
    for (capacity, lanes) in [(64, 64), (64, 1), (8192, 3)] {
        for first in [None, Some(0), Some(77), Some((1 << 38) - 5), Some(u64::MAX - 10)] {
            let options = Options::new().capacity(capacity).lanes(lanes).slot_size(200);
            let options = first.into_iter().fold(options, Options::first_position);
            let first = first.unwrap_or(capacity);
            let slots = place();
            Ring::create_mpmc::<[u8; 3]>(&slots.path, &options).unwrap();
            begins_free(&slots.path, first, capacity, lanes.into(), 32, 0);
            let bytes = place();
            Ring::create_mpmc_bytes(&bytes.path, &options).unwrap();
            begins_free(&bytes.path, first, capacity, lanes.into(), 320, 40);
        }
    }
}

#[test]
fn slots_that_are_larger_than_what_is_written_at_once_begin_free() {
    let place = place();
    let options = Options::new().capacity(64).slot_size(100_000).lanes(2).first_position(70);
    Ring::create_mpmc_bytes(&place.path, &options).unwrap();
    begins_free(&place.path, 70, 64, 2, 100_096, 40);
}

#[test]
fn values_of_wide_alignment_stand_at_their_multiples() {
    #[derive(FromBytes, IntoBytes, Immutable)]
    #[repr(C, align(128))]
    struct Wide([u8; 128]);
    let place = place();
    let ring = Ring::create_mpmc::<Wide>(&place.path, &Options::new().capacity(64)).unwrap();
    let Shape::Slots(slots) = ring.shape() else { panic!("not slots") };
    assert_eq!((slots.prefix(), slots.stride(), slots.alignment()), (128, 256, 128));
    begins_free(&place.path, 64, 64, 1, 256, 0);
}

#[test]
fn numbers_that_cannot_be_are_refused_when_asked_for() {
    let place = place();
    let options = Options::new().capacity(64).slot_size(8);
    let refused = |options: &Options| {
        let error = Ring::create_mpmc::<u64>(&place.path, options).unwrap_err();
        let same = Ring::create_mpmc_bytes(&place.path, options).unwrap_err();
        assert_eq!(error.to_string(), same.to_string());
        assert!(!place.path.exists());
        error
    };
    let cloned = || options.clone();
    for options in [
        cloned().producers_max(0),
        cloned().consumers_max(0),
        cloned().producers_max(4096),
        cloned().producers_max(4000).consumers_max(97),
        cloned().producers_max(u32::MAX).consumers_max(1),
        cloned().redeliveries_max(0),
        cloned().redeliveries_max(256),
    ] {
        let error = refused(&options);
        assert!(matches!(error, OpenError::OutOfRange(_)), "{error}");
    }
    for options in [
        cloned().lanes(0),
        cloned().lanes(65),
        cloned().capacity(0),
        cloned().capacity(32),
        cloned().capacity(1 << 33),
    ] {
        let error = refused(&options);
        assert!(matches!(error, OpenError::Geometry(_)), "{error}");
    }
    let large = Options::new().capacity(1 << 30).slot_size(1 << 10).lanes(64);
    let error = Ring::create_mpmc_bytes(&place.path, &large).unwrap_err();
    assert!(matches!(error, OpenError::Geometry(_)), "{error}");
    let most = options.producers_max(4095).consumers_max(1).redeliveries_max(254).lanes(64);
    Ring::create_mpmc::<u64>(&place.path, &most).unwrap();
}

#[test]
fn a_ring_of_another_kind_is_told_so() {
    let place = place();
    let options = Options::new().capacity(64);
    let ring = Ring::create_mpmc::<u64>(&place.path, &options).unwrap();
    let is_other = |error: OpenError| {
        assert_eq!(
            error.to_string(),
            "the ring is mpmc, not spsc; use what is made for rings of its kind"
        );
    };
    is_other(spsc::Producer::<u64>::attach(&ring).unwrap_err());
    is_other(spsc::Consumer::<u64>::open(&place.path).unwrap_err());
    is_other(spsc::bytes::Consumer::attach(&ring).unwrap_err());
    is_other(spsc::records::Producer::attach(&ring).unwrap_err());
    is_other(spsc::Producer::<u64>::create_or_open(&place.path, &options).unwrap_err());
    is_other(ring.stats().unwrap_err());
    assert!(ring.mpmc_stats().unwrap().producers.is_empty());

    let producer = spsc::Producer::<u64>::create_unnamed(&options).unwrap();
    let ring = producer.ring();
    assert_eq!((ring.kind(), ring.lanes()), (Kind::Spsc, 1));
    let error = ring.mpmc_stats().unwrap_err();
    assert!(
        matches!(error, OpenError::OtherKind { found: Kind::Spsc, expected: Kind::Mpmc }),
        "{error}"
    );
}

#[test]
fn a_snapshot_tells_slots_and_peers_and_believes_no_hint() {
    let place = place();
    let options = Options::new().capacity(64).lanes(2).producers_max(2).consumers_max(3);
    let ring = Ring::create_mpmc::<u64>(&place.path, &options).unwrap();
    let lane = DATA + 64 * 32;
    let slot = |index: u64| lane + index * 32;
    store(
        &place.path,
        &[
            (slot(0), 1 << 32 | 3),
            (slot(1), 1 << 32 | 5),
            (slot(1) + 8, 2 << 24 | 7), // Delivered twice more; lost seven.
            (slot(2), 1 << 32 | who(4) | 4),
            (slot(3), 1 << 32 | who(0) | 2),
            (slot(63) + 8, 1),
            (LANES + 512, 68),
            (LANES + 512 + 384, 1000), // The high water of a lane of 64.
            (LANES, 63),               // A tail before its head.
            (PEERS, who(0) | 2),       // Died: nobody holds its lock.
            (PEERS + 16, 77),
            (PEERS + 256 + 8, 5), // Never came, whatever it left.
            (PEERS + 4 * 256, who(4) | 3),
            (PEERS + 4 * 256 + 128 + 8, 9), // Sleeps.
        ],
    );
    let stats = ring.mpmc_stats().unwrap();
    let (quiet, busy) = (&stats.lanes[0], &stats.lanes[1]);
    assert_eq!((quiet.free, quiet.used, quiet.high_water), (64, 0, 0));
    assert_eq!((busy.free, busy.writing, busy.full), (60, 1, 1));
    assert_eq!((busy.reading, busy.orphans), (1, 1));
    assert_eq!((busy.used, busy.high_water, stats.dropped), (4, 64, 8));
    assert_eq!((busy.claimed, busy.read), (4, 0));
    let held = |holder: &Holder| (holder.row, holder.incarnation, holder.slots);
    let held: Vec<_> = busy.holders.iter().map(held).collect();
    assert_eq!((held, quiet.holders.len()), (vec![(0, 3, 1), (4, 3, 1)], 0));
    assert_eq!(stats.redelivered, 0);
    let [producer] = &stats.producers[..] else { panic!("{stats:?}") };
    assert_eq!((producer.row, producer.presence, producer.pid), (0, Presence::Dead, 77));
    let [consumer] = &stats.consumers[..] else { panic!("{stats:?}") };
    assert_eq!((consumer.row, consumer.presence, consumer.incarnation), (4, Presence::Closed, 3));
    assert_eq!(consumer.sleeps, 9);

    store(&place.path, &[(LANES + 512, 10_000)]);
    assert_eq!(ring.mpmc_stats().unwrap().lanes[1].used, 64);
    for (offset, good, bad) in [
        (slot(5), 1 << 32 | 1, 0),
        (slot(5), 1 << 32 | 1, 1 << 32 | 6),
        (slot(2), 1 << 32 | who(4) | 4, 1 << 32 | who(1) | 4),
        (PEERS + 3 * 256, 1, 0),
        (PEERS, who(0) | 2, who(1) | 2),
    ] {
        store(&place.path, &[(offset, bad)]);
        let error = ring.mpmc_stats().unwrap_err();
        assert!(matches!(error, OpenError::Corrupt), "{error}");
        store(&place.path, &[(offset, good)]);
        ring.mpmc_stats().unwrap();
    }
}
