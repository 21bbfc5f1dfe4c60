//! Broadcast rings with their publisher and their subscribers in processes of their own.

pub(crate) mod books;
pub(crate) mod company;
pub(crate) mod frame;
pub(crate) mod holder;
pub(crate) mod member;
pub(crate) mod operation;
pub(crate) mod places;
pub(crate) mod trial;
pub(crate) mod waited_for;
