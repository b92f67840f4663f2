//! Settings at random: where only a few hyperparameters matter, more values of each are tried than by a grid
//! (Bergstra and Bengio 2012).
use super::{Method, Request, SearchEntry};
use crate::spec::ComponentInfo;
use rand::RngExt as _;

/// Random search.
pub const ENTRY: SearchEntry = SearchEntry {
    info: ComponentInfo {
        id: "random",
        label: "Random",
        help: "Settings at random, all equally likely; on a logarithmic range all orders of magnitude.",
        params: &[],
    },
    method: &Random,
};

struct Random;

impl Method for Random {
    fn choose(&self, request: &Request<'_>) -> Option<Vec<f64>> {
        let mut rng = request.rng();
        Some(request.axes.iter().map(|_| rng.random()).collect())
    }
}
