//! The session's runs as rows of a table.
use super::Run;
use crate::{
    listing::{Figures, Row},
    metrics::{self, Split},
    spec::Catalog,
};

impl Run {
    /// What a table can show of the run.
    pub fn row<'a>(&'a self, catalog: &'a Catalog) -> Row<'a> {
        Row {
            catalog,
            id: &self.id,
            spec: &self.spec,
            phase: &self.phase,
            marks: &self.marks,
            progress: self.progress,
            created: None,
            headline: catalog.headline(&self.spec),
            figures: self.figures(),
        }
    }

    fn figures(&self) -> Vec<Figures> {
        let mut all: Vec<Figures> = vec![];
        for ((id, split), points) in &self.curves {
            let Some(metric) = metrics::find(id).filter(|_| *split != Split::Train) else { continue };
            let at = all.iter().position(|figures| figures.metric.id == *id).unwrap_or_else(|| {
                all.push(Figures::none(metric));
                all.len() - 1
            });
            match split {
                Split::Test => all[at].test = points.last().map(|point| point[1]),
                _ => points.iter().for_each(|[step, value]| all[at].validated(*step as u64, *value)),
            }
        }
        all
    }
}
