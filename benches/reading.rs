//! How well the network of a run reads what it was never shown:
//!
//! ```sh
//! cargo bench --bench reading -- outsiders --run RUN [--step STEP] [--home FOLDER] [--data FOLDER]
//! ```
//!
//! Without the name of a part, all are measured. FOLDER has the data sets that are not part of the program, a folder each:
//! `drawn-digits`, `hwd-1000`, `usps`, `fashion-mnist`; what is not there is left out, and that is said.
#[path = "reading/outsiders.rs"]
mod outsiders;
#[path = "reading/subject.rs"]
mod subject;

use subject::Wish;

/// What can be measured, by name.
const PARTS: [(&str, fn(&Wish) -> anyhow::Result<()>); 1] = [("outsiders", outsiders::measure)];

fn main() -> anyhow::Result<()> {
    let wish = Wish::parse(std::env::args().skip(1))?;
    let is_wanted = |name: &str| wish.parts.is_empty() || wish.parts.iter().any(|part| part == name);
    PARTS.iter().filter(|(name, _)| is_wanted(name)).try_for_each(|(_, measure)| measure(&wish))
}
