//! Networks: trees of blocks, the encoders that are made of them, and their variables.
pub mod blocks;
mod builder;
pub mod encoders;
mod flow;
mod network;
mod pass;
mod pytorch;
pub mod shipped;
mod transfer;
mod vars;
pub use blocks::BatchNorm;
pub use builder::Builder;
pub use flow::{Flow, MapInfo, ReceptiveField};
pub use network::{Encoded, Network, Places};
pub use pass::{Changes, Maps, Pass};
pub use pytorch::{Layout, Pytorch, Rename};
pub use transfer::{Scope, Weights, check, check_checkpoint, load_weights};
pub use vars::{BlockVar, Vars, tensors};
