//! Goal: what goes in comes out, in every shape, form and way of opening.
//! Method: both ends in one process, since what differs between processes is only
//! where the words are mapped; other files do the same across processes.

use ringbuf_shm::{
    ClaimError, OpenError, Options, Predecessor, Presence, ReadError, Ring, Sleeper, spsc,
};
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(5);

fn pair(options: &Options) -> (spsc::Producer<u64>, spsc::Consumer<u64>) {
    let producer = spsc::Producer::create_unnamed(options).unwrap();
    let consumer = spsc::Consumer::attach(producer.ring()).unwrap();
    (producer, consumer)
}

#[test]
fn values_come_out_in_order_past_every_wrap() {
    for first in [4, (1 << 32) - 2, u64::MAX - 1] {
        let (mut producer, mut consumer) = pair(&Options::new().capacity(4).first_position(first));
        for round in 0..10u64 {
            for value in 0..4 {
                producer.try_push(round * 4 + value).unwrap();
            }
            let full = producer.try_push(99).unwrap_err();
            assert_eq!((full.error, full.value), (ClaimError::Full, 99));
            for value in 0..4 {
                assert_eq!(consumer.try_pop(), Ok(round * 4 + value));
            }
            assert_eq!(consumer.try_pop(), Err(ReadError::Empty));
        }
        let stats = producer.ring().stats().unwrap();
        assert_eq!((stats.committed, stats.released, stats.used), (40, 40, 0));
    }
}

#[test]
fn batches_are_seen_as_slices_on_both_sides_of_the_wrap() {
    let (mut producer, mut consumer) = pair(&Options::new().capacity(8));
    producer.push_slice(&[0, 1, 2, 3, 4, 5]).unwrap();
    assert_eq!(consumer.read(6).unwrap().slices(), (&[0, 1, 2, 3, 4, 5][..], &[][..]));

    let mut claim = producer.claim(5).unwrap();
    assert_eq!(claim.len(), 5);
    for index in 0..5 {
        *claim.get(index).unwrap() = 10 + index as u64;
    }
    assert!(claim.get(5).is_none());
    claim.commit_first(4).unwrap();

    let view = consumer.try_read(8).unwrap();
    assert_eq!(view.slices(), (&[10, 11][..], &[12, 13][..]));
    view.release_first(3);
    let view = consumer.try_read(8).unwrap();
    assert_eq!(view.iter().copied().collect::<Vec<_>>(), [13]);
    assert_eq!(view.redelivered(), 0);
    drop(view);
    producer.push_slice(&[20, 21, 22, 23, 24, 25, 26]).unwrap();
    let mut values = [0; 8];
    assert_eq!(consumer.pop_slice(&mut values[..5]), Ok(5));
    assert_eq!(consumer.try_pop_slice(&mut values[5..]), Ok(2));
    assert_eq!(values, [20, 21, 22, 23, 24, 25, 26, 0]);
    assert_eq!(consumer.try_pop_slice(&mut values), Err(ReadError::Empty));
    assert_eq!(consumer.available(), Ok(0));
    assert_eq!(producer.free(), Ok(8));
    assert_eq!(producer.try_push_slice(&[0; 9]), Err(ClaimError::TooLong));
}

#[test]
fn an_aborted_claim_publishes_nothing() {
    let (mut producer, mut consumer) = pair(&Options::new().capacity(2));
    producer.try_claim(2).unwrap().abort();
    drop(producer.try_claim(1).unwrap());
    assert_eq!(consumer.try_pop(), Err(ReadError::Empty));
    producer.try_push(5).unwrap();
    assert_eq!(consumer.try_pop(), Ok(5));
}

#[test]
fn messages_carry_length_tag_and_time() {
    let options = Options::new().capacity(2).slot_size(100);
    let mut producer = spsc::bytes::Producer::create_unnamed(&options).unwrap();
    let mut consumer = spsc::bytes::Consumer::attach(producer.ring()).unwrap();
    for round in 0..5u8 {
        let mut claim = producer.try_claim().unwrap();
        assert_eq!((claim.len(), claim.as_ptr().addr() % 64), (100, 0));
        claim[..7].fill(round);
        claim.set_tag(u64::from(round) << 40);
        claim.commit(7).unwrap();
        producer.try_push(&[]).unwrap();
        assert_eq!(producer.try_push(b"no room"), Err(ClaimError::Full));

        let view = consumer.try_read().unwrap();
        assert_eq!((&*view, view.tag()), (&[round; 7][..], u64::from(round) << 40));
        assert!(view.time() > 0 && !view.redelivered());
        let mut copy = [0xFF; 9];
        assert_eq!(view.copy_to(&mut copy), 7);
        assert_eq!(copy[6..], [round, 0xFF, 0xFF]);
        view.release();
        assert!(consumer.try_read().unwrap().is_empty());
    }
    assert_eq!(producer.try_push(&[0; 101]), Err(ClaimError::TooLong));
    assert_eq!(producer.try_claim().unwrap().commit(101), Err(ClaimError::TooLong));
}

fn pattern(number: usize) -> u8 {
    u8::try_from(number % 251).unwrap()
}

#[test]
fn records_of_any_length_stay_in_one_piece() {
    for alignment in [8, 64] {
        let options = Options::new().capacity(4096).record_alignment(alignment);
        let mut producer = spsc::records::Producer::create_unnamed(&options).unwrap();
        let mut consumer = spsc::records::Consumer::attach(producer.ring()).unwrap();
        let longest = producer.len_max();
        assert_eq!(longest as u64, 2048 - alignment);
        for len in (0..=longest).chain([longest, longest, 0, 1]) {
            let mut claim = producer.try_claim(longest).unwrap();
            assert_eq!(claim.as_ptr().addr() as u64 % alignment, 0);
            for (index, byte) in claim.iter_mut().enumerate() {
                *byte = pattern(index + len);
            }
            claim.commit(len).unwrap();
            let view = consumer.try_read().unwrap();
            assert_eq!(view.len(), len);
            assert!(view.iter().enumerate().all(|(index, &byte)| byte == pattern(index + len)));
        }
        assert_eq!(consumer.try_read().unwrap_err(), ReadError::Empty);
        assert_eq!(producer.try_push(&vec![0; longest + 1]), Err(ClaimError::TooLong));
    }
}

#[test]
fn a_closed_side_is_told_after_the_rest_was_read() {
    let (mut producer, mut consumer) = pair(&Options::new().capacity(4));
    producer.push_slice(&[1, 2]).unwrap();
    drop(producer);
    assert_eq!(consumer.pop(), Ok(1));
    assert_eq!(consumer.try_pop(), Ok(2));
    assert_eq!(consumer.try_pop(), Err(ReadError::Closed));
    assert_eq!(consumer.pop(), Err(ReadError::Closed));
    assert_eq!(consumer.peer().unwrap(), Presence::Closed);
    let ring = consumer.ring().clone();
    assert!(matches!(spsc::Producer::<u64>::attach(&ring), Err(OpenError::Closed)));
    drop(consumer);
    assert_eq!(ring.stats().unwrap().consumer.presence, Presence::Closed);
}

#[test]
fn a_full_ring_whose_consumer_left_is_closed() {
    let (mut producer, consumer) = pair(&Options::new().capacity(2));
    producer.push_slice(&[1, 2]).unwrap();
    drop(consumer);
    assert_eq!(producer.try_push(3).unwrap_err().error, ClaimError::Closed);
    assert_eq!(producer.push(3).unwrap_err().error, ClaimError::Closed);
}

#[test]
fn a_reopened_ring_goes_on_where_it_stopped() {
    let (mut producer, mut consumer) = pair(&Options::new().capacity(4).reopen(true));
    producer.push_slice(&[1, 2, 3]).unwrap();
    assert_eq!(consumer.pop(), Ok(1));
    let ring = consumer.ring().clone();
    drop((producer, consumer));
    let mut producer = spsc::Producer::<u64>::attach(&ring).unwrap();
    assert_eq!(producer.predecessor(), Predecessor::Left);
    producer.push_slice(&[4, 5]).unwrap();
    let mut consumer = spsc::Consumer::<u64>::attach(&ring).unwrap();
    assert_eq!(consumer.redelivered_ahead(), 0);
    let rest: Vec<_> = (0..4).map(|_| consumer.pop().unwrap()).collect();
    assert_eq!(rest, [2, 3, 4, 5]);
    assert_eq!(ring.stats().unwrap().producer.incarnation, 2);
}

#[test]
fn time_is_up_when_nobody_comes() {
    for sleeper in [Sleeper::Futex, Sleeper::Spin] {
        let options = Options::new().capacity(2).sleeper(sleeper);
        let (mut producer, mut consumer) = pair(&options);
        assert_eq!(consumer.pop_timeout(SHORT), Err(ReadError::TimedOut));
        producer.push_slice(&[1, 2]).unwrap();
        assert_eq!(producer.push_timeout(3, SHORT).unwrap_err().error, ClaimError::TimedOut);
        assert!(producer.claim_timeout(1, SHORT).is_err());
        assert!(consumer.read_timeout(1, SHORT).is_ok());
    }
}

#[test]
fn two_threads_hand_over_everything_asleep_and_awake() {
    for sleeper in [Sleeper::Futex, Sleeper::Spin] {
        let options = Options::new().capacity(4).sleeper(sleeper);
        let (mut producer, mut consumer) = pair(&options);
        producer.set_spin(Duration::ZERO);
        consumer.set_spin(Duration::ZERO);
        let ring = producer.ring().clone();
        let messages = 20_000;
        let writer = std::thread::spawn(move || {
            for value in 0..messages {
                producer.push(value).unwrap();
            }
        });
        for value in 0..messages {
            assert_eq!(consumer.pop(), Ok(value));
        }
        assert_eq!(consumer.pop(), Err(ReadError::Closed));
        writer.join().unwrap();
        let stats = ring.stats().unwrap();
        assert_eq!(stats.released, messages);
        let sleeps = stats.producer.sleeps + stats.consumer.sleeps;
        assert_eq!(sleeps == 0, sleeper == Sleeper::Spin, "{stats:?}");
    }
}

#[test]
fn rings_by_name_path_and_descriptor_are_one_ring() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    let options = Options::new().capacity(4).metadata(b"caps").type_name("Tick v1");
    let mut producer = spsc::Producer::<u64>::create(&path, &options).unwrap();
    assert!(matches!(spsc::Producer::<u64>::create(&path, &options), Err(OpenError::Exists)));
    assert!(matches!(spsc::Producer::<u64>::open(&path), Err(OpenError::InUse)));
    let ring = Ring::open(&path).unwrap();
    assert_eq!((ring.metadata(), ring.type_name()), (&b"caps"[..], "Tick v1"));
    let other = Options::new().type_name("Tick v2");
    let refused = spsc::Consumer::<u64>::open_with(&path, &other).unwrap_err();
    assert!(matches!(refused, OpenError::PayloadType { .. }), "{refused}");
    assert!(matches!(spsc::Consumer::<u32>::open(&path), Err(OpenError::PayloadType { .. })));

    let handed = Ring::from_fd(&ring).unwrap();
    let refused = spsc::Consumer::<u64>::attach_with(&handed, &other).unwrap_err();
    assert!(matches!(refused, OpenError::PayloadType { .. }), "{refused}");
    let mut consumer = spsc::Consumer::<u64>::attach(&handed).unwrap();
    producer.push(1).unwrap();
    assert_eq!(consumer.pop(), Ok(1));
    Ring::unlink(&path).unwrap();
    assert!(matches!(Ring::open(&path), Err(OpenError::NotFound)));
    producer.push(2).unwrap();
    assert_eq!(consumer.pop(), Ok(2));
}

#[test]
fn a_flush_waits_until_everything_was_released() {
    let (mut producer, mut consumer) = pair(&Options::new().capacity(4));
    producer.flush().unwrap();
    producer.push(1).unwrap();
    assert_eq!(producer.flush_timeout(SHORT), Err(ClaimError::TimedOut));
    let reader = std::thread::spawn(move || (consumer.pop(), consumer));
    producer.flush().unwrap();
    let (popped, consumer) = reader.join().unwrap();
    assert_eq!(popped, Ok(1));
    drop(consumer);
    producer.flush().unwrap();
    producer.push(2).unwrap();
    assert_eq!(producer.flush(), Err(ClaimError::Closed));

    let mut bytes = spsc::bytes::Producer::create_unnamed(&Options::new().slot_size(8)).unwrap();
    bytes.push(b"x").unwrap();
    assert_eq!(bytes.flush_timeout(SHORT), Err(ClaimError::TimedOut));
    let mut records = spsc::records::Producer::create_unnamed(&Options::new()).unwrap();
    records.push(b"x").unwrap();
    assert_eq!(records.flush_timeout(SHORT), Err(ClaimError::TimedOut));
}

#[test]
fn a_ring_removes_its_own_name_and_no_other_ring_of_that_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    let producer = spsc::Producer::<u64>::create(&path, &Options::new()).unwrap();
    assert!(producer.ring().still_named().unwrap());
    assert!(producer.ring().remove().unwrap());
    assert!(!producer.ring().still_named().unwrap());
    let other = spsc::Producer::<u64>::create(&path, &Options::new()).unwrap();
    assert!(!producer.ring().remove().unwrap());
    assert!(other.ring().still_named().unwrap());
    assert!(!pair(&Options::new()).0.ring().remove().unwrap());
}

#[test]
fn create_or_open_takes_what_is_there_if_it_is_alike() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    let options = Options::new().capacity(4);
    let producer = spsc::Producer::<u64>::create_or_open(&path, &options).unwrap();
    let consumer = spsc::Consumer::<u64>::create_or_open(&path, &options).unwrap();
    assert_eq!(producer.ring().id(), consumer.ring().id());
    drop(producer);
    let larger = Options::new().capacity(8);
    let refused = spsc::Producer::<u64>::create_or_open(&path, &larger).unwrap_err();
    assert!(matches!(refused, OpenError::Different(_)), "{refused}");
}

#[test]
fn memory_wishes_are_answered() {
    let options =
        Options::new().capacity(1 << 19).prefault(true).lock_memory(true).huge_pages(true);
    let (producer, _consumer) = pair(&options);
    let granted = producer.ring().granted();
    assert_eq!(granted.prefault, Some(true));
    assert!(granted.lock_memory.is_some() && granted.huge_pages.is_some());
    assert_eq!(pair(&Options::new()).0.ring().granted(), ringbuf_shm::Granted::default());
    println!("{granted:?}");
}
