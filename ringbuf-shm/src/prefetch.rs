//! Hints that a cache line will be read, or written.
//!
//! A hint is no access of the memory model: it reads nothing and stores nothing, and is
//! ignored where the address is none. All it can do is cost time: a line that is asked
//! for to be written is taken from whoever has it.
//!
//! Unsafe code here is the two instructions. On other processors than x86-64, nothing.

/// Asks early for the lines of a slot, to write to them: so many slots ahead of a position.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ahead {
    slots: u64,
}

/// Bytes of a line.
pub(crate) const LINE: usize = 64;
/// Slots longer than this are written for so long that the processor sees by itself what
/// comes next.
const SLOT_LEN_MAX: usize = 1024;
/// More slots than any ring has.
const NEVER: u64 = u64::MAX;

impl Ahead {
    /// So many lines ahead, for slots of `len` bytes; one slot at least.
    pub(crate) fn new(lines: usize, len: usize) -> Self {
        let slots = match len {
            1..=SLOT_LEN_MAX if can_own() => (lines * LINE).div_ceil(len) as u64,
            _ => NEVER,
        };
        Self { slots }
    }

    /// Asks for the first `len` bytes of the slot so many ahead, if that is one of the next
    /// `clear` slots: those that the other side is done with.
    #[inline(always)]
    pub(crate) fn own(self, len: usize, clear: u64, slot: impl FnOnce(u64) -> *const u8) {
        let Some(ahead) = self.within(clear) else { return };
        let slot = slot(ahead);
        for line in 0..len.div_ceil(LINE) {
            // SAFETY: there is a distance only where the processor has the instruction.
            unsafe { own_line(slot.wrapping_add(line * LINE)) };
        }
    }

    #[inline(always)]
    fn within(self, clear: u64) -> Option<u64> {
        (clear > self.slots).then_some(self.slots)
    }
}

/// Whether this processor is known to have `prefetchw`: CPUID 8000_0001h, ECX bit 8.
///
/// AMD's do with 64 bits, and so do Intel's since Broadwell. Intel's before it take it for
/// a NOP, but for the first with 64 bits, of 2004, where it may be an invalid opcode. They
/// do not set the bit, so they are not asked.
#[cfg(target_arch = "x86_64")]
fn can_own() -> bool {
    use std::arch::x86_64::__cpuid;
    const EXTENDED: u32 = 0x8000_0000;
    const FEATURES: u32 = 0x8000_0001;
    const PREFETCHW: u32 = 1 << 8;
    __cpuid(EXTENDED).eax >= FEATURES && __cpuid(FEATURES).ecx & PREFETCHW != 0
}

#[cfg(not(target_arch = "x86_64"))]
fn can_own() -> bool {
    false
}

/// # Safety
/// [`can_own`] says so.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn own_line(at: *const u8) {
    // Not the intrinsic: that emits another instruction unless the build is for newer
    // processors only.
    // SAFETY: a hint, which faults at no address and changes no memory and no register;
    // the processor has the instruction, by the contract.
    unsafe {
        std::arch::asm!("prefetchw [{}]", in(reg) at, options(nostack, preserves_flags, readonly));
    }
}

#[cfg(not(target_arch = "x86_64"))]
unsafe fn own_line(_at: *const u8) {}

/// Asks for the first line of a slot, to read it.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn fetch<T>(slot: *const T) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a hint, which faults at no address and changes no memory; every processor
    // with 64 bits has it.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(slot.cast()) };
}

/// Asks for the first line of a slot, to read it: not on this processor.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn fetch<T>(_slot: *const T) {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: who asks ahead never takes a line that the other side still needs.
    /// Method: slots of several lengths, and each number of clear ones around the distance.
    #[test]
    fn nothing_is_asked_for_that_is_not_clear() {
        for (lines, len, slots) in [(4, 8, 32), (4, 24, 11), (16, 64, 16), (16, 1024, 1)] {
            let ahead = Ahead { slots };
            assert_eq!(ahead.within(0), None);
            assert_eq!(ahead.within(slots), None, "the last clear slot is the one before");
            assert_eq!(ahead.within(slots + 1), Some(slots));
            let expected = if can_own() { slots } else { NEVER };
            assert_eq!(Ahead::new(lines, len).slots, expected, "{lines} lines of {len} bytes");
        }
        for len in [0, SLOT_LEN_MAX + 1] {
            assert_eq!(Ahead::new(16, len).within(u64::MAX), None);
        }
    }
}
