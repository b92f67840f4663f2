//! A run as the command that trains one like it.
use super::written;
use crate::{
    listing::{Setting, settings},
    presets,
    spec::{Catalog, RunSpec, Section},
};

/// `headstart train PRESET --set …`, of the preset that takes the fewest settings; none where a run cannot be said in that
/// way, as with corrected labels.
pub fn command(spec: &RunSpec, catalog: &Catalog) -> Option<String> {
    let wanted = alone(spec).to_toml(catalog);
    let said = presets::ALL.iter().filter_map(|preset| {
        let base = written::run(preset.text, &[], catalog).ok()?;
        let pairs = pairs(&base, spec, catalog)?;
        // what suits a data set is another thing for another one: only what is read back as the run counts
        let back = written::run(preset.text, &pairs, catalog).ok()?;
        (back.to_toml(catalog) == wanted).then_some((preset.id, pairs))
    });
    let (preset, pairs) = said.min_by_key(|(_, pairs)| pairs.len())?;
    let words = pairs.iter().map(|pair| match pair.strip_prefix("name=") {
        Some(name) => format!(" --name {}", quoted(name)),
        None => format!(" --set {}", quoted(pair)),
    });
    Some(format!("headstart train {preset}{}", words.collect::<String>()))
}

/// The same without what a recipe does not say: where it came from, and its place in a comparison.
fn alone(spec: &RunSpec) -> RunSpec {
    RunSpec { shipped: None, entrant: None, ..spec.clone() }
}

/// What has to be set to come from one spec to another; none where something would have to be taken away.
fn pairs(from: &RunSpec, to: &RunSpec, catalog: &Catalog) -> Option<Vec<String>> {
    if from.init_from.is_some() && to.init_from.is_none() || from.dataset.path.is_some() {
        return None;
    }
    let mut from = from.clone();
    let mut pairs = vec![];
    if from.name != to.name {
        pairs.push(format!("name={}", to.name));
    }
    for section in Section::ALL {
        let (Some(own), Some(wanted)) = (from.choice_mut(section), to.choice(section)) else { continue };
        if own.id != wanted.id {
            *own = crate::spec::Choice::new(&wanted.id);
            pairs.push(format!("{}={}", section.id(), wanted.id));
        }
    }
    let changed = |setting: &Setting| setting.other.as_ref() != Some(&setting.value);
    let all = settings(to, Some(&from), catalog);
    for setting in all.iter().filter(|setting| changed(setting)) {
        let key = setting.section.map_or(setting.key.as_str(), |_| short(&setting.key, to, catalog));
        pairs.push(format!("{key}={}", setting.value));
    }
    Some(pairs)
}

/// The last part of a dotted key, where that alone is clear.
fn short<'a>(key: &'a str, spec: &RunSpec, catalog: &Catalog) -> &'a str {
    let last = key.rsplit('.').next().unwrap_or(key);
    let same = catalog.params(spec).filter(|(_, param)| param.key == last).count();
    let is_section = Section::ALL.iter().any(|section| section.id() == last);
    if same == 1 && !is_section { last } else { key }
}

/// A word as shells take it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./=@:,+%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.into();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::catalog;

    #[test]
    fn a_command_says_what_differs_from_the_nearest_preset() {
        let catalog = catalog();
        for (preset, set, expected) in [
            (
                "mlp",
                &["epochs=3", "learning_rate=0.0005"][..],
                "train mlp --set learning_rate=0.0005 --set epochs=3",
            ),
            ("seed_cnn", &[], "train seed_cnn"),
            ("mlp", &["name=It's mine"], "train mlp --name 'It'\\''s mine'"),
            (
                "seed_cnn",
                &["optimizer=sgd", "momentum=0.8", "seed=7"],
                "--set optimizer=sgd --set seed=7 --set momentum=0.8",
            ),
            (
                "seed_cnn",
                &["dataset=files", "dataset.path=/a b", "class_balance=oversample"],
                "'dataset.path=/a b'",
            ),
            ("fine_tune", &["init_from=2026-run@40"], "--set init_from=2026-run@40"),
            ("contrastive", &["dataset=fashion_mnist"], "--set dataset=fashion_mnist"),
        ] {
            let set: Vec<String> = set.iter().map(ToString::to_string).collect();
            let spec = written::run(presets::find(preset).unwrap().text, &set, &catalog).unwrap();
            let said = command(&spec, &catalog).unwrap();
            assert!(said.contains(expected), "{said}");
        }
    }

    #[test]
    fn what_no_command_says_is_not_half_said() {
        let catalog = catalog();
        let mut spec = RunSpec::default();
        assert!(command(&spec, &catalog).is_some());
        spec.dataset.split_rule = crate::spec::SplitRule::AsCorrected;
        assert_eq!(command(&spec, &catalog), None);
    }
}
