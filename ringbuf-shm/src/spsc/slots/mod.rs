//! Values of one type in slots of its size: what they may be, and where they are.
//!
//! Unsafe code here makes slices of slots; who may touch them is for the caller to
//! say, who got their span from the protocol.

mod consumer;
mod producer;

pub use consumer::{Consumer, View};
pub use producer::{Claim, Producer};

use crate::map::{Data, to_usize};
use crate::payload::Payload;
use crate::ring::Ring;
use ringbuf_core::position::{Position, Span};
use std::marker::PhantomData;
use std::mem::size_of;

/// Where the slots of a ring of `T` are.
pub(crate) struct Slots<T> {
    data: Data,
    capacity: u64,
    values: PhantomData<T>,
}

impl<T> Clone for Slots<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Slots<T> {}

impl<T: Payload> Slots<T> {
    pub(crate) fn of(ring: &Ring) -> Self {
        let capacity = ring.shape().capacity();
        Self { data: ring.mapping().data(), capacity, values: PhantomData }
    }

    #[inline(always)]
    fn at(&self, index: u64, len: u64) -> *mut T {
        // No overflow: the product was checked when the ring was opened.
        let bytes = to_usize(len) * size_of::<T>();
        self.data.at(to_usize(index) * size_of::<T>(), bytes).cast()
    }

    #[inline(always)]
    pub(crate) fn slot(&self, position: Position) -> *mut T {
        self.at(position.index(self.capacity), 1)
    }

    /// The slots of a span, up to the end of the array and from its start.
    ///
    /// # Safety
    /// Nobody writes to these slots during `'a`, and the map outlives it.
    #[inline]
    pub(crate) unsafe fn shared<'a>(&self, span: Span) -> (&'a [T], &'a [T]) {
        let ((index, first), second) = span.split(self.capacity);
        // SAFETY: in bounds (`split`), aligned (the area is at 64 KiB, the slots are
        // multiples of `T`), any bytes are a `T`; unchanged and alive by the contract.
        let front = unsafe { std::slice::from_raw_parts(self.at(index, first), to_usize(first)) };
        // SAFETY: as above.
        let back = unsafe { std::slice::from_raw_parts(self.at(0, second), to_usize(second)) };
        (front, back)
    }

    /// The slots of a span, as [`shared`](Self::shared), to be written.
    ///
    /// # Safety
    /// Nobody else reads or writes these slots during `'a`, and the map outlives it.
    #[inline]
    pub(crate) unsafe fn exclusive<'a>(&self, span: Span) -> (&'a mut [T], &'a mut [T]) {
        let ((index, first), second) = span.split(self.capacity);
        let (front, back) = (self.at(index, first), self.at(0, second));
        // SAFETY: as in `shared`, and this side's alone by the contract.
        let front = unsafe { std::slice::from_raw_parts_mut(front, to_usize(first)) };
        // SAFETY: as above; disjoint from `front`, since the span is no longer than
        // the array.
        let back = unsafe { std::slice::from_raw_parts_mut(back, to_usize(second)) };
        (front, back)
    }
}
