//! `ringbuf pub --kind mpmc`: one of several publishers of a ring.
//!
//! A message is read to its end before a slot is claimed for it: a claim that waits for
//! input would be in the way of what others publish behind it.

use super::{AHEAD, Arguments, LINES_BUFFER, VideoInput, options, say_what_was_granted};
use crate::backpressure::{Backpressure, Producer};
use crate::failure::Failure;
use crate::input::{self, Input};
use crate::peers::{Peers, alive};
use crate::stop::Stop;
use crate::y4m;
use ringbuf_shm::mpmc::bytes;
use ringbuf_shm::{ClaimError, Kind, OpenError, Options, Ring, Shape};
use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

/// Slots of each lane, unless told otherwise: the fewest there can be.
const SLOTS_DEFAULT: u64 = 64;
/// Bytes of the longest line, unless told otherwise.
const LINE_BYTES_DEFAULT: u64 = 4096;

pub(super) fn run(arguments: &Arguments, stop: &Stop, input: Input<'_>) -> Result<(), Failure> {
    match arguments.frame_bytes {
        Some(frame_bytes) => publish_frames(arguments, stop, input, frame_bytes),
        None if arguments.lines => publish_lines(arguments, stop, input),
        None => publish_video(arguments, stop, input),
    }
}

fn publish_video(arguments: &Arguments, stop: &Stop, input: Input<'_>) -> Result<(), Failure> {
    let mut video = VideoInput::begin(input)?;
    let options = shared(arguments)?
        .slot_size(video.message_bytes_max())
        .metadata(&video.header.line)
        .type_name(y4m::TYPE_NAME);
    publish(arguments, stop, &options, |message| {
        if !video.read_line()? {
            return Ok(false);
        }
        message.resize(video.header.frame_bytes, 0);
        video.read_picture(message)?;
        message.extend_from_slice(&video.line);
        Ok(true)
    })
}

fn publish_frames(
    arguments: &Arguments,
    stop: &Stop,
    input: Input<'_>,
    frame_bytes: u64,
) -> Result<(), Failure> {
    let mut input = BufReader::with_capacity(AHEAD, input);
    let options = shared(arguments)?.slot_size(frame_bytes);
    publish(arguments, stop, &options, |message| {
        // What the ring took as the size of a slot fits into memory.
        message.resize(usize::try_from(frame_bytes).unwrap_or(usize::MAX), 0);
        let read = input::fill(&mut input, message).map_err(input::failure)?;
        message.truncate(read);
        Ok(read != 0)
    })
}

fn publish_lines(arguments: &Arguments, stop: &Stop, input: Input<'_>) -> Result<(), Failure> {
    let mut input = BufReader::with_capacity(LINES_BUFFER, input);
    let slot_size = |ring: &Ring| match ring.shape() {
        Shape::Bytes(slots) => Some(slots.size()),
        _ => None,
    };
    let found = arguments.line_bytes.or_else(|| existing(arguments).as_ref().and_then(slot_size));
    let longest = found.unwrap_or(LINE_BYTES_DEFAULT);
    let mut number = 0u64;
    publish(arguments, stop, &shared(arguments)?.slot_size(longest), |line| {
        number += 1;
        line.clear();
        let mut limited = input.by_ref().take(longest.saturating_add(1));
        let read = limited.read_until(b'\n', line).map_err(input::failure)?;
        if read as u64 > longest {
            return Err(Failure::Said(format!(
                "line {number} is longer than {longest} bytes; create the ring with more \
                 --line-bytes"
            )));
        }
        Ok(read != 0)
    })
}

/// The ring that there is already, if others may join it.
fn existing(arguments: &Arguments) -> Option<Ring> {
    // What is wrong with one that cannot be opened is said when it is opened for good.
    Ring::open(&arguments.name).ok().filter(|ring| ring.kind() == Kind::Mpmc)
}

/// The options of the ring: what is not asked for is as it is if there is one.
fn shared(arguments: &Arguments) -> Result<Options, Failure> {
    let there = existing(arguments);
    let capacity = there.as_ref().map_or(SLOTS_DEFAULT, |ring| match ring.shape() {
        Shape::Slots(slots) | Shape::Bytes(slots) => slots.capacity(),
        _ => SLOTS_DEFAULT,
    });
    let lanes = arguments.lanes.unwrap_or_else(|| there.as_ref().map_or(1, Ring::lanes));
    let lane = arguments.lane.unwrap_or(0);
    if lane >= lanes {
        let why =
            format!("a ring of {lanes} lanes has no lane {lane}; create it with more --lanes");
        return Err(Failure::about(&arguments.name, why));
    }
    Ok(options(arguments, capacity).lanes(lanes))
}

/// Publishes what `read` reads, one message after the other, until there is no more.
fn publish(
    arguments: &Arguments,
    stop: &Stop,
    options: &Options,
    mut read: impl FnMut(&mut Vec<u8>) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let name = &arguments.name;
    let mut producer =
        bytes::Producer::create_or_open(name, options).map_err(Failure::opening(name))?;
    producer.set_lane(arguments.lane.unwrap_or(0)).map_err(|error| Failure::about(name, error))?;
    say_what_was_granted(name, producer.ring());
    let mut backpressure = Backpressure::new(name, stop);
    let mut message = Vec::new();
    let written = (0..).try_for_each(|number| match read(&mut message) {
        Ok(true) => backpressure
            .wait(&mut producer, |producer, most| send(producer, &message, number, most))
            .map_err(Some),
        Ok(false) => Err(None),
        Err(failure) => Err(Some(failure)),
    });
    let written = written.map_or_else(|failure| failure.map_or(Ok(()), Err), Ok);
    if arguments.keep {
        return written;
    }
    // What was published before the input went bad is whole, and is waited for too.
    let wait = !matches!(written, Err(Failure::Stopped(_)));
    let left = leave(name, producer, &mut backpressure, wait);
    written.and(left)
}

fn send(
    producer: &mut bytes::Producer,
    message: &[u8],
    number: u64,
    most: Duration,
) -> Result<(), ClaimError> {
    let mut claim = producer.claim_timeout(most)?;
    claim[..message.len()].copy_from_slice(message);
    claim.set_tag(number);
    claim.commit(message.len())
}

/// Ends as one of several: the last one waits until all is read, if it is to, and
/// removes the name.
fn leave(
    name: &str,
    producer: bytes::Producer,
    backpressure: &mut Backpressure<'_>,
    wait: bool,
) -> Result<(), Failure> {
    let ring = producer.ring().clone();
    let mut leaving = Leaving { producer, relies: true, others: false };
    let read = if wait { backpressure.flush(&mut leaving) } else { Ok(()) };
    if !wait || read.is_err() {
        leaving.others = publishers(&ring).map_err(Failure::opening(name))? > 1;
    }
    if !leaving.others {
        // Before the producer is dropped: who finds the name does not find it closed.
        let removed = remove(name, &ring);
        return read.and(removed);
    }
    drop(leaving);
    // Two that leave at the same time must not rely on each other: whoever looks last
    // finds nobody, and sees to the rest.
    if publishers(&ring).map_err(Failure::opening(name))? > 0 {
        return read;
    }
    match read {
        Ok(()) if wait => see_to_the_rest(name, &ring, backpressure),
        read => {
            let removed = remove(name, &ring);
            read.and(removed)
        }
    }
}

/// Waits, on a new seat, until all is read, and removes the name.
fn see_to_the_rest(
    name: &str,
    ring: &Ring,
    backpressure: &mut Backpressure<'_>,
) -> Result<(), Failure> {
    let producer = match bytes::Producer::attach(ring) {
        // As many have come meanwhile as there are seats for.
        Err(OpenError::TooManyPeers(_)) => return Ok(()),
        producer => producer.map_err(Failure::opening(name))?,
    };
    let mut last = Leaving { producer, relies: false, others: false };
    let read = backpressure.flush(&mut last);
    let removed = remove(name, ring);
    read.and(removed)
}

/// Removes the name, whether there is one any more or not.
fn remove(name: &str, ring: &Ring) -> Result<(), Failure> {
    ring.remove().map(drop).map_err(Failure::opening(name))
}

/// How many publish to a ring now.
fn publishers(ring: &Ring) -> Result<usize, OpenError> {
    Ok(alive(&Peers::of(ring)?.producers))
}

impl Producer for bytes::Producer {
    fn ring(&self) -> &Ring {
        self.ring()
    }

    fn wait_for_peer(&self, most: Duration) -> Result<bool, OpenError> {
        self.wait_for_peer(Some(most))
    }

    fn flush_timeout(&mut self, most: Duration) -> Result<(), ClaimError> {
        self.flush_timeout(most)
    }
}

/// A publisher that has published everything.
struct Leaving {
    producer: bytes::Producer,
    /// Whether it leaves what is left to another one, if there is one.
    relies: bool,
    /// Whether there was one when it looked last.
    others: bool,
}

impl Producer for Leaving {
    fn ring(&self) -> &Ring {
        self.producer.ring()
    }

    fn wait_for_peer(&self, most: Duration) -> Result<bool, OpenError> {
        self.producer.wait_for_peer(Some(most))
    }

    /// Waits until all was read, or another publisher is there to wait for that: which of
    /// the two, is looked at before each wait.
    fn flush_timeout(&mut self, most: Duration) -> Result<(), ClaimError> {
        let peers = publishers(self.producer.ring()).map_err(|_| ClaimError::Corrupt)?;
        self.others = self.relies && peers > 1;
        if self.others {
            return Ok(());
        }
        self.producer.flush_timeout(most)?;
        // What others who came and went have published meanwhile is waited for as well.
        self.producer.flush_timeout(Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringbuf_shm::ReadError;
    use std::thread::{spawn, yield_now};
    use std::time::Instant;

    #[test]
    fn who_sees_to_the_rest_waits_until_it_is_read_and_removes_the_name() {
        let directory = tempfile::tempdir().unwrap();
        let name = directory.path().join("ring").to_str().unwrap().to_owned();
        let options = Options::new().capacity(SLOTS_DEFAULT).slot_size(8);
        let mut producer = bytes::Producer::create(&name, &options).unwrap();
        producer.push(b"left").unwrap();
        let mut consumer = bytes::Consumer::open(&name).unwrap();
        let ring = producer.ring().clone();
        drop(producer);
        let place = name.clone();
        let seeing = spawn(move || {
            let stop = Stop::watch().unwrap();
            let ring = Ring::open(&place).unwrap();
            see_to_the_rest(&place, &ring, &mut Backpressure::new(&place, &stop))
        });
        let producer = || ring.mpmc_stats().unwrap().producers.remove(0);
        let start = Instant::now();
        // The counter is of the row, on which nobody has slept before.
        while producer().sleeps == 0 {
            assert!(!seeing.is_finished(), "something is left");
            assert!(start.elapsed() < Duration::from_secs(60), "does not sleep");
            yield_now();
        }
        assert!(ring.still_named().unwrap());
        assert_eq!(&consumer.read().unwrap()[..], b"left");
        seeing.join().unwrap().unwrap();
        assert!(!ring.still_named().unwrap());
        assert_eq!(consumer.read().unwrap_err(), ReadError::Closed);
    }
}
