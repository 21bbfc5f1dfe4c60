//! What goes from one publisher to each of several subscribers, and the loops of both.
//!
//! The messages are numbered. A subscriber loses none and knows which comes next; in the
//! end each has as many as were published. When it is asked to stop, the publisher sends
//! one mark behind its messages, which ends all subscribers.

use crate::board::Board;
use crate::message::{self, FRAME_4K_WORDS, FRAME_WORDS};
use crate::queue::{Receiver, Sender};
use crate::workload::{CAPACITY, Crowd, FRAMES};
use std::fmt;
use std::io;

/// Bytes of what is not a frame, unless its name says otherwise.
const BYTES: usize = 64;
/// Bytes of the smallest messages.
const BYTES_MIN: usize = 8;
/// The number of the mark that ends all subscribers.
const END: u64 = u64::MAX;

/// A size of video frames, in NV12.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// 1920x1080.
    Hd,
    /// 3840x2160.
    Uhd,
}

/// What is measured of one to each of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broadcast {
    /// Small messages, one at a time.
    Messages { bytes: usize, subscribers: u32 },
    /// A small message there and one back, over one connection for each way.
    RoundTrip { bytes: usize },
    /// Video frames: written and summed whole, or handed over untouched.
    Frames { size: Size, touched: bool, subscribers: u32 },
}

impl Broadcast {
    /// All of them, in the order of the report.
    pub(crate) fn all() -> Vec<Self> {
        let frames = |touched, subscribers| {
            [Size::Hd, Size::Uhd].map(|size| Self::Frames { size, touched, subscribers })
        };
        let messages = [(BYTES_MIN, 1), (BYTES, 1), (BYTES, 8)];
        let messages = messages.map(|(bytes, subscribers)| Self::Messages { bytes, subscribers });
        let trips = [BYTES, BYTES_MIN].map(|bytes| Self::RoundTrip { bytes });
        [&messages[..], &trips, &frames(true, 1), &frames(false, 1), &frames(false, 8)].concat()
    }

    /// Bytes of one message.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::Messages { bytes, .. } | Self::RoundTrip { bytes } => bytes,
            Self::Frames { size: Size::Hd, .. } => FRAME_WORDS * 8,
            Self::Frames { size: Size::Uhd, .. } => FRAME_4K_WORDS * 8,
        }
    }

    /// Messages that a subscriber may be behind before the publisher waits for it.
    pub(crate) fn capacity(self) -> usize {
        if let Self::Frames { .. } = self { FRAMES } else { CAPACITY }
    }

    /// Whether messages are written and read whole.
    pub(crate) fn touched(self) -> bool {
        !matches!(self, Self::Frames { touched: false, .. })
    }

    /// How many get each message.
    pub(crate) fn subscribers(self) -> u32 {
        match self {
            Self::Messages { subscribers, .. } | Self::Frames { subscribers, .. } => subscribers,
            Self::RoundTrip { .. } => 1,
        }
    }

    /// The publisher and the subscribers, where one process watches them all.
    pub(crate) fn crowd(self) -> Option<Crowd> {
        let (consumers, capacity) = (self.subscribers(), self.capacity());
        let returns = matches!(self, Self::RoundTrip { .. });
        (!returns).then_some(Crowd { producers: 1, consumers, capacity, idle: 0 })
    }
}

impl fmt::Display for Broadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broadcast/")?;
        match self {
            Self::Messages { bytes, .. } => write!(f, "{bytes}")?,
            Self::RoundTrip { bytes: BYTES } => f.write_str("round-trip")?,
            Self::RoundTrip { bytes } => write!(f, "round-trip-{bytes}")?,
            Self::Frames { size: Size::Hd, .. } => f.write_str("1080p")?,
            Self::Frames { size: Size::Uhd, .. } => f.write_str("4k")?,
        }
        if self.subscribers() > 1 {
            write!(f, "x{}", self.subscribers())?;
        }
        f.write_str(if self.touched() { "" } else { "/untouched" })
    }
}

/// Sends until it is time to stop, as the first peer.
pub(crate) fn publish<const W: usize>(
    board: &Board,
    publisher: &mut impl Sender<W>,
) -> io::Result<()> {
    let mut number = 0;
    board.arrive();
    while !board.stopped() {
        publisher.send(number, 1)?;
        number += 1;
    }
    board.count(0, number);
    publisher.send(END, 1)
}

/// Receives and checks every message until the mark has come.
pub(crate) fn subscribe<const W: usize>(
    board: &Board,
    peer: u32,
    touched: bool,
    subscriber: &mut impl Receiver<W>,
) -> io::Result<()> {
    let (mut next, mut wrong, mut ended) = (0, false, false);
    board.arrive();
    while !ended {
        subscriber.receive(1, |words| {
            ended = words[0] == END;
            wrong = !message::is(words, if ended { END } else { next }, touched);
        })?;
        if wrong {
            let message = format!("message {next} was lost, repeated or torn");
            return Err(io::Error::other(message));
        }
        if !ended {
            next += 1;
            board.count(peer, next);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    //! Goal: a message that does not come to a subscriber once, whole and in order leaves
    //! no number.
    //! Method: a publisher sends for real, to a list; what a subscriber is given of it is
    //! right, or wrong in one way.

    use super::*;

    const MESSAGES: usize = 100;
    const SUBSCRIBER: u32 = 1;

    struct List<'a>(Vec<[u64; 8]>, &'a Board);

    impl Sender<8> for List<'_> {
        fn send(&mut self, number: u64, _count: usize) -> io::Result<()> {
            self.0.push(message::of(number));
            if self.0.len() == MESSAGES {
                self.1.stop();
            }
            Ok(())
        }
    }

    struct Given(std::vec::IntoIter<[u64; 8]>);

    impl Receiver<8> for Given {
        fn receive(&mut self, _most: usize, mut see: impl FnMut(&[u64; 8])) -> io::Result<()> {
            see(&self.0.next().unwrap());
            Ok(())
        }
    }

    /// How it ends if this is done to the messages on their way.
    fn outcome(spoil: impl FnOnce(&mut Vec<[u64; 8]>)) -> io::Result<()> {
        let crowd = Broadcast::Messages { bytes: BYTES, subscribers: 1 }.crowd().unwrap();
        let board = Board::map(&Board::create(crowd)?, crowd)?;
        board.run();
        let mut list = List(vec![], &board);
        publish(&board, &mut list)?;
        let mut messages = list.0;
        assert_eq!(messages.len(), MESSAGES + 1);
        spoil(&mut messages);
        subscribe(&board, SUBSCRIBER, true, &mut Given(messages.into_iter()))?;
        board.verify_each()
    }

    #[test]
    fn what_comes_once_whole_and_in_order_is_right() {
        outcome(|_| {}).unwrap();
    }

    #[test]
    fn a_message_that_is_lost_is_noticed() {
        assert!(outcome(|messages| _ = messages.remove(0)).is_err());
        assert!(outcome(|messages| _ = messages.remove(50)).is_err());
        assert!(outcome(|messages| _ = messages.remove(MESSAGES - 1)).is_err());
    }

    #[test]
    fn a_message_that_is_repeated_late_or_torn_is_noticed() {
        assert!(outcome(|messages| messages[51] = messages[50]).is_err());
        assert!(outcome(|messages| messages.swap(50, 51)).is_err());
        assert!(outcome(|messages| messages[50][7] ^= 1).is_err());
    }
}
