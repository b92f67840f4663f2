//! The tree-structured Parzen estimator (Bergstra et al. 2011), by the crate `tpe`: values that are common among the best
//! settings and rare among the others, each hyperparameter by itself.
use super::{Method, Request, SearchEntry, sobol};
use crate::spec::ComponentInfo;

/// The tree-structured Parzen estimator.
pub const ENTRY: SearchEntry = SearchEntry {
    info: ComponentInfo {
        id: "tpe",
        label: "TPE",
        help: "Learns from the results: it tries values that are more common among the best settings than among the others.",
        params: &[],
    },
    method: &Tpe,
};

/// Before so many results there is nothing to learn from: they are spread evenly.
const STARTUP: usize = 8;
/// The share of all settings that count as the best ones.
const BEST: f64 = 0.2;

struct Tpe;

impl Method for Tpe {
    fn choose(&self, request: &Request<'_>) -> Option<Vec<f64>> {
        if request.ranked.len() < STARTUP {
            return sobol::ENTRY.method.choose(request);
        }
        let mut rng = request.rng();
        let shares = request.axes.iter().enumerate().map(|(place, axis)| {
            let (range, estimator) = match axis.choices() {
                Some(count) => (tpe::categorical_range(count).ok()?, tpe::histogram_estimator()),
                None => (tpe::range(0.0, 1.0).ok()?, tpe::parzen_estimator()),
            };
            let mut optimizer = tpe::TpeOptimizerBuilder::new().gamma(BEST).build(estimator, range).ok()?;
            for (rank, settings) in request.ranked.iter().enumerate() {
                optimizer.tell(settings[place] * range.end(), rank as f64).ok()?;
            }
            let Ok(value) = optimizer.ask(&mut rng);
            // the middle of a value's place
            let value = if axis.choices().is_some() { value.floor() + 0.5 } else { value };
            Some(value / range.end())
        });
        shares.collect()
    }
}
