//! Headstart trains real networks in front of you.

pub mod kernels;
pub mod ops;
