//! Runs in forms that other programs read, and as one file to be sent to somebody.
pub mod bundle;
pub mod table;
pub mod tensorboard;
