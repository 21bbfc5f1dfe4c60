//! Goal: small values stand in the entries of a broadcast ring, larger ones in a pool, and who
//! opens a ring finds out which; what is copied is whole, whatever its size, and stays.
//! Method: rings of values of every size, and subscribers of each kind that are waited for, slow,
//! overtaken and evicted.

use ringbuf_shm::broadcast::{Delivery, Join, Payload, Publisher, Start, Subscriber, bytes};
use ringbuf_shm::zerocopy::{FromBytes, Immutable, IntoBytes};
use ringbuf_shm::{ClaimError, OpenError, Options, ReadError};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything here takes, unless it hangs.
const GUARD: Duration = Duration::from_secs(20);

fn options() -> Options {
    Options::new().capacity(8).subscribers_max(4)
}

fn shape_of<const N: usize>(options: &Options) -> &'static str {
    Publisher::<[u8; N]>::create_unnamed(options).unwrap().ring().shape().name()
}

#[test]
fn small_values_are_ticks_unless_they_are_to_be_looked_at_in_place() {
    assert_eq!([shape_of::<1>(&options()), shape_of::<120>(&options())], ["ticks", "ticks"]);
    assert_eq!(shape_of::<121>(&options()), "slots");
    assert_eq!(shape_of::<8>(&options().in_place(true)), "slots");
    let one = Publisher::<u64>::create_unnamed(&options().capacity(1));
    assert!(matches!(one, Err(OpenError::Geometry(_))));
}

fn comes_whole<const N: usize>() {
    let mut publisher = Publisher::<[u8; N]>::create_unnamed(&options()).unwrap();
    let mut reader = Subscriber::<[u8; N]>::attach(publisher.ring(), Delivery::Lossless).unwrap();
    for turn in 0..20_u8 {
        let value = std::array::from_fn(|at| (usize::from(turn) * 31 + at).to_le_bytes()[0]);
        publisher.push(value).unwrap();
        assert_eq!(reader.try_pop(), Ok(value), "{N} bytes");
    }
}

#[test]
fn values_of_every_size_come_whole() {
    comes_whole::<1>();
    comes_whole::<7>();
    comes_whole::<8>();
    comes_whole::<9>();
    comes_whole::<24>();
    comes_whole::<56>();
    comes_whole::<57>();
    comes_whole::<64>();
    comes_whole::<119>();
    comes_whole::<120>();
}

#[derive(FromBytes, IntoBytes, Immutable, Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
struct Aligned([u64; 8]);

#[test]
fn values_that_want_a_large_alignment_are_copied_to_where_they_have_it() {
    let mut publisher = Publisher::<Aligned>::create_unnamed(&options()).unwrap();
    assert_eq!(publisher.ring().shape().name(), "ticks");
    let mut reader = Subscriber::<Aligned>::attach(publisher.ring(), Delivery::Lossy).unwrap();
    publisher.push(Aligned([7; 8])).unwrap();
    let view = reader.read().unwrap();
    assert_eq!((&raw const *view).addr() % 64, 0);
    assert_eq!(*view, Aligned([7; 8]));
}

#[test]
fn who_opens_a_ring_finds_out_where_its_values_stand() {
    let directory = tempfile::tempdir().unwrap();
    for in_place in [false, true] {
        let path = directory.path().join(in_place.to_string());
        let made = options().in_place(in_place);
        let mut publisher = Publisher::<u64>::create(&path, &made).unwrap();
        let mut reader = Subscriber::<u64>::open(&path, Delivery::Lossless).unwrap();
        publisher.push(7).unwrap();
        assert_eq!(reader.pop(), Ok(7));
        let other = Subscriber::<u64>::create_or_open(
            &path,
            &options().in_place(!in_place),
            Delivery::Lossless,
        );
        assert!(matches!(other, Err(OpenError::PayloadType { .. })), "as it was not made");
        let signed = Subscriber::<[u8; 8]>::open(&path, Delivery::Lossy);
        assert!(matches!(signed, Err(OpenError::PayloadType { .. })), "of another alignment");
        let raw = bytes::Subscriber::open(&path, Delivery::Lossy);
        assert!(matches!(raw, Err(OpenError::PayloadType { .. })), "of bytes");
        let raw = bytes::Publisher::open(&path);
        assert!(matches!(raw, Err(OpenError::PayloadType { .. })), "of bytes");
        drop((publisher, reader));
    }
}

fn ring<T: Payload>(options: &Options, joins: &[Delivery]) -> (Publisher<T>, Vec<Subscriber<T>>) {
    let publisher = Publisher::create_unnamed(options).unwrap();
    let join = |&delivery| Subscriber::attach(publisher.ring(), delivery).unwrap();
    let readers = joins.iter().map(join).collect();
    (publisher, readers)
}

#[test]
fn who_is_overtaken_knows_exactly_what_it_lost() {
    let (mut publisher, mut readers) =
        ring::<u64>(&options(), &[Delivery::Lossy, Delivery::Latest]);
    let first = publisher.position();
    let mut got = [0, 0];
    for value in 0..1000 {
        publisher.push(value).unwrap();
        if value % 37 != 0 {
            continue;
        }
        for (reader, got) in readers.iter_mut().zip(&mut got) {
            while let Ok(view) = reader.try_read() {
                *got += 1;
                assert_eq!(view.position() - first, *view, "what stood there");
                assert_eq!(*got + reader.lost(), reader.position() - first);
            }
        }
        assert_eq!(*readers[0].latest().unwrap(), value);
    }
    assert!(readers.iter().all(|reader| reader.lost() > 0), "or nothing was tried");
}

#[test]
fn a_lossless_subscriber_is_waited_for_and_then_evicted_and_told_once() {
    let options = options().reader_patience(Some(Duration::from_millis(1)));
    let (mut publisher, mut readers) = ring::<u64>(&options, &[Delivery::Lossless]);
    for value in 0..8 {
        publisher.push(value).unwrap();
    }
    assert_eq!(publisher.try_push(8).map_err(|failed| failed.error), Err(ClaimError::Full));
    let reader = &mut readers[0];
    assert_eq!((reader.pop(), reader.pop()), (Ok(0), Ok(1)));
    publisher.try_push(8).unwrap();
    publisher.try_push(9).unwrap();
    // After its patience it waits no longer.
    publisher.push(10).unwrap();
    assert_eq!(publisher.evicted(), 1);
    assert_eq!(reader.pop(), Err(ReadError::Evicted));
    let next = reader.pop().unwrap();
    assert_eq!(reader.lost(), next - 2);
    assert!((next + 1..11).all(|value| reader.pop() == Ok(value)));
    assert_eq!(reader.try_pop(), Err(ReadError::Empty));
}

#[test]
fn a_claim_is_seen_when_it_is_committed_and_not_otherwise() {
    let (mut publisher, mut readers) = ring::<[u64; 3]>(&options(), &[Delivery::Lossless]);
    let mut claim = publisher.claim().unwrap();
    claim[1] = 5;
    drop(claim);
    assert_eq!(readers[0].try_pop(), Err(ReadError::Empty));
    let mut claim = publisher.claim().unwrap();
    assert_eq!(*claim, [0; 3], "nothing of the one before");
    claim[2] = 7;
    claim.commit().unwrap();
    assert_eq!(readers[0].pop(), Ok([0, 0, 7]));
}

#[test]
fn who_sleeps_for_room_or_for_a_message_is_woken() {
    const MESSAGES: u64 = 20_000;
    let (mut publisher, readers) = ring::<[u64; 8]>(&options(), &[Delivery::Lossless; 2]);
    publisher.set_spin(Duration::ZERO);
    let reading: Vec<_> = readers
        .into_iter()
        .map(|mut reader| {
            reader.set_spin(Duration::ZERO);
            thread::spawn(move || {
                for number in 0..MESSAGES {
                    assert_eq!(reader.pop_timeout(GUARD), Ok([number; 8]));
                }
            })
        })
        .collect();
    for number in 0..MESSAGES {
        publisher.push_timeout([number; 8], GUARD).map_err(|failed| failed.error).unwrap();
    }
    reading.into_iter().for_each(|reading| reading.join().unwrap());
}

#[test]
fn a_publisher_that_sleeps_for_room_is_woken_after_a_quarter_of_a_lap() {
    let (mut publisher, mut readers) = ring::<u64>(&options(), &[Delivery::Lossless]);
    let (ring, reader) = (publisher.ring().clone(), &mut readers[0]);
    publisher.set_spin(Duration::ZERO);
    (0..8).for_each(|value| publisher.push(value).unwrap());
    let publishing = thread::spawn(move || publisher.push_timeout(8, GUARD).is_ok());
    let start = Instant::now();
    while ring.broadcast_stats().unwrap().publisher.sleeps == 0 {
        assert!(start.elapsed() < GUARD, "it does not sleep");
        thread::yield_now();
    }
    // Two of eight: it is announced that somebody sleeps, so one of the two calls wakes it.
    assert_eq!((reader.pop(), reader.pop()), (Ok(0), Ok(1)));
    assert_eq!(ring.broadcast_stats().unwrap().subscribers[0].peer.wakes, 1);
    assert!(publishing.join().unwrap());
    assert!((2..9).all(|value| reader.pop() == Ok(value)));
}

#[test]
fn no_copy_is_torn_by_a_publisher_at_full_speed() {
    const MESSAGES: u64 = 300_000;
    let options = options().capacity(2);
    let (mut publisher, readers) =
        ring::<[u64; 15]>(&options, &[Delivery::Lossy, Delivery::Latest]);
    let reading: Vec<_> = readers
        .into_iter()
        .map(|mut reader| {
            thread::spawn(move || {
                let (first, mut got) = (reader.position(), 0);
                while let Ok(value) = reader.read_timeout(GUARD) {
                    got += 1;
                    assert_eq!(*value, [value[0]; 15], "torn");
                    assert_eq!(value.position() - first, value[0], "of another place");
                    assert_eq!(got + reader.lost(), reader.position() - first);
                }
                reader.position() - first
            })
        })
        .collect();
    for number in 0..MESSAGES {
        publisher.push([number; 15]).unwrap();
    }
    drop(publisher);
    for reading in reading {
        assert_eq!(reading.join().unwrap(), MESSAGES, "the last one comes, or is counted");
    }
}

#[test]
fn a_successor_goes_on_and_a_newcomer_begins_where_it_wants() {
    let mut publisher = Publisher::<u64>::create_unnamed(&options().reopen(true)).unwrap();
    let ring = publisher.ring().clone();
    (0..5).for_each(|value| publisher.push(value).unwrap());
    let first = publisher.position() - 5;
    drop(publisher);
    let mut publisher = Publisher::<u64>::attach(&ring).unwrap();
    publisher.push(5).unwrap();
    let third = Join::new(Delivery::Lossy).start(Start::Position(first + 3));
    let mut reader = Subscriber::<u64>::attach(&ring, third).unwrap();
    assert_eq!([reader.pop(), reader.pop(), reader.pop()], [Ok(3), Ok(4), Ok(5)]);
    let mut newest = Subscriber::<u64>::attach(&ring, Delivery::Latest).unwrap();
    assert_eq!((newest.pop(), newest.try_pop()), (Ok(5), Err(ReadError::Empty)));
}
