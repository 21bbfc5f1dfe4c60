//! What is sent: numbered messages that are written and checked word by word.
//!
//! Word `i` of message `n` is `n + i`. The receiver knows which number comes next
//! and what the sum of all words must be, so that a message that was lost, sent
//! twice or torn is noticed, and nothing can be left out by the compiler.

/// Words of a frame of 1920x1080 pixels in NV12: 3,110,400 bytes.
pub(crate) const FRAME_WORDS: usize = 1920 * 1080 * 3 / 2 / 8;
/// Words of a frame of 3840x2160 pixels in NV12: 12,441,600 bytes.
pub(crate) const FRAME_4K_WORDS: usize = 3840 * 2160 * 3 / 2 / 8;

/// Writes message `number`; of a frame that is not to be `touched`, its number alone.
#[inline(always)]
pub(crate) fn write<const W: usize>(words: &mut [u64; W], number: u64, touched: bool) {
    words[0] = number;
    if W < FRAME_WORDS || touched {
        for (index, word) in (0..).zip(words.iter_mut()) {
            *word = number.wrapping_add(index);
        }
    }
}

/// Message `number`, by value.
#[inline(always)]
pub(crate) fn of<const W: usize>(number: u64) -> [u64; W] {
    let mut words = [0; W];
    write(&mut words, number, true);
    words
}

/// Whether this is message `number`, whole.
#[inline(always)]
pub(crate) fn is<const W: usize>(words: &[u64; W], number: u64, touched: bool) -> bool {
    if W >= FRAME_WORDS && !touched {
        return words[0] == number;
    }
    let count = W as u64;
    let expected = number.wrapping_mul(count).wrapping_add(count * (count - 1) / 2);
    let sum = words.iter().fold(0u64, |sum, word| sum.wrapping_add(*word));
    words[0] == number && sum == expected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_told_from_its_neighbours_and_from_a_torn_one() {
        let mut message = of::<8>(41);
        assert!(is(&message, 41, true));
        assert!(!is(&message, 40, true));
        assert!(!is(&message, 42, true));
        message[5] += 1;
        assert!(!is(&message, 41, true));
    }
}
