//! A Sobol sequence with Owen's scrambling, by the crate `sobol_burley`: no two settings lie close together.
use super::{Method, Request, SearchEntry};
use crate::spec::ComponentInfo;
use sobol_burley::{NUM_DIMENSIONS, sample};

/// The Sobol sequence.
pub const ENTRY: SearchEntry = SearchEntry {
    info: ComponentInfo {
        id: "sobol",
        label: "Sobol",
        help: "Settings spread evenly, each where there is the most room between those before it.",
        params: &[],
    },
    method: &Sobol,
};

struct Sobol;

impl Method for Sobol {
    /// Later attempts are of another sequence, which a few values can repeat.
    fn choose(&self, request: &Request<'_>) -> Option<Vec<f64>> {
        let seed =
            (request.seed ^ request.seed >> 32) as u32 ^ (request.attempt as u32).wrapping_mul(0x9e37_79b9);
        let share = |dimension: usize| {
            let (group, dimension) = (dimension as u32 / NUM_DIMENSIONS, dimension as u32 % NUM_DIMENSIONS);
            f64::from(sample(request.trial as u32 & 0xffff, dimension, seed.wrapping_add(group)))
        };
        Some((0..request.axes.len()).map(share).collect())
    }
}
