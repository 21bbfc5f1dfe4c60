//! What every mechanism can do, whoever made it.

use std::io;

/// The sending end of a mechanism, for messages of `W` words.
pub(crate) trait Sender<const W: usize> {
    /// Sends the messages of the numbers from `first` on; waits for room.
    fn send(&mut self, first: u64, count: usize) -> io::Result<()>;
}

/// The receiving end of a mechanism, for messages of `W` words.
pub(crate) trait Receiver<const W: usize> {
    /// Waits for messages, and shows at least one and at most `most` of them.
    fn receive(&mut self, most: usize, see: impl FnMut(&[u64; W])) -> io::Result<()>;
}
