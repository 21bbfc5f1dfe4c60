//! What producers, consumers and the one who watches them do when there are several.
//!
//! A message is the number of its producer and a number that rises. Each comes to one
//! consumer, which checks that the messages of each producer come in order; in the end
//! as many were received as were sent, with the same sum. When they are asked to stop,
//! each producer sends one mark for each consumer behind its messages, and a consumer ends
//! with as many marks as there are producers: the order of each producer is enough.

use crate::board::Board;
use crate::queue::{Receiver, Sender};
use crate::sample::Sample;
use crate::workload::WARM_UP;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

/// Bits of a message below the number of its producer.
const NUMBER_BITS: u32 = 48;
/// What ends a consumer, one of each producer.
const END: u64 = u64::MAX;
/// How often the messages that there is room for must have gone before counting begins:
/// memory that is seen for the first time takes long.
const WARM_UP_ROUNDS: u64 = 2;
/// How long the one who watches sleeps between two looks at the peers.
const LOOK: Duration = Duration::from_millis(1);

/// Sends until it is time to stop.
pub(crate) fn produce(board: &Board, peer: u32, sender: &mut impl Sender<1>) -> io::Result<()> {
    let first = u64::from(peer) << NUMBER_BITS;
    let (mut message, mut sum) = (first, 0u64);
    board.arrive();
    while !board.stopped() {
        sender.send(message, 1)?;
        sum = sum.wrapping_add(message);
        message += 1;
    }
    board.sum(peer, message - first, sum);
    for _ in 0..board.crowd().consumers {
        sender.send(END, 1)?;
    }
    Ok(())
}

/// Receives and checks until its marks have come.
pub(crate) fn consume(board: &Board, peer: u32, receiver: &mut impl Receiver<1>) -> io::Result<()> {
    // The least number that the next message of each producer may have.
    let mut least = vec![0; board.crowd().producers as usize];
    let (mut count, mut sum, mut marks) = (0, 0u64, 0);
    board.arrive();
    while marks < board.crowd().producers {
        let mut message = END;
        receiver.receive(1, |words| message = words[0])?;
        if message == END {
            marks += 1;
            continue;
        }
        let (producer, number) = (message >> NUMBER_BITS, message & ((1 << NUMBER_BITS) - 1));
        let place = usize::try_from(producer).ok().and_then(|producer| least.get_mut(producer));
        match place {
            Some(least) if number >= *least => *least = number + 1,
            _ => return Err(spoiled(producer, number)),
        }
        sum = sum.wrapping_add(message);
        count += 1;
        board.count(peer, count);
    }
    board.sum(peer, count, sum);
    Ok(())
}

fn spoiled(producer: u64, number: u64) -> io::Error {
    let message = format!("message {number} of producer {producer}");
    io::Error::other(format!("{message} was repeated, torn or out of order"))
}

/// Starts the peers, says how many messages a second were `done` within a window of
/// `time` (more, if there was none) after a warm-up, and waits until all have `ended`.
pub(crate) fn watch(
    board: &Board,
    time: Duration,
    done: fn(&Board) -> u64,
    mut ended: impl FnMut() -> io::Result<bool>,
) -> io::Result<Sample> {
    // Who fails meanwhile is told of; who is stuck ends with its process.
    let mut until = |reached: &dyn Fn(bool) -> bool| {
        while !reached(ended()?) {
            thread::sleep(LOOK);
        }
        io::Result::Ok(())
    };
    until(&|_| board.complete())?;
    board.run();
    thread::sleep(time / WARM_UP);
    until(&|_| done(board) >= WARM_UP_ROUNDS * board.crowd().capacity as u64)?;
    let (since, first) = (Instant::now(), done(board));
    thread::sleep(time);
    until(&|_| done(board) > first)?;
    let (now, last) = (Instant::now(), done(board));
    board.stop();
    until(&|ended| ended)?;
    Ok(Sample::Rate((last - first) as f64 / (now - since).as_secs_f64()))
}

#[cfg(test)]
mod tests {
    //! Goal: what is lost, repeated, torn or out of order leaves no number.
    //! Method: one producer sends for real, to a list; what a consumer is given of it
    //! is right, or wrong in one way.

    use super::*;
    use crate::workload::Crowd;

    const PRODUCER: u32 = 0;
    const CONSUMER: u32 = 1;
    const MESSAGES: usize = 100;

    struct List<'a>(Vec<u64>, &'a Board);

    impl Sender<1> for List<'_> {
        fn send(&mut self, message: u64, _count: usize) -> io::Result<()> {
            self.0.push(message);
            if self.0.len() == MESSAGES {
                self.1.stop();
            }
            Ok(())
        }
    }

    struct Given(std::vec::IntoIter<u64>);

    impl Receiver<1> for Given {
        fn receive(&mut self, _most: usize, mut see: impl FnMut(&[u64; 1])) -> io::Result<()> {
            see(&[self.0.next().unwrap()]);
            Ok(())
        }
    }

    /// How it ends if this is done to the messages on their way.
    fn outcome(spoil: impl FnOnce(&mut Vec<u64>)) -> io::Result<()> {
        let crowd = Crowd::of(1);
        let board = Board::map(&Board::create(crowd)?, crowd)?;
        board.run();
        let mut list = List(vec![], &board);
        produce(&board, PRODUCER, &mut list)?;
        let mut messages = list.0;
        assert_eq!(messages.len(), MESSAGES + 1);
        spoil(&mut messages);
        consume(&board, CONSUMER, &mut Given(messages.into_iter()))?;
        board.verify()
    }

    #[test]
    fn what_comes_once_and_in_order_is_right() {
        outcome(|_| {}).unwrap();
    }

    #[test]
    fn a_message_that_is_lost_is_noticed() {
        assert!(outcome(|messages| _ = messages.remove(50)).is_err());
        assert!(outcome(|messages| _ = messages.remove(MESSAGES - 1)).is_err());
    }

    #[test]
    fn a_message_that_comes_twice_or_late_is_noticed() {
        assert!(outcome(|messages| messages[51] = messages[50]).is_err());
        assert!(outcome(|messages| messages.swap(50, 51)).is_err());
    }

    #[test]
    fn a_message_of_nobody_or_of_another_number_is_noticed() {
        assert!(outcome(|messages| messages[50] |= 7 << NUMBER_BITS).is_err());
        assert!(outcome(|messages| messages[MESSAGES - 1] += 1).is_err());
    }
}
