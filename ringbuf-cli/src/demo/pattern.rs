//! The bytes of a test frame: a sequence that begins elsewhere for every frame, so
//! that a byte of another frame, or of none, is noticed wherever it stands.
//!
//! Both loops are plain sums over words and become vector instructions.

/// Odd, so that the words of one frame repeat after 2^64 steps only.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
/// Frames differ in their first word by a multiple of this.
const FRAME_STEP: u64 = 0xD1B5_4A32_D192_ED03;

/// The first word of a frame.
fn start(number: u64) -> u64 {
    number.wrapping_add(1).wrapping_mul(FRAME_STEP)
}

/// Writes frame `number`.
pub(crate) fn fill(number: u64, frame: &mut [u8]) {
    let mut word = start(number);
    let (words, rest) = frame.as_chunks_mut::<8>();
    for bytes in words {
        *bytes = word.to_le_bytes();
        word = word.wrapping_add(STEP);
    }
    let last = word.to_le_bytes();
    rest.copy_from_slice(&last[..rest.len()]);
}

/// Whether every byte is that of frame `number`.
pub(crate) fn is(number: u64, frame: &[u8]) -> bool {
    let mut word = start(number);
    let mut wrong = 0;
    let (words, rest) = frame.as_chunks::<8>();
    for bytes in words {
        // No early end: a frame is right, and this way there is no branch.
        wrong |= u64::from_le_bytes(*bytes) ^ word;
        word = word.wrapping_add(STEP);
    }
    wrong == 0 && *rest == word.to_le_bytes()[..rest.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_wrong_byte_is_noticed() {
        let mut frame = [0; 8 * 5 + 3];
        fill(7, &mut frame);
        assert!(is(7, &frame) && !is(8, &frame));
        for index in 0..frame.len() {
            frame[index] ^= 1;
            assert!(!is(7, &frame), "byte {index}");
            frame[index] ^= 1;
        }
    }
}
