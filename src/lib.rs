//! Headstart trains real networks in front of you.
pub mod data;
pub mod metrics;
pub mod protocol;
pub mod session;
pub mod spec;
