//! Several claims and messages of a ring of many at once: one call for all, one wake-up.
//!
//! Unsafe code here trusts the caller to pass what the manual asks for.
#![expect(
    clippy::missing_safety_doc,
    reason = "include/ringbuf.h is the manual: it says what each pointer must be"
)]

use super::consumer::Consumer;
use super::lent::{Claim, Message};
use super::producer::Producer;
use crate::argument::{self, Timeout};
use crate::error::{Errno, code, done};
use libc::c_int;
use ringbuf_shm::mpmc::bytes;
use std::mem::MaybeUninit;

/// Fills as many places as there is something for now, waiting for the first only.
fn fill<T, E: Into<Errno>>(
    places: &mut [MaybeUninit<T>],
    timeout: Timeout,
    mut next: impl FnMut(Timeout) -> Result<T, E>,
) -> Result<c_int, Errno> {
    let mut count = 0;
    for place in places {
        match next(if count == 0 { timeout } else { Timeout::Not }) {
            Ok(found) => _ = place.write(found),
            Err(error) if count == 0 => return Err(error.into()),
            // What is wrong, if it is more than that there is nothing now, the next call
            // tells.
            Err(_) => break,
        }
        count += 1;
    }
    Ok(count)
}

/// Claims room for several messages, to be written in place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_producer_claim_many(
    producer: *mut Producer,
    length: usize,
    timeout_ns: i64,
    claims: *mut Claim,
    count: usize,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let producer = unsafe { argument::exclusive(producer) };
    // SAFETY: the manual asks for places for so many claims, or NULL.
    let places = unsafe { argument::places(claims, count) };
    code(producer.and_then(|producer| {
        fill(places?, Timeout::from_nanos(timeout_ns), |timeout| {
            producer.claim(length, timeout).map(|claim| Claim::new(claim, length))
        })
    }))
}

/// Publishes several claims as messages.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_claim_commit_many(
    claims: *mut Claim,
    count: usize,
    lengths: *const usize,
    tags: *const u64,
) -> c_int {
    // SAFETY: the manual asks for so many structures that no other thread uses, or NULL.
    let claims = unsafe { argument::several(claims, count) };
    done(claims.and_then(|claims| {
        // SAFETY: the manual asks for as many lengths, or NULL.
        let lengths = unsafe { argument::list(lengths, count) };
        // SAFETY: the manual asks for as many tags, or NULL.
        let tags = unsafe { argument::list(tags, count) };
        for (index, claim) in claims.iter().enumerate() {
            // SAFETY: the manual asks for ones that are zero, or that were filled by a
            // claim, and were not copied since.
            let asked = unsafe { claim.asked() }?;
            if lengths.is_some_and(|lengths| lengths[index] > asked) {
                return Err(Errno::TOO_LONG);
            }
        }
        let mut opened = claims.iter_mut().enumerate().filter_map(|(index, claim)| {
            // SAFETY: as above.
            let asked = unsafe { claim.asked() }.ok()?;
            // SAFETY: as above.
            let mut claim = unsafe { claim.take() }.ok()?;
            claim.set_tag(tags.map_or(0, |tags| tags[index]));
            Some((claim, lengths.map_or(asked, |lengths| lengths[index])))
        });
        let committed = bytes::Claim::commit_all(opened.by_ref());
        // Those behind one that was not to be committed.
        opened.for_each(drop);
        Ok(committed?)
    }))
}

/// Gives several claims back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_claim_abort_many(claims: *mut Claim, count: usize) -> c_int {
    // SAFETY: the manual asks for so many structures that no other thread uses, or NULL.
    let claims = unsafe { argument::several(claims, count) };
    done(claims.and_then(|claims| {
        // SAFETY: as in `ringbuf_mpmc_claim_commit_many`.
        claims.iter().try_for_each(|claim| unsafe { claim.asked() }.map(drop))?;
        // SAFETY: as above.
        claims.iter_mut().try_for_each(|claim| unsafe { claim.take() }.map(drop))
    }))
}

/// Takes several messages, in place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_consumer_read_many(
    consumer: *mut Consumer,
    timeout_ns: i64,
    messages: *mut Message,
    count: usize,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let consumer = unsafe { argument::exclusive(consumer) };
    // SAFETY: the manual asks for places for so many messages, or NULL.
    let places = unsafe { argument::places(messages, count) };
    code(consumer.and_then(|consumer| {
        fill(places?, Timeout::from_nanos(timeout_ns), |timeout| {
            consumer.read(timeout).map(Message::new)
        })
    }))
}

/// Gives several messages back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_message_release_many(
    messages: *mut Message,
    count: usize,
) -> c_int {
    // SAFETY: the manual asks for so many structures that no other thread uses, or NULL.
    let messages = unsafe { argument::several(messages, count) };
    done(messages.and_then(|messages| {
        // SAFETY: the manual asks for ones that are zero, or that were filled by a read,
        // and were not copied since.
        if !messages.iter().all(|message| unsafe { message.is_open() }) {
            return Err(Errno::INVALID);
        }
        // SAFETY: as above.
        let taken = messages.iter_mut().filter_map(|message| unsafe { message.take() }.ok());
        bytes::View::release_all(taken);
        Ok(())
    }))
}
