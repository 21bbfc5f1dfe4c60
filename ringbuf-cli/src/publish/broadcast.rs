//! `ringbuf pub` of a broadcast ring: every message to each subscriber, as it wants.

use super::{
    AHEAD, Arguments, FRAMES_DEFAULT, LINES_BUFFER, VideoInput, options, say_what_was_granted,
};
use crate::failure::Failure;
use crate::figures::{bytes, grouped};
use crate::input::{self, Input};
use crate::peers::readers;
use crate::stat::standing;
use crate::stop::{SLICE, Stop};
use crate::tell::say;
use crate::y4m;
use ringbuf_shm::broadcast::Delivery;
use ringbuf_shm::broadcast::bytes::{Claim, Publisher};
use ringbuf_shm::{BroadcastStats, ClaimError, Kind, Options, Pool, Presence, Ring};
use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

/// Lines that a ring keeps, unless told otherwise.
const LINES_DEFAULT: u64 = 256;
/// Bytes of the longest line, unless told otherwise.
const LINE_BYTES_DEFAULT: u64 = 4096;
/// How many may subscribe, unless told otherwise.
const SUBSCRIBERS_DEFAULT: u32 = 16;
/// How long to wait before counting subscribers again.
const COUNT_AGAIN: Duration = Duration::from_millis(10);
/// After so many looks it is said who is waited for.
const TELL_AFTER: u32 = 10;

pub(super) fn run(arguments: &Arguments, stop: &Stop, input: Input<'_>) -> Result<(), Failure> {
    match arguments.frame_bytes {
        Some(frame_bytes) => publish_frames(arguments, stop, input, frame_bytes),
        None if arguments.lines => publish_lines(arguments, stop, input),
        None => publish_video(arguments, stop, input),
    }
}

fn publish_video(arguments: &Arguments, stop: &Stop, input: Input<'_>) -> Result<(), Failure> {
    let mut video = VideoInput::begin(input)?;
    let options = described(arguments, FRAMES_DEFAULT)
        .slot_size(video.message_bytes_max())
        .metadata(&video.header.line)
        .type_name(y4m::TYPE_NAME);
    let picture = video.header.frame_bytes;
    Publishing::begin(arguments, stop, &options)?.end_after(|publishing| {
        while video.read_line()? {
            let line = video.line.clone();
            publishing.message(video.frame, picture, &line, |part| {
                video.read_part(part).map(|()| part.len())
            })?;
            video.frame += 1;
        }
        Ok(())
    })
}

fn publish_frames(
    arguments: &Arguments,
    stop: &Stop,
    input: Input<'_>,
    frame_bytes: u64,
) -> Result<(), Failure> {
    let mut input = BufReader::with_capacity(AHEAD, input);
    let options = described(arguments, FRAMES_DEFAULT).slot_size(frame_bytes);
    Publishing::begin(arguments, stop, &options)?.end_after(|publishing| {
        let len = publishing.publisher.slot_size();
        for number in 0.. {
            if input.fill_buf().map_err(input::failure)?.is_empty() {
                break;
            }
            publishing.message(number, len, b"", |part| {
                input::fill(&mut input, part).map_err(input::failure)
            })?;
        }
        Ok(())
    })
}

fn publish_lines(arguments: &Arguments, stop: &Stop, input: Input<'_>) -> Result<(), Failure> {
    let mut input = BufReader::with_capacity(LINES_BUFFER, input);
    let longest = arguments.line_bytes.unwrap_or(LINE_BYTES_DEFAULT);
    let options = described(arguments, LINES_DEFAULT).slot_size(longest);
    Publishing::begin(arguments, stop, &options)?.end_after(|publishing| {
        let mut line = Vec::new();
        for number in 0_u64.. {
            line.clear();
            let mut limited = input.by_ref().take(longest.saturating_add(1));
            let read = limited.read_until(b'\n', &mut line).map_err(input::failure)?;
            if read == 0 {
                break;
            }
            if read as u64 > longest {
                return Err(Failure::Said(format!(
                    "line {} is longer than {longest} bytes; create the ring with more \
                     --line-bytes",
                    number + 1
                )));
            }
            publishing.message(number, read, b"", |slot| {
                slot.copy_from_slice(&line);
                Ok(read)
            })?;
        }
        Ok(())
    })
}

/// The options of the ring, but for what a message is.
fn described(arguments: &Arguments, capacity: u64) -> Options {
    let subscribers = arguments.subscribers_max.unwrap_or(SUBSCRIBERS_DEFAULT);
    options(arguments, capacity)
        .subscribers_max(subscribers)
        .views_max(arguments.views_max.unwrap_or(subscribers))
        .reader_patience(arguments.patience)
}

/// A publisher, and who it waits for.
struct Publishing<'a> {
    arguments: &'a Arguments,
    stop: &'a Stop,
    publisher: Publisher,
    /// How many must subscribe before the first message is published.
    wait_for: usize,
    /// Bytes that are published at a time.
    slice: Option<usize>,
    /// The subscriber of which it was said last that it is waited for, by row and
    /// incarnation.
    told: Option<(u32, u32)>,
}

impl<'a> Publishing<'a> {
    /// Makes the ring, or takes the seat of one who died or left.
    fn begin(arguments: &'a Arguments, stop: &'a Stop, options: &Options) -> Result<Self, Failure> {
        let name = &arguments.name;
        let before = before(name);
        let publisher = Publisher::create_or_open(name, options).map_err(Failure::opening(name))?;
        match (before, publisher.ring().pool()) {
            (Some(before), _) if before.publisher.presence == Presence::Dead => {
                say(format_args!("{name}: goes on where a publisher died"));
            }
            (None, Some(pool)) => say(format_args!("{name}: {}", cost(&pool))),
            _ => {}
        }
        say_what_was_granted(name, publisher.ring());
        let wait_for = arguments.wait_for.unwrap_or(u32::from(!arguments.keep));
        let wait_for = usize::try_from(wait_for).unwrap_or(usize::MAX);
        let slice = arguments.slice.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        Ok(Self { arguments, stop, publisher, wait_for, slice, told: None })
    }

    /// Lets `write` write everything, and removes the name.
    fn end_after(
        mut self,
        write: impl FnOnce(&mut Self) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let name = &self.arguments.name;
        let written = write(&mut self);
        let evicted = self.publisher.evicted();
        if evicted > 0 {
            let plural = if evicted == 1 { "" } else { "s" };
            say(format_args!(
                "{name}: lost patience {} time{plural} with a subscriber that wants every message",
                grouped(evicted)
            ));
        }
        if self.arguments.keep {
            return written;
        }
        // Before the publisher is dropped: who finds the name does not find it closed.
        let removed = self.publisher.ring().remove().map_err(Failure::opening(name));
        written.and(removed.map(drop))
    }

    /// Publishes one message: `len` bytes at most, which `read` reads, and `behind` after
    /// them; whole, or in slices.
    fn message(
        &mut self,
        number: u64,
        len: usize,
        behind: &[u8],
        mut read: impl FnMut(&mut [u8]) -> Result<usize, Failure>,
    ) -> Result<(), Failure> {
        let (name, slice) = (&self.arguments.name, self.slice);
        let failed = |error: ClaimError| Failure::about(name, error);
        let mut claim = self.room()?;
        claim.set_tag(number);
        let Some(slice) = slice else {
            let len = read(&mut claim[..len])?;
            claim[len..len + behind.len()].copy_from_slice(behind);
            return claim.commit(len + behind.len()).map_err(failed);
        };
        let mut begun = claim.begin().map_err(failed)?;
        // Bounded: each turn shows a byte at least, and there are `len`.
        loop {
            let wanted = slice.min(len - begun.shown());
            let found = read(&mut begun.rest_mut()[..wanted])?;
            begun.advance(found).map_err(failed)?;
            if found < wanted || begun.shown() == len {
                break;
            }
        }
        begun.rest_mut()[..behind.len()].copy_from_slice(behind);
        begun.advance(behind.len()).map_err(failed)?;
        begun.commit().map_err(failed)
    }

    /// Claims a slot: waits for the first subscribers, and then for those that want every
    /// message.
    fn room(&mut self) -> Result<Claim<'_>, Failure> {
        self.wait_for_subscribers()?;
        let failed = |error| Failure::about(&self.arguments.name, error);
        let mut looks = 0;
        loop {
            self.stop.check()?;
            // Claimed, given back and claimed again: nobody else takes it.
            match self.publisher.claim_timeout(SLICE).map(drop) {
                Ok(()) => break,
                Err(ClaimError::TimedOut) => looks += 1,
                Err(error) => return Err(failed(error)),
            }
            if looks == TELL_AFTER {
                self.told =
                    say_who_is_slow(&self.arguments.name, self.publisher.ring(), self.told)?;
            }
        }
        self.publisher.try_claim().map_err(failed)
    }

    /// Waits until as many subscribe as are to, once.
    fn wait_for_subscribers(&mut self) -> Result<(), Failure> {
        let name = &self.arguments.name;
        let ring = self.publisher.ring();
        // Found twice, they have not just said that they read, but read.
        let (mut found, mut looks) = (0, 0);
        while self.wait_for > 0 && found < 2 {
            self.stop.check()?;
            let stats = ring.broadcast_stats().map_err(Failure::opening(name))?;
            let missing = self.wait_for.saturating_sub(readers(&stats).count());
            found = if missing == 0 { found + 1 } else { 0 };
            if looks == TELL_AFTER {
                say(format_args!("{name}: waiting for {missing} to `ringbuf sub {name}`"));
            }
            if missing > 0 && !ring.still_named().map_err(Failure::opening(name))? {
                return Err(Failure::about(name, "the ring was removed; nobody can subscribe"));
            }
            looks += 1;
            std::thread::sleep(COUNT_AGAIN);
        }
        self.wait_for = 0;
        Ok(())
    }
}

/// The ring of this name as it was before, if there was one.
fn before(name: &str) -> Option<BroadcastStats> {
    // What is wrong with one that cannot be opened is said when it is opened for good.
    let ring = Ring::open(name).ok().filter(|ring| ring.kind() == Kind::Broadcast)?;
    ring.broadcast_stats().ok()
}

/// What a pool costs, in words.
pub(crate) fn cost(pool: &Pool) -> String {
    let [slots, ring, claims, views] =
        [pool.slots, pool.ring, pool.claims, pool.views].map(grouped);
    let bytes = bytes(pool.bytes);
    format!(
        "{slots} slots take {bytes}: {ring} to be read, {claims} to be written, {views} to be held"
    )
}

/// Says who keeps the publisher from going on, unless that was said last; who that is.
fn say_who_is_slow(
    name: &str,
    ring: &Ring,
    told: Option<(u32, u32)>,
) -> Result<Option<(u32, u32)>, Failure> {
    let stats = ring.broadcast_stats().map_err(Failure::opening(name))?;
    let waited_for =
        readers(&stats).filter(|one| one.delivery == Some(Delivery::Lossless) && !one.evicted);
    let Some(slowest) = waited_for.max_by_key(|one| one.lag) else { return Ok(told) };
    let who = Some((slowest.peer.row, slowest.peer.incarnation));
    if who != told {
        say(format_args!(
            "{name}: waiting for process {} to read, which wants every message and is {}; \
             --patience limits that",
            slowest.peer.pid,
            standing(&slowest.peer)
        ));
    }
    Ok(who)
}
