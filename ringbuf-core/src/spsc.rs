//! One producer, one consumer: the stream.
//!
//! Each side owns its position and only ever loads the other's, and it keeps a
//! private copy of the other's which it reloads only when the copy runs out. No
//! word has two writers, so there is no compare-and-swap, no fence and no retry:
//! every call finishes in a bounded number of steps whatever the peer does.
//!
//! One store of `tail` publishes a batch of any length, so a batch is seen whole
//! or not at all. The consumer notes in `taken` how far it was shown messages
//! before it looks at them: a successor finds exactly `[head, taken)` to be the
//! messages that its dead predecessor had seen and not released.
//!
//! What this does not do: it does not wait (see [`event`](crate::event)), it does
//! not decide who the producer is (see [`peer`](crate::peer)), and it does not
//! know what a position stands for; [`record`](crate::record) counts bytes.
//!
//! The shape is Lamport's ring (1977) with cached remote positions (Giacomoni's
//! FastForward and Lee's MCRingBuffer made the idea known, rigtorp's SPSCQueue
//! its present form).

use crate::error::{ClaimError, Corrupt, ReadError};
use crate::machine::{Line, Machine, Word};
use crate::position::{Position, Span};
use core::fmt;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// What the producer stores. In a file this is the layout itself.
#[repr(C)]
pub struct ProducerWords<M: Machine> {
    /// The position after the last committed message. Written by the producer only.
    pub tail: Line<M::U64>,
}

/// What the consumer stores. In a file this is the layout itself.
#[repr(C, align(128))]
pub struct ConsumerWords<M: Machine> {
    /// The position after the last released message. Written by the consumer only.
    pub head: M::U64,
    /// The position after the last message shown to a consumer; never behind
    /// `head`, never ahead of `tail`. Written by the consumer only, loaded only
    /// by its successor.
    pub taken: M::U64,
    /// While a successor drops what its predecessor had taken: what `dropped` will
    /// be afterwards. Zero at all other times. Written by the consumer only.
    pub dropping: M::U64,
    /// How many messages were dropped because a consumer died between taking and
    /// releasing them. Written by the consumer only.
    pub dropped: M::U64,
}

/// The writing end.
pub struct Producer<'a, M: Machine> {
    own: &'a ProducerWords<M>,
    peer: &'a ConsumerWords<M>,
    capacity: u64,
    tail: Position,
    /// A former value of `head`: never ahead of it, at most `capacity` behind `tail`.
    head_seen: Position,
}

impl<'a, M: Machine> Producer<'a, M> {
    /// Continues where the words say the last producer stopped.
    ///
    /// The caller holds the producer's [seat](crate::peer). `capacity` is a power
    /// of two, and the number that the ring was created with.
    ///
    /// # Errors
    /// [`Corrupt`] if the two positions are further apart than the capacity.
    pub fn take_over(
        own: &'a ProducerWords<M>,
        peer: &'a ConsumerWords<M>,
        capacity: u64,
    ) -> Result<Self, Corrupt> {
        assert!(capacity.is_power_of_two());
        // Relaxed: the seat was taken after the last writer of this word gave it
        // up or died (edge SUCCEED).
        let tail = Position::new(own.tail.load(Relaxed));
        // edge RECYCLE, acquire end: see `claim`.
        let head_seen = Position::new(peer.head.load(Acquire));
        if tail.since(head_seen) > capacity {
            return Err(Corrupt);
        }
        Ok(Self { own, peer, capacity, tail, head_seen })
    }

    /// Claims `count` consecutive positions that nobody reads.
    ///
    /// Claiming again before a commit claims the same positions again.
    ///
    /// # Errors
    /// [`ClaimError::Full`], [`ClaimError::TooLong`] if `count` exceeds the
    /// capacity, [`ClaimError::Corrupt`].
    #[inline]
    pub fn claim(&mut self, count: u64) -> Result<Span, ClaimError> {
        if self.capacity - self.tail.since(self.head_seen) < count {
            self.reload(count)?;
        }
        Ok(Span { start: self.tail, len: count })
    }

    #[cold]
    fn reload(&mut self, count: u64) -> Result<(), ClaimError> {
        if count > self.capacity {
            return Err(ClaimError::TooLong);
        }
        // edge RECYCLE, acquire end: whatever the consumer did with these slots is
        // over before we write to them.
        let head = Position::new(self.peer.head.load(Acquire));
        let used = self.tail.since(head);
        // A head never goes back. What was claimed on the strength of the last one
        // is ours to commit.
        if used > self.tail.since(self.head_seen) {
            return Err(ClaimError::Corrupt);
        }
        self.head_seen = head;
        if self.capacity - used < count { Err(ClaimError::Full) } else { Ok(()) }
    }

    /// Publishes the first `count` claimed positions with one store.
    ///
    /// `count` is at most what was claimed.
    #[inline]
    pub fn commit(&mut self, count: u64) {
        debug_assert!(count <= self.capacity - self.tail.since(self.head_seen));
        self.tail = self.tail.plus(count);
        // edge PUBLISH, release end: what was written since `claim` is visible to
        // whoever acquires this value of `tail`.
        self.own.tail.store(self.tail.count(), Release);
    }

    /// The position after the last committed message.
    #[inline]
    #[must_use]
    pub fn position(&self) -> Position {
        self.tail
    }

    /// How many positions are known to be free, without a look: perhaps fewer than there
    /// are, never more.
    #[inline(always)]
    #[must_use]
    pub fn free_seen(&self) -> u64 {
        self.capacity - self.tail.since(self.head_seen)
    }

    /// How many positions are certainly free: only this producer can make it less.
    ///
    /// # Errors
    /// [`Corrupt`] if the consumer's position cannot be true.
    pub fn free(&mut self) -> Result<u64, Corrupt> {
        match self.reload(1) {
            Err(ClaimError::Corrupt) => Err(Corrupt),
            _ => Ok(self.capacity - self.tail.since(self.head_seen)),
        }
    }
}

/// The reading end.
pub struct Consumer<'a, M: Machine> {
    own: &'a ConsumerWords<M>,
    peer: &'a ProducerWords<M>,
    capacity: u64,
    head: Position,
    /// What this consumer was shown reaches to here.
    taken: Position,
    /// A former value of `tail`: never ahead of it, at most `capacity` ahead of `head`.
    tail_seen: Position,
    /// What a predecessor was shown reaches to here.
    taken_before: Position,
}

impl<'a, M: Machine> Consumer<'a, M> {
    /// Continues where the words say the last consumer stopped.
    ///
    /// The caller holds the consumer's [seat](crate::peer). Messages that the
    /// predecessor had been shown and had not released come first and are
    /// [`redelivered`](Self::redelivered), unless [`drop_taken`](Self::drop_taken)
    /// is called before the first read.
    ///
    /// # Errors
    /// [`Corrupt`] unless `head <= taken <= tail <= head + capacity`.
    pub fn take_over(
        own: &'a ConsumerWords<M>,
        peer: &'a ProducerWords<M>,
        capacity: u64,
    ) -> Result<Self, Corrupt> {
        assert!(capacity.is_power_of_two());
        // Relaxed, both: the seat was taken after the last writer of these words
        // gave it up or died (edge SUCCEED).
        let head = Position::new(own.head.load(Relaxed));
        let taken = Position::new(own.taken.load(Relaxed));
        // edge PUBLISH, acquire end.
        let tail_seen = Position::new(peer.tail.load(Acquire));
        let ready = tail_seen.since(head);
        if ready > capacity || taken.since(head) > ready {
            return Err(Corrupt);
        }
        let consumer = Self { own, peer, capacity, head, taken, tail_seen, taken_before: taken };
        consumer.finish_drop();
        Ok(consumer)
    }

    /// A predecessor may have died while it dropped what its own had taken.
    fn finish_drop(&self) {
        // Relaxed: as in `take_over`; edge SUCCEED.
        let total = self.own.dropping.load(Relaxed);
        if total != 0 && self.head == self.taken {
            self.end_drop(total);
        }
    }

    /// Skips what the predecessor had been shown, and counts it as `messages`.
    ///
    /// Exact under death at every step: the new total is noted before `head` moves,
    /// and a successor that finds the note finishes the work or does it again.
    pub fn drop_taken(&mut self, messages: u64) {
        if self.head == self.taken {
            return;
        }
        // Relaxed, all: only a successor needs them in this order, and it comes
        // after our death (edge SUCCEED).
        let total = self.own.dropped.load(Relaxed).wrapping_add(messages);
        self.own.dropping.store(total, Relaxed);
        self.release(self.taken.since(self.head));
        self.end_drop(total);
    }

    fn end_drop(&self, total: u64) {
        // Relaxed, both: as in `drop_taken`.
        self.own.dropped.store(total, Relaxed);
        self.own.dropping.store(0, Relaxed);
    }

    /// All positions that can be read now, without taking any.
    ///
    /// At least one; perhaps fewer than there are, when a private copy still lasts.
    ///
    /// # Errors
    /// [`ReadError::Empty`], [`ReadError::Corrupt`].
    #[inline]
    pub fn ready(&mut self) -> Result<Span, ReadError> {
        if self.tail_seen == self.head {
            self.reload()?;
        }
        Ok(Span { start: self.head, len: self.tail_seen.since(self.head) })
    }

    #[inline]
    fn reload(&mut self) -> Result<(), ReadError> {
        // edge PUBLISH, acquire end: what the producer wrote before it moved `tail`
        // past these slots is there to be read.
        let tail = Position::new(self.peer.tail.load(Acquire));
        let ready = tail.since(self.head);
        if ready > self.capacity || ready < self.tail_seen.since(self.head) {
            return Err(ReadError::Corrupt);
        }
        if ready == 0 {
            return Err(ReadError::Empty);
        }
        self.tail_seen = tail;
        Ok(())
    }

    /// Looks for more than the private copy knows of.
    ///
    /// # Errors
    /// As [`ready`](Self::ready).
    pub fn look(&mut self) -> Result<Span, ReadError> {
        self.reload()?;
        self.ready()
    }

    /// Takes the first `count` positions that are [ready](Self::ready), to be looked at.
    ///
    /// Taking again before a release takes the same positions again.
    #[inline]
    pub fn take(&mut self, count: u64) -> Span {
        debug_assert!(count <= self.tail_seen.since(self.head));
        if count > self.taken.since(self.head) {
            self.taken = self.head.plus(count);
            // Relaxed: a successor loads it after our death (edge SUCCEED), and
            // nobody else does.
            self.own.taken.store(self.taken.count(), Relaxed);
        }
        Span { start: self.head, len: count }
    }

    /// Takes what is ready, at most `most` positions; at least one.
    ///
    /// # Errors
    /// As [`ready`](Self::ready).
    #[inline]
    pub fn read(&mut self, most: u64) -> Result<Span, ReadError> {
        let ready = self.ready()?.len;
        Ok(self.take(if ready < most { ready } else { most }))
    }

    /// Gives the first `count` positions back with one store.
    ///
    /// `count` is at most what was taken.
    #[inline]
    pub fn release(&mut self, count: u64) {
        debug_assert!(count <= self.taken.since(self.head));
        self.head = self.head.plus(count);
        // edge RECYCLE, release end: our reads of these slots are over for whoever
        // acquires this value of `head`.
        self.own.head.store(self.head.count(), Release);
    }

    /// Whether a consumer that died had been shown what stands at `position`.
    #[inline]
    #[must_use]
    pub fn redelivered(&self, position: Position) -> bool {
        let ahead = self.taken_before.since(position);
        ahead != 0 && ahead <= self.capacity
    }

    /// What a predecessor had been shown and not released, now.
    #[must_use]
    pub fn taken_before(&self) -> Span {
        let len = self.taken_before.since(self.head);
        Span { start: self.head, len: if len > self.capacity { 0 } else { len } }
    }

    /// Whether all that was found is released, so that the next read loads `tail`.
    #[inline(always)]
    #[must_use]
    pub fn is_dry(&self) -> bool {
        self.tail_seen == self.head
    }

    /// The position after the last released message.
    #[inline]
    #[must_use]
    pub fn position(&self) -> Position {
        self.head
    }
}

impl<M: Machine> fmt::Debug for Producer<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("capacity", &self.capacity)
            .field("tail", &self.tail)
            .field("head_seen", &self.head_seen)
            .finish()
    }
}

impl<M: Machine> fmt::Debug for Consumer<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("capacity", &self.capacity)
            .field("head", &self.head)
            .field("taken", &self.taken)
            .field("tail_seen", &self.tail_seen)
            .finish()
    }
}

impl<M: Machine> fmt::Debug for ProducerWords<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProducerWords").finish_non_exhaustive()
    }
}

impl<M: Machine> fmt::Debug for ConsumerWords<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsumerWords").finish_non_exhaustive()
    }
}
