//! Goal: no header but a true one is believed, and none makes the reader fail
//! otherwise than by an error (promises P6, P7).
//! Method: headers are made, spoiled (every bit, every field, at random, with the
//! checksum made right again or not) and read; what is accepted must be written
//! again as the very same bytes, but for what nobody looks at.

use super::*;
use crate::layout::FORMAT_VERSION;
use crate::layout::REGION_ALIGNMENT;
use crate::options::Options;
use std::mem::offset_of;
use std::time::Duration;

const BOOT: [u8; 16] = [7; 16];
/// With 1,024 subscribers and 2^17 entries, the words end just before 2 MiB.
const VIEWS_MOVED: u32 = 3072;

/// Its alignment is more than that of the words in front of it.
#[repr(align(64))]
struct Wide {
    _bytes: [u8; 100],
}

/// Of each shape: `spsc` up to 2, `mpmc` from 3 on, broadcast from 6 on, the last of ticks.
fn made() -> Vec<Description> {
    let options = Options::new().capacity(64).slot_size(100).type_name("Tick").metadata(b"caps");
    let options = options.fence(Fence::Asymmetric);
    let many = options.clone().lanes(3).producers_max(5).consumers_max(7).redeliveries_max(254);
    let most = many.clone().lanes(1).producers_max(4095).consumers_max(1).huge_pages(true);
    let views = options.clone().subscribers_max(5).views_max(7).in_place(true);
    let patience = views
        .clone()
        .fence(Fence::Full)
        .reopen(true)
        .reader_patience(Some(Duration::from_millis(3)));
    // Its data would begin at 2 MiB by chance.
    let crowd = options.clone().subscribers_max(1024).views_max(VIEWS_MOVED).capacity(1 << 17);
    let crowd = crowd.in_place(true);
    let ticks = options.clone().subscribers_max(5);
    let specs = [
        options.slots_of::<u64>(),
        options.bytes(),
        options.records(),
        many.mpmc_slots_of::<u64>(),
        many.mpmc_bytes(),
        most.mpmc_slots_of::<Wide>(),
        views.broadcast_slots_of::<u64>(),
        patience.broadcast_bytes(),
        crowd.broadcast_slots_of::<Wide>(),
        crowd.huge_pages(true).broadcast_slots_of::<Wide>(),
        ticks.broadcast_slots_of::<[u64; 12]>(),
    ];
    specs.map(|spec| Description::new(spec.unwrap(), 5, [9; 16], BOOT)).to_vec()
}

/// Puts the right checksum on a spoiled header.
fn seal(bytes: &mut [u8]) {
    let checksum = checksum(bytes);
    bytes[HEADER_LEN - 4..HEADER_LEN].copy_from_slice(&checksum.to_ne_bytes());
}

fn put(bytes: &mut [u8], offset: usize, value: &[u8]) {
    bytes[offset..offset + value.len()].copy_from_slice(value);
}

/// A small generator of numbers that look random, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[test]
fn what_was_written_is_what_is_read() {
    for description in made() {
        let read = Description::decode(&description.encode(), description.file_len).unwrap();
        assert_eq!(read.spec, description.spec);
        assert_eq!(read.encode(), description.encode());
    }
}

#[test]
fn every_flipped_bit_is_found() {
    for description in made() {
        let mut bytes = description.encode();
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            let read = Description::decode(&bytes, description.file_len);
            assert!(read.is_err(), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn every_prefix_is_refused() {
    for description in made() {
        let bytes = description.encode();
        for len in 0..bytes.len() {
            let error = Description::decode(&bytes[..len], len as u64).unwrap_err();
            match error {
                OpenError::NotARing => assert!(len < 16),
                OpenError::Truncated { found, expected: 8192 } => assert_eq!(found, len as u64),
                other => panic!("{len}: {other}"),
            }
        }
        let whole = description.file_len;
        for (len, found) in [(8192, true), (whole - 1, true), (whole + 1, false), (1 << 60, false)]
        {
            let error = Description::decode(&bytes, len).unwrap_err();
            assert_eq!(matches!(error, OpenError::Truncated { .. }), found, "{error}");
        }
    }
}

#[test]
fn foreign_versions_orders_and_features_are_named() {
    let description = &made()[0];
    let spoiled = |offset, value: &[u8]| {
        let mut bytes = description.encode();
        put(&mut bytes, offset, value);
        seal(&mut bytes);
        Description::decode(&bytes, description.file_len)
    };
    for found in [0, FORMAT_VERSION + 1, u32::MAX] {
        let error = spoiled(offset_of!(Header, version), &found.to_ne_bytes()).unwrap_err();
        assert!(matches!(error, OpenError::Version { found: it, supported: 1 } if it == found));
    }
    let other = ENDIAN_MARK.swap_bytes().to_ne_bytes();
    let error = spoiled(offset_of!(Header, endian), &other).unwrap_err();
    assert!(matches!(error, OpenError::Endianness));
    for shift in 0..64 {
        let bit = 1_u64 << shift;
        for offset in [offset_of!(Header, incompatible), offset_of!(Header, read_compatible)] {
            let error = spoiled(offset, &bit.to_ne_bytes()).unwrap_err();
            assert!(matches!(error, OpenError::Features { found } if found == bit));
        }
        spoiled(offset_of!(Header, compatible), &bit.to_ne_bytes()).unwrap();
    }
}

#[test]
fn reserved_numbers_are_refused_by_name() {
    let description = &made()[1];
    let spoiled = |offset, value: u32| {
        let mut bytes = description.encode();
        put(&mut bytes, offset, &value.to_ne_bytes());
        seal(&mut bytes);
        Description::decode(&bytes, description.file_len).unwrap_err()
    };
    for kind in [0, 4] {
        let error = spoiled(offset_of!(Header, kind), kind);
        assert!(matches!(error, OpenError::Kind { found } if found == kind));
    }
    for shape in [0, 2, 5] {
        let error = spoiled(offset_of!(Header, shape), shape);
        assert!(matches!(error, OpenError::Shape { found } if found == shape));
    }
    for (offset, value) in [
        (offset_of!(Header, fence), 3),
        (offset_of!(Header, sleeper), 3),
        // Of an asymmetric ring, in which then nobody would sleep.
        (offset_of!(Header, sleeper), 2),
        (offset_of!(Header, redelivery), 3),
        (offset_of!(Header, reopen), 0),
        (offset_of!(Header, other_boot), 3),
        (offset_of!(Header, widths), 0),
    ] {
        let error = spoiled(offset, value);
        assert!(matches!(error, OpenError::Unsupported(_)), "{offset}: {error}");
    }
}

#[test]
fn decisions_that_no_ring_of_many_could_have_are_refused() {
    let made = made();
    let spoiled = |index: usize, offset, value: u32| {
        let mut bytes = Description::encode(&made[index]);
        put(&mut bytes, offset, &value.to_ne_bytes());
        seal(&mut bytes);
        Description::decode(&bytes, made[index].file_len).unwrap_err()
    };
    for (index, rows) in [(3, 12), (4, 12), (5, 4096)] {
        for (offset, value) in [
            // No kind of progress; the other shape.
            (offset_of!(Header, progress), 0),
            (offset_of!(Header, progress), 3),
            (offset_of!(Header, shape), 3),
            (offset_of!(Header, reopen), 1),
        ] {
            let error = spoiled(index, offset, value);
            assert!(matches!(error, OpenError::Unsupported(_)), "{offset}: {error}");
        }
        for (offset, value) in [
            (offset_of!(Header, delivery_max), 0),
            (offset_of!(Header, delivery_max), 256),
            (offset_of!(Header, producer_rows), 0),
            (offset_of!(Header, producer_rows), rows),
            (offset_of!(Header, producer_rows), rows + 1),
            (offset_of!(Header, producer_rows), u32::MAX),
            (offset_of!(Header, rows), 4097),
            (offset_of!(Header, rows), u32::MAX),
        ] {
            let error = spoiled(index, offset, value);
            let OpenError::Damaged(what) = error else { panic!("{offset}: {error}") };
            assert!(what.starts_with("the number of "), "{offset}: {what}");
        }
        for (offset, value, why) in [
            (offset_of!(Header, lanes), 0, GeometryError::Lanes),
            (offset_of!(Header, lanes), 65, GeometryError::Lanes),
            (offset_of!(Header, capacity), 32, GeometryError::Capacity),
            (offset_of!(Header, capacity), 65, GeometryError::Capacity),
            (offset_of!(Header, slot_size), 0, GeometryError::SlotSize),
        ] {
            let error = spoiled(index, offset, value);
            assert!(matches!(error, OpenError::Geometry(found) if found == why), "{error}");
        }
        let error = spoiled(index, offset_of!(Header, lanes), 2);
        assert!(matches!(error, OpenError::Damaged("the table of regions")), "{error}");
    }
    for align in [0, 3, 12, 8192] {
        let error = spoiled(3, offset_of!(Header, type_align), align);
        assert!(matches!(error, OpenError::Geometry(GeometryError::Alignment)), "{error}");
    }
    let error = spoiled(3, offset_of!(Header, alignment), 8);
    assert!(matches!(error, OpenError::Damaged("the stride of the slots")), "{error}");
}

#[test]
fn decisions_that_no_broadcast_ring_could_have_are_refused() {
    let made = made();
    let spoiled = |index: usize, offset, value: u32| {
        let mut bytes = Description::encode(&made[index]);
        put(&mut bytes, offset, &value.to_ne_bytes());
        seal(&mut bytes);
        Description::decode(&bytes, made[index].file_len).unwrap_err()
    };
    let ticks = made.len() - 1;
    for (offset, value, what) in [
        (offset_of!(Header, views), 1, "the number of views (0)"),
        (offset_of!(Header, shape), 1, "the number of views (1 to 4096)"),
        (offset_of!(Header, shape), 4, "the number of views (1 to 4096)"),
        (offset_of!(Header, claims), 2, "the number of claims (1)"),
        (offset_of!(Header, rows), 1, "the number of subscribers (1 to 1024)"),
        (offset_of!(Header, region_count), 7, "the table of regions"),
        (offset_of!(Header, stride), 64, "the stride of the slots"),
        (offset_of!(Header, message_header), 16, "the stride of the slots"),
    ] {
        let error = spoiled(ticks, offset, value);
        assert!(matches!(error, OpenError::Damaged(it) if it == what), "{offset}: {error}");
    }
    for (offset, value, why) in [
        (offset_of!(Header, slot_size), 121, GeometryError::TooLarge),
        (offset_of!(Header, slot_size), 0, GeometryError::SlotSize),
        (offset_of!(Header, capacity), 1, GeometryError::Capacity),
        (offset_of!(Header, type_align), 3, GeometryError::Alignment),
        (offset_of!(Header, type_align), 8192, GeometryError::Alignment),
    ] {
        let error = spoiled(ticks, offset, value);
        assert!(matches!(error, OpenError::Geometry(found) if found == why), "{error}");
    }
    for index in 6..ticks {
        for (offset, value) in [
            (offset_of!(Header, shape), 3),
            (offset_of!(Header, redelivery), 2),
            (offset_of!(Header, reopen), 3),
        ] {
            let error = spoiled(index, offset, value);
            assert!(matches!(error, OpenError::Unsupported(_)), "{offset}: {error}");
        }
        for (offset, value, what) in [
            (offset_of!(Header, producer_rows), 0, "the number of publishers (1)"),
            (offset_of!(Header, producer_rows), 2, "the number of publishers (1)"),
            (offset_of!(Header, rows), 0, "the number of subscribers (1 to 1024)"),
            (offset_of!(Header, rows), 1, "the number of subscribers (1 to 1024)"),
            (offset_of!(Header, rows), 1026, "the number of subscribers (1 to 1024)"),
            (offset_of!(Header, rows), u32::MAX, "the number of subscribers (1 to 1024)"),
            (offset_of!(Header, views), 0, "the number of views (1 to 4096)"),
            (offset_of!(Header, views), 4097, "the number of views (1 to 4096)"),
            (offset_of!(Header, views), u32::MAX, "the number of views (1 to 4096)"),
            (offset_of!(Header, claims), 0, "the number of claims (1)"),
            (offset_of!(Header, claims), 2, "the number of claims (1)"),
            (offset_of!(Header, lanes), 2, "the rows, locks or lanes"),
            (offset_of!(Header, region_count), 5, "the table of regions"),
            (offset_of!(Header, views), 33, "the table of regions"),
        ] {
            let error = spoiled(index, offset, value);
            assert!(matches!(error, OpenError::Damaged(it) if it == what), "{offset}: {error}");
        }
        for (value, why) in [
            (0, GeometryError::Capacity),
            (1, GeometryError::Capacity),
            (65, GeometryError::Capacity),
            (1 << 24, GeometryError::Pool),
            (1 << 31, GeometryError::Pool),
        ] {
            let error = spoiled(index, offset_of!(Header, capacity), value);
            assert!(matches!(error, OpenError::Geometry(found) if found == why), "{error}");
        }
    }
}

#[test]
fn numbers_that_no_broadcast_ring_could_have_are_refused_when_asked_for() {
    let options = || Options::new().slot_size(8);
    for (options, what) in [
        (options().subscribers_max(0), "the number of subscribers (1 to 1024)"),
        (options().subscribers_max(1025), "the number of subscribers (1 to 1024)"),
        (options().views_max(0), "the number of views (1 to 4096)"),
        (options().views_max(4097), "the number of views (1 to 4096)"),
    ] {
        let error = options.broadcast_bytes().unwrap_err();
        assert!(matches!(error, OpenError::OutOfRange(it) if it == what), "{error}");
    }
    for (options, why) in [
        (options().capacity(0), GeometryError::Capacity),
        (options().capacity(1), GeometryError::Capacity),
        (options().capacity(1 << 24), GeometryError::Pool),
        (options().slot_size(0), GeometryError::SlotSize),
        (options().slot_size(1 << 36), GeometryError::TooLarge),
    ] {
        let error = options.broadcast_bytes().unwrap_err();
        assert!(matches!(error, OpenError::Geometry(found) if found == why), "{error}");
    }
    options().capacity(1 << 23).subscribers_max(1024).views_max(4096).broadcast_bytes().unwrap();
    for (patience, nanoseconds) in [
        (None, 0),
        (Some(Duration::ZERO), 1),
        (Some(Duration::from_secs(2)), 2_000_000_000),
        (Some(Duration::MAX), u64::MAX),
    ] {
        let spec = options().reader_patience(patience).broadcast_bytes().unwrap();
        let Sides::Broadcast { reader_patience, .. } = spec.sides else { panic!() };
        assert_eq!(reader_patience, nanoseconds);
    }
}

#[test]
fn where_the_data_begins_says_whether_huge_pages_were_wished_for() {
    let made = made();
    let data = |index: usize| made[index].region(RegionKind::Data).unwrap().offset;
    let end = |index: usize| made[index].region(RegionKind::Events).unwrap().end();
    assert_eq!(end(8).next_multiple_of(REGION_ALIGNMENT), HUGE_PAGE, "choose other numbers");
    assert_eq!((data(8), data(9)), (HUGE_PAGE + REGION_ALIGNMENT, HUGE_PAGE));
    for description in &made {
        let offset = description.region(RegionKind::Data).unwrap().offset;
        assert_eq!(offset.is_multiple_of(HUGE_PAGE), description.spec.huge);
    }
}

#[test]
fn regions_do_not_overlap_and_each_is_aligned() {
    for description in made() {
        let mut end = IMMUTABLE_LEN as u64;
        for region in &description.regions {
            assert!(region.offset >= end && region.offset.is_multiple_of(REGION_ALIGNMENT));
            end = region.end();
        }
        assert!(description.file_len >= end && description.file_len - end < HUGE_PAGE);
    }
}

#[test]
fn words_stand_in_front_of_the_slots_of_many() {
    let slots = made().into_iter().map(|description| match description.spec.shape {
        Shape::Slots(slots) | Shape::Ticks(slots) | Shape::Bytes(slots) => {
            (slots.prefix(), slots.stride(), slots.alignment(), description.spec.type_align)
        }
        Shape::Records(_) => (0, 0, 0, 1),
    });
    let slots: Vec<_> = slots.skip(3).collect();
    let of_many = [(16, 32, 16, 8), (64, 192, 64, 1), (64, 192, 64, 64)];
    assert_eq!(slots[..3], of_many);
    assert_eq!(slots[3..6], of_many, "of broadcast rings alike");
    assert_eq!(slots.last(), Some(&(8, 128, 8, 8)), "of ticks a stamp");
}

#[test]
fn slots_of_bytes_are_never_misaligned() {
    // Their headers are atomics: a smaller alignment would be consistent, and fatal.
    let description = &made()[1];
    for alignment in [1_u32, 2, 4, 8, 16, 32] {
        let mut bytes = description.encode();
        let stride = (164_u64).next_multiple_of(u64::from(alignment));
        put(&mut bytes, offset_of!(Header, alignment), &alignment.to_ne_bytes());
        put(&mut bytes, offset_of!(Header, stride), &stride.to_ne_bytes());
        let data = offset_of!(Header, regions) + 4 * 32;
        put(&mut bytes, data + 16, &(64 * stride).to_ne_bytes());
        put(&mut bytes, data + 24, &stride.to_ne_bytes());
        seal(&mut bytes);
        let error = Description::decode(&bytes, description.file_len).unwrap_err();
        assert!(matches!(error, OpenError::Geometry(GeometryError::Alignment)), "{error}");
    }
}

#[test]
fn types_and_positions_of_another_shape_are_refused() {
    let made = made();
    let spoiled = |index: usize, offset, value: u64| {
        let mut bytes = Description::encode(&made[index]);
        put(&mut bytes, offset, &value.to_ne_bytes());
        seal(&mut bytes);
        Description::decode(&bytes, made[index].file_len).unwrap_err()
    };
    // Not of small values behind words: another alignment below 16 makes no difference.
    for index in [0, 1, 2, 4, 5, 7, 8] {
        for offset in [offset_of!(Header, type_size), offset_of!(Header, type_align)] {
            let error = spoiled(index, offset, 4);
            assert!(matches!(error, OpenError::Damaged(_)), "{index}: {error}");
        }
    }
    let error = spoiled(2, offset_of!(Header, first_position), 4);
    assert!(matches!(error, OpenError::Damaged("the first position")), "{error}");
}

/// Every field of 4 or 8 bytes takes every value that is good at breaking things.
#[test]
fn every_field_takes_every_awkward_value() {
    let mut values = vec![0, 1, 2, 3, 4, 5, 7, 8, 63, 64, 65, 255, 256, 257, 4095, 4096, 4097];
    for shift in [16, 31, 32, 33, 46, 47, 62, 63] {
        values.extend([(1 << shift) - 1, 1 << shift, (1 << shift) + 1]);
    }
    values.extend([u64::MAX, u64::MAX - 1, u64::MAX - 63]);
    for description in made() {
        let original = description.encode();
        for offset in (16..offset_of!(Header, type_name)).step_by(4) {
            for value in &values {
                for len in [4, 8] {
                    let mut bytes = original.clone();
                    put(&mut bytes, offset, &value.to_ne_bytes()[..len]);
                    seal(&mut bytes);
                    believed_only_if_true(&bytes, description.file_len);
                }
            }
        }
    }
}

#[test]
fn random_headers_are_refused() {
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    for round in 0..1000 {
        let mut bytes: Vec<u8> =
            (0..IMMUTABLE_LEN / 8).flat_map(|_| numbers.next().to_ne_bytes()).collect();
        assert!(Description::decode(&bytes, numbers.next()).is_err());
        // Behind a true beginning, and with a true checksum, too.
        bytes[..8].copy_from_slice(&MAGIC);
        put(&mut bytes, offset_of!(Header, endian), &ENDIAN_MARK.to_ne_bytes());
        put(&mut bytes, offset_of!(Header, version), &FORMAT_VERSION.to_ne_bytes());
        seal(&mut bytes);
        assert!(Description::decode(&bytes, numbers.next()).is_err(), "round {round}");
    }
}

/// Up to four bytes of a true header are changed, its checksum made right.
#[test]
fn slightly_wrong_headers_are_believed_only_where_nobody_looks() {
    let mut numbers = Numbers(0x2545_F491_4F6C_DD1D);
    for description in made() {
        let original = description.encode();
        for _ in 0..2000 {
            let mut bytes = original.clone();
            for _ in 0..=numbers.next() % 4 {
                let at = 16 + usize::from(numbers.next().to_ne_bytes()[1]) * 4;
                bytes[at] = numbers.next().to_ne_bytes()[0];
            }
            seal(&mut bytes);
            believed_only_if_true(&bytes, description.file_len);
        }
    }
}

/// Reads a sealed header; if it is believed, it is what the description would write,
/// in all bytes that mean something.
fn believed_only_if_true(bytes: &[u8], file_len: u64) {
    let Ok(read) = Description::decode(bytes, file_len) else { return };
    // What only rings of another kind say, nobody looks at.
    let many = [(offset_of!(Header, delivery_max), 4), (offset_of!(Header, progress), 4)];
    let broadcast = [(offset_of!(Header, reader_patience), 8), (offset_of!(Header, views), 8)];
    let ignored = match read.spec.sides.kind() {
        Kind::Spsc => [&many[..], &broadcast, &[(offset_of!(Header, producer_rows), 4)]].concat(),
        Kind::Mpmc => broadcast.to_vec(),
        Kind::Broadcast => many.to_vec(),
    };
    let regions = read.regions.len();
    assert_eq!(read.file_len, file_len);
    let (mut found, mut again) = (bytes.to_vec(), read.encode());
    let names = offset_of!(Header, type_name);
    for (offset, len) in [
        (offset_of!(Header, compatible), 8),
        (offset_of!(Header, reserved_early), 16),
        // The unused rest of the table of regions, and of the name.
        (offset_of!(Header, regions) + regions * 32, (16 - regions) * 32),
        (names + read.spec.type_name.len(), 256 - read.spec.type_name.len()),
        (offset_of!(Header, reserved_late), 3068),
        (offset_of!(Header, checksum), 4),
        (HEADER_LEN + read.spec.metadata.len(), METADATA_LEN_MAX - read.spec.metadata.len()),
    ]
    .into_iter()
    .chain(ignored)
    {
        found[offset..offset + len].fill(0);
        again[offset..offset + len].fill(0);
    }
    assert!(found == again, "believed what it would not write: {:?}", read.spec);
}
