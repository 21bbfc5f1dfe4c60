//! What may stand in a slot of its own type.

use zerocopy::{FromBytes, Immutable, IntoBytes};

/// A type whose values can stand in a ring: any bytes are a value of it, it has no
/// padding, no pointers and no interior mutability.
///
/// Implemented for everything that derives zerocopy's `FromBytes`, `IntoBytes` and
/// `Immutable`: the integers, floats, arrays of them, and `#[repr(C)]` structs.
///
/// ```
/// use ringbuf_shm::zerocopy::{FromBytes, Immutable, IntoBytes};
/// #[derive(FromBytes, IntoBytes, Immutable, Clone, Copy)]
/// #[repr(C)]
/// struct Tick {
///     price: i64,
///     quantity: u32,
///     venue: u32,
/// }
/// fn check<T: ringbuf_shm::spsc::Payload>() {}
/// check::<Tick>();
/// ```
pub trait Payload: FromBytes + IntoBytes + Immutable + Send + 'static {}

impl<T: FromBytes + IntoBytes + Immutable + Send + 'static> Payload for T {}
