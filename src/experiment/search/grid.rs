//! Every combination, in order.
use super::{Method, Request, SearchEntry};
use crate::spec::ComponentInfo;

/// The grid.
pub const ENTRY: SearchEntry = SearchEntry {
    info: ComponentInfo {
        id: "grid",
        label: "Grid",
        help: "Every combination of the values, the last hyperparameter changing fastest.",
        params: &[],
    },
    method: &Grid,
};

struct Grid;

impl Method for Grid {
    fn choose(&self, request: &Request<'_>) -> Option<Vec<f64>> {
        let mut rest = request.trial;
        let mut shares = vec![0.0; request.axes.len()];
        for (axis, share) in request.axes.iter().zip(&mut shares).rev() {
            let count = axis.choices()?;
            *share = ((rest % count) as f64 + 0.5) / count as f64;
            rest /= count;
        }
        (rest == 0).then_some(shares)
    }

    fn never_repeats(&self) -> bool {
        true
    }
}
