//! Goal: each word of a broadcast ring is reached where the file has it, begins as
//! FORMAT.md says, and no two of them overlap.
//! Method: each word is given a number of its own through the map, and the file is read.

use super::*;
use crate::{Options, Ring};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;

const STEP: u64 = 65_536;
const FIRST: u64 = u64::MAX - 2;

fn options() -> Options {
    let options = Options::new().capacity(4).subscribers_max(3).views_max(5).slot_size(100);
    options.first_position(FIRST).in_place(true)
}

/// The word at this offset of the file.
fn word(path: &Path, offset: u64) -> u64 {
    let mut bytes = [0; 8];
    File::open(path).unwrap().read_exact_at(&mut bytes, offset).unwrap();
    u64::from_ne_bytes(bytes)
}

/// The words of a ring, and where FORMAT.md says that they are.
fn places(ring: &Ring) -> Vec<(&AtomicU64, u64)> {
    let map = ring.mapping();
    // SAFETY: the ring outlives what is made of its map here.
    let publisher = unsafe { map.publisher_words() };
    let mut places = vec![(&*publisher.tail, 2 * STEP), (&*publisher.floor, 2 * STEP + 128)];
    // SAFETY: as above.
    let readers = unsafe { map.readers() };
    for (index, reader) in (0..).zip(readers) {
        let words = [&reader.life, &reader.cursor, &reader.lost, &reader.broken, &reader.views];
        let offset = 3 * STEP + index * 128;
        places.extend((0..).zip(words).map(|(index, word)| (word, offset + index * 8)));
    }
    // SAFETY: as above.
    let cells = unsafe { map.cells() };
    places.extend((0..).zip(cells).map(|(index, cell)| (&**cell, 4 * STEP + index * 128)));
    // SAFETY: as above.
    let entries = unsafe { map.entries() };
    places.extend((0..).zip(entries).map(|(index, entry)| (entry, 5 * STEP + index * 8)));
    assert_eq!(places.len(), 2 + 3 * 5 + 5 + 4);
    // SAFETY: as above.
    let peers = (0..4).map(|row| unsafe { map.peer(row) });
    places.extend((0..).zip(peers).map(|(row, peer)| (&peer.words.state, STEP + row * 256)));
    places
}

#[test]
fn words_are_where_the_file_has_them_and_begin_as_it_says() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    for bytes in [false, true] {
        let ring = match bytes {
            false => Ring::create_broadcast::<u64>(&path, &options()).unwrap(),
            true => Ring::create_broadcast_bytes(&path, &options()).unwrap(),
        };
        // SAFETY: the ring outlives them.
        let slots = unsafe { ring.mapping().pool_slots(&ring.shape()) };
        assert_eq!((slots.len(), slots.size()), if bytes { (10, 100) } else { (10, 8) });
        let (stride, progress, payload) = if bytes { (192, 32, 64) } else { (32, 0, 16) };
        let mut places = places(&ring);
        let data = |slot: u32| 7 * STEP + u64::from(slot) * stride;
        let progress = |slot: u32| (slots.at(slot as usize), data(slot) + progress);
        places.extend((0..10).map(progress));
        for (there, offset) in &places {
            let first = match offset / STEP {
                2 => FIRST,
                // EMPTY; IDLE, of which the other words of a reader are zeros; FREE.
                1 | 4 => 1,
                3 if offset.is_multiple_of(128) => 1,
                _ => 0,
            };
            assert_eq!((there.load(Relaxed), word(&path, *offset)), (first, first), "{offset}");
        }
        for (number, (there, _)) in (1..).zip(&places) {
            there.store(number, Relaxed);
        }
        for slot in 0..10 {
            // SAFETY: the payload of a slot, which nobody else looks at.
            unsafe { slots.payload(slot).write_bytes(0xEE, slots.size()) };
            assert_eq!(word(&path, data(slot) + payload), 0xEEEE_EEEE_EEEE_EEEE);
            if bytes {
                slots.message(slot).tag.store(slot.into(), Relaxed);
                assert_eq!(word(&path, data(slot) + 8), slot.into());
            }
        }
        for (number, (_, offset)) in (1..).zip(&places) {
            assert_eq!(word(&path, *offset), number, "{offset}");
        }
        Ring::unlink(&path).unwrap();
    }
}

#[test]
#[should_panic(expected = "slot < self.count")]
fn a_slot_that_is_not_there_is_not_reached() {
    let ring = Ring::create_unnamed(options().broadcast_bytes().unwrap(), &options()).unwrap();
    // SAFETY: the ring outlives them.
    let slots = unsafe { ring.mapping().pool_slots(&ring.shape()) };
    slots.at(10);
}
