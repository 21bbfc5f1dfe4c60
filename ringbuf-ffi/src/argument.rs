//! What comes from C, checked before it is used.
//!
//! Unsafe code here turns pointers into references; the manual says what each
//! pointer must be, and NULL is caught.

use crate::error::Errno;
use libc::{c_char, c_int, c_void};
use std::ffi::{CStr, OsStr};
use std::mem::{MaybeUninit, size_of};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::ptr;
use std::time::Duration;

/// How long a call may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timeout {
    /// Not at all.
    Not,
    /// Without limit.
    Forever,
    /// At most so long.
    AtMost(Duration),
}

impl Timeout {
    /// Nanoseconds: 0 does not wait, a negative number waits without limit.
    #[inline]
    pub(crate) fn from_nanos(nanos: i64) -> Self {
        match u64::try_from(nanos) {
            Ok(0) => Self::Not,
            Ok(nanos) => Self::AtMost(Duration::from_nanos(nanos)),
            Err(_) => Self::Forever,
        }
    }

    /// For calls that take no notice of the difference between none and a time of zero;
    /// `None`: without limit.
    pub(crate) fn most(self) -> Option<Duration> {
        match self {
            Self::Not => Some(Duration::ZERO),
            Self::Forever => None,
            Self::AtMost(most) => Some(most),
        }
    }

    /// What is answered when it is over.
    pub(crate) fn over(self) -> Errno {
        if self == Self::Not { Errno::AGAIN } else { Errno::TIMED_OUT }
    }
}

/// # Safety
/// NULL, or valid and nobody else's for `'a`.
#[inline]
pub(crate) unsafe fn exclusive<'a, T>(pointer: *mut T) -> Result<&'a mut T, Errno> {
    // SAFETY: as this function demands.
    unsafe { pointer.as_mut() }.ok_or(Errno::INVALID)
}

/// # Safety
/// NULL, or valid and not written to for `'a`.
#[inline]
pub(crate) unsafe fn shared<'a, T>(pointer: *const T) -> Result<&'a T, Errno> {
    // SAFETY: as this function demands.
    unsafe { pointer.as_ref() }.ok_or(Errno::INVALID)
}

/// The name of a ring, or a path.
///
/// # Safety
/// NULL, or text that ends with a zero and stays as it is for `'a`.
pub(crate) unsafe fn name<'a>(name: *const c_char) -> Result<&'a OsStr, Errno> {
    if name.is_null() {
        return Err(Errno::INVALID);
    }
    // SAFETY: not NULL, and otherwise as this function demands.
    let text = unsafe { CStr::from_ptr(name) };
    Ok(OsStr::from_bytes(text.to_bytes()))
}

/// # Safety
/// Negative, or a descriptor that stays open for `'a`.
pub(crate) unsafe fn descriptor<'a>(fd: c_int) -> Result<BorrowedFd<'a>, Errno> {
    if fd < 0 {
        return Err(Errno::BAD_DESCRIPTOR);
    }
    // SAFETY: not -1, and otherwise as this function demands.
    Ok(unsafe { BorrowedFd::borrow_raw(fd) })
}

/// Where an answer goes. C need not have set what is there.
///
/// # Safety
/// NULL, or may be written to for `'a`, and is nobody else's.
#[inline]
pub(crate) unsafe fn place<'a, T>(pointer: *mut T) -> Result<&'a mut MaybeUninit<T>, Errno> {
    // SAFETY: as this function demands.
    unsafe { exclusive(pointer.cast()) }
}

/// More than any version of a structure will have: what says to be longer is none.
const SIZE_MAX: usize = 4096;

/// A structure that asks for something, whose first member is its size.
///
/// # Safety
/// Begins with a `u32`, and any bytes are such a structure, zero too.
pub(crate) unsafe trait Asks: Copy {
    /// The size of the structure in the first version of the ABI, for ever.
    const SIZE_FIRST: usize;
}

/// The structure as this version knows it.
///
/// A later version appends members whose zero means what there was before. So a
/// shorter structure is taken as if zeros followed, and a longer one if zeros do.
///
/// # Errors
/// EINVAL for NULL, and for a size that is not one of this structure.
///
/// # Safety
/// `asked` is NULL, or points to as many bytes as the first four of them say.
pub(crate) unsafe fn asked<T: Asks>(asked: *const T) -> Result<T, Errno> {
    if asked.is_null() {
        return Err(Errno::INVALID);
    }
    // SAFETY: every version begins with its size.
    let size = unsafe { ptr::read(asked.cast::<u32>()) } as usize;
    if !(T::SIZE_FIRST..=SIZE_MAX).contains(&size) {
        return Err(Errno::INVALID);
    }
    // SAFETY: the caller's structure is `size` bytes long.
    let given = unsafe { std::slice::from_raw_parts(asked.cast::<u8>(), size) };
    let (known, appended) = given.split_at(size.min(size_of::<T>()));
    if appended.iter().any(|&byte| byte != 0) {
        return Err(Errno::INVALID);
    }
    let mut copy = MaybeUninit::<T>::zeroed();
    // SAFETY: `known` is at most as long as the structure, and `copy` is our own.
    unsafe { ptr::copy_nonoverlapping(known.as_ptr(), copy.as_mut_ptr().cast(), known.len()) };
    // SAFETY: any bytes are such a structure, as the trait demands.
    Ok(unsafe { copy.assume_init() })
}

/// Bytes of the caller's, at most so many; NULL if there are none.
///
/// # Safety
/// `pointer` is NULL, or there are `length` bytes, not written to for `'a`.
pub(crate) unsafe fn bytes<'a>(
    pointer: *const c_void,
    length: usize,
    most: usize,
) -> Result<&'a [u8], Errno> {
    if length == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(Errno::INVALID);
    }
    if length > most {
        return Err(Errno::TOO_LONG);
    }
    // SAFETY: not NULL, and otherwise as this function demands.
    Ok(unsafe { std::slice::from_raw_parts(pointer.cast(), length) })
}

/// Several structures, one behind the other.
///
/// # Safety
/// `pointer` is NULL, or there are `count` of them, valid and nobody else's for `'a`.
pub(crate) unsafe fn several<'a, T>(pointer: *mut T, count: usize) -> Result<&'a mut [T], Errno> {
    if pointer.is_null() || count > isize::MAX as usize / size_of::<T>().max(1) {
        return Err(Errno::INVALID);
    }
    // SAFETY: not NULL, no longer than memory can be, and otherwise as this function
    // demands.
    Ok(unsafe { std::slice::from_raw_parts_mut(pointer, count) })
}

/// Where several answers go, of which there are to be some.
///
/// # Safety
/// As [`several`]; C need not have set what is there.
pub(crate) unsafe fn places<'a, T>(
    pointer: *mut T,
    count: usize,
) -> Result<&'a mut [MaybeUninit<T>], Errno> {
    // How many is answered as an `int`.
    if count == 0 || c_int::try_from(count).is_err() {
        return Err(Errno::INVALID);
    }
    // SAFETY: as this function demands.
    unsafe { several(pointer.cast(), count) }
}

/// What stands at `pointer`, one value for each of `count`; `None` if it is NULL.
///
/// # Safety
/// `pointer` is NULL, or there are `count` of them, not written to for `'a`.
pub(crate) unsafe fn list<'a, T>(pointer: *const T, count: usize) -> Option<&'a [T]> {
    // SAFETY: not NULL, and otherwise as this function demands; `count` is that of larger
    // structures, which `several` has found to fit into memory.
    (!pointer.is_null()).then(|| unsafe { std::slice::from_raw_parts(pointer, count) })
}

/// Copies as many of `bytes` as `buffer` takes, and says how many there are.
///
/// # Safety
/// `buffer` is NULL, or `capacity` bytes that may be written to; `length` as in [`place`].
pub(crate) unsafe fn copy_out(
    bytes: &[u8],
    buffer: *mut c_void,
    capacity: usize,
    length: *mut usize,
) -> Result<(), Errno> {
    // SAFETY: as this function demands.
    let place = unsafe { place(length) }?;
    if buffer.is_null() && capacity != 0 {
        return Err(Errno::INVALID);
    }
    let fitting = bytes.len().min(capacity);
    if fitting != 0 {
        // SAFETY: not NULL, as there is capacity, and long enough; what a ring keeps in
        // private memory cannot overlap with a buffer of the caller's.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), buffer.cast(), fitting) };
    }
    place.write(bytes.len());
    Ok(())
}

/// Hands what `make` makes to the caller through `out`, or NULL and why not.
///
/// # Safety
/// `out` is NULL, or may be written to.
pub(crate) unsafe fn hand_out<T>(
    out: *mut *mut T,
    make: impl FnOnce() -> Result<T, Errno>,
) -> Result<(), Errno> {
    // SAFETY: as this function demands.
    let out = unsafe { place(out) }?;
    out.write(ptr::null_mut());
    let made = Box::new(make()?);
    out.write(Box::into_raw(made));
    Ok(())
}

/// Takes back what [`hand_out`] gave, and drops it.
///
/// # Safety
/// `handle` is NULL, or came from [`hand_out`] and was not taken back before.
pub(crate) unsafe fn take_back<T>(handle: *mut T) -> Result<(), Errno> {
    if handle.is_null() {
        return Err(Errno::INVALID);
    }
    // SAFETY: not NULL, and otherwise as this function demands.
    drop(unsafe { Box::from_raw(handle) });
    Ok(())
}
