//! What can be chosen, and what each hyperparameter means.
use super::{FieldError, LiveParams, RunSpec, Section, Values, script};
use crate::{
    metrics::{LOSS, MetricInfo, find},
    nearest::suggestion,
    sample::Modality,
};
use std::{collections::BTreeMap, fmt};

/// One hyperparameter, described once: its control, its key in a spec, its bounds and its tooltip come from here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Param {
    /// The name used in TOML and in `--set`.
    pub key: &'static str,
    /// The name shown in the window.
    pub label: &'static str,
    /// Follows the number, such as "epochs"; empty for a plain number.
    pub unit: &'static str,
    /// One sentence for a reader who meets the term for the first time.
    pub help: &'static str,
    /// What values it takes, and so which control it has.
    pub kind: ParamKind,
    /// The value where none is given.
    pub default: f64,
    /// May change between two batches.
    pub live: bool,
}

/// What values a hyperparameter may have, bounds included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParamKind {
    /// A whole number.
    Integer {
        /// The smallest value.
        min: u64,
        /// The largest value.
        max: u64,
    },
    /// A real number.
    Float {
        /// The smallest value.
        min: f64,
        /// The largest value.
        max: f64,
        /// Spread evenly over orders of magnitude.
        logarithmic: bool,
    },
    /// 0 for off, 1 for on.
    Switch,
    /// One of several, stored as its index: (name in a spec, name in the window).
    Choice(&'static [(&'static str, &'static str)]),
}

impl Param {
    /// The largest value that is allowed.
    pub fn max(&self) -> f64 {
        match self.kind {
            ParamKind::Integer { max, .. } => max as f64,
            ParamKind::Float { max, .. } => max,
            ParamKind::Switch => 1.0,
            ParamKind::Choice(options) => options.len().saturating_sub(1) as f64,
        }
    }

    /// Why `value` is not allowed, or nothing.
    pub fn check(&self, value: f64) -> Option<String> {
        let max = self.max();
        let min = match self.kind {
            ParamKind::Integer { min, .. } => min as f64,
            ParamKind::Float { min, .. } => min,
            ParamKind::Switch | ParamKind::Choice(_) => 0.0,
        };
        if !(min..=max).contains(&value) {
            return Some(format!("{value} is out of range: choose from {min} to {max}"));
        }
        let whole = !matches!(self.kind, ParamKind::Float { .. });
        (whole && value.fract() != 0.0).then(|| format!("{value} is not a whole number"))
    }
}

/// What a component is, without the component: enough to offer it and to validate its values.
#[derive(Clone, Copy, Debug)]
pub struct ComponentInfo {
    /// The name used in TOML and on the command line.
    pub id: &'static str,
    /// The name shown in the window.
    pub label: &'static str,
    /// One or two sentences for the tooltip.
    pub help: &'static str,
    /// Its hyperparameters, in the order in which they are shown.
    pub params: &'static [Param],
}

/// All that can be chosen, by section.
#[derive(Clone, Debug)]
pub struct Catalog {
    /// The choices of each section, in the order of their registries.
    pub components: BTreeMap<Section, Vec<ComponentInfo>>,
    /// What an objective that compares altered examples needs of the augmentation, by its identifier.
    pub needed_augmentation: BTreeMap<&'static str, &'static [(&'static str, f64)]>,
    /// The main metric of each objective, by the objective's identifier.
    pub headlines: BTreeMap<&'static str, &'static MetricInfo>,
    /// The objectives that learn without labels.
    pub without_labels: Vec<&'static str>,
    /// The kind of data that each data set holds, by its identifier.
    pub modalities: BTreeMap<&'static str, Modality>,
    /// The kinds of data that encoders, objectives and augmentations serve, by section and identifier; what is not listed
    /// serves all.
    pub serves: BTreeMap<(Section, &'static str), &'static [Modality]>,
    /// The data sets that can be read from a path.
    pub with_path: Vec<&'static str>,
    /// Encoders that a run may begin with and that are part of the program.
    pub shipped_encoders: Vec<ShippedEncoder>,
}

/// A pretrained encoder that is part of the program.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShippedEncoder {
    /// What `init_from` calls it.
    pub id: &'static str,
    /// The name shown in the window.
    pub label: &'static str,
    /// The identifier of the network that it fits.
    pub encoder: &'static str,
}

/// Why something cannot be used with a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// What it serves.
    pub serves: &'static [Modality],
    /// What the data set holds.
    pub data: Modality,
}

/// "Works with text, and this data set holds sound".
impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let serves: Vec<_> = self.serves.iter().map(|modality| modality.label()).collect();
        write!(f, "Works with {}, and this data set holds {}", serves.join(" and "), self.data.label())
    }
}

impl Catalog {
    /// The components of a section; [`Section::Augmentation`] and [`Section::Training`] have a single one.
    pub fn section(&self, section: Section) -> &[ComponentInfo] {
        self.components.get(&section).map_or(&[], Vec::as_slice)
    }

    /// Looks a component of a section up by its identifier.
    pub fn component(&self, section: Section, id: &str) -> Option<&ComponentInfo> {
        self.section(section).iter().find(|info| info.id == id)
    }

    /// The main metric of a run of `spec`; for an objective that this program does not know,
    /// the loss.
    pub fn headline(&self, spec: &RunSpec) -> &'static MetricInfo {
        let known = self.headlines.get(spec.objective.id.as_str()).copied();
        known.unwrap_or_else(|| find(LOSS).expect("the loss is a metric"))
    }

    /// Every hyperparameter of the components that `spec` chose.
    pub fn params<'a>(&'a self, spec: &'a RunSpec) -> impl Iterator<Item = (Section, &'static Param)> + 'a {
        Section::ALL.into_iter().flat_map(move |section| {
            let params = self.component(section, spec.id(section)).map_or(&[][..], |info| info.params);
            params.iter().map(move |param| (section, param))
        })
    }

    /// Whether the component that `spec` chose in a section has a hyperparameter.
    pub fn has(&self, spec: &RunSpec, section: Section, param: &Param) -> bool {
        let chosen = self.component(section, spec.id(section));
        chosen.is_some_and(|info| info.params.iter().any(|known| known.key == param.key))
    }

    /// The live hyperparameters with the values that `spec` starts with.
    pub fn live_params(&self, spec: &RunSpec) -> LiveParams {
        self.params(spec)
            .filter(|(_, param)| param.live)
            .map(|(section, param)| (dotted(section, param), spec.get(section, param)))
            .collect()
    }

    /// Sets what the objective of `spec` needs of the augmentation, and takes back what another one needed, unless a
    /// person has chosen something else.
    pub fn augment_as_needed(&self, spec: &mut RunSpec) {
        let values = |needed: &[(&str, f64)]| -> Values {
            needed.iter().map(|(key, value)| (key.to_string(), *value)).collect()
        };
        if self.needed_augmentation.values().any(|needed| values(needed) == spec.augmentation) {
            spec.augmentation.clear();
        }
        if let Some(needed) = self.needed_augmentation.get(spec.objective.id.as_str())
            && spec.is_unaltered()
        {
            spec.augmentation = values(needed);
        }
    }

    /// Whether the objective of `spec` compares altered examples, and nothing alters them.
    pub fn lacks_augmentation(&self, spec: &RunSpec) -> bool {
        self.needed_augmentation.contains_key(spec.objective.id.as_str()) && spec.is_unaltered()
    }

    /// Why a component, or an augmentation by its key, cannot be used with the data set of `spec`; none where it can.
    pub fn misfit(&self, spec: &RunSpec, section: Section, id: &str) -> Option<Misfit> {
        self.unserved(spec, self.serves.get(&(section, id))?)
    }

    /// Why what serves these kinds of data cannot be used with the data set of `spec`; none where it can.
    pub fn unserved(&self, spec: &RunSpec, serves: &'static [Modality]) -> Option<Misfit> {
        let data = *self.modalities.get(spec.dataset.id.as_str())?;
        (!serves.contains(&data)).then_some(Misfit { serves, data })
    }

    /// What is wrong with the values of `spec`, by dotted key.
    pub fn validate(&self, spec: &RunSpec) -> Vec<FieldError> {
        let mut errors = vec![];
        for section in Section::ALL {
            let (id, key) = (spec.id(section), format!("{}.id", section.id()));
            if self.component(section, id).is_none() {
                errors.push(FieldError::new(key, self.unknown(section, id)));
            } else if let Some(misfit) = self.misfit(spec, section, id) {
                errors.push(FieldError::new(key, misfit.to_string()));
            }
        }
        errors.extend(self.params(spec).filter_map(|(section, param)| {
            let value = spec.get(section, param);
            let misfit = self.misfit(spec, section, param.key).filter(|_| value != param.default);
            let problem = param.check(value).or(misfit.map(|misfit| misfit.to_string()))?;
            Some(FieldError::new(dotted(section, param), problem))
        }));
        errors.extend(script::validate(spec, self));
        errors
    }

    /// Which components a key belongs to, as a person would choose them: ": belongs to optimizer=sgd". None where none has
    /// such a key.
    pub(crate) fn owner(&self, key: &str) -> Option<String> {
        let owners = Section::ALL.into_iter().flat_map(|section| {
            let all = self.section(section);
            let mine: Vec<_> =
                all.iter().filter(|info| info.params.iter().any(|param| param.key == key)).collect();
            if mine.len() == all.len() && !mine.is_empty() {
                return vec![section.id().to_owned()];
            }
            mine.iter().map(|info| format!("{}={}", section.id(), info.id)).collect()
        });
        let owners: Vec<String> = owners.collect();
        (!owners.is_empty()).then(|| format!(" here: it belongs to {}", owners.join(" or ")))
    }

    pub(super) fn unknown(&self, section: Section, id: &str) -> String {
        let known: Vec<_> = self.section(section).iter().map(|info| info.id).collect();
        format!("{id:?} is not known{}", suggestion(id, &known))
    }
}

/// The key of a hyperparameter in a whole spec, such as `optimizer.learning_rate`.
pub fn dotted(section: Section, param: &Param) -> String {
    format!("{}.{}", section.id(), param.key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::catalog;

    #[test]
    fn what_does_not_serve_the_data_is_an_error() {
        let mut catalog = catalog();
        let spec = RunSpec { augmentation: [("elastic".to_owned(), 2.0)].into(), ..RunSpec::default() };
        assert!(catalog.validate(&spec).is_empty());
        catalog.modalities.insert("mnist", Modality::Text);
        let errors = catalog.validate(&spec);
        let fields: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["encoder.id", "augmentation.elastic"]);
        assert_eq!(errors[0].message, "Works with images, and this data set holds text");
        assert_eq!(catalog.misfit(&spec, Section::Objective, "classify"), None);
        assert!(catalog.misfit(&spec, Section::Objective, "rotation").is_some());
        assert_eq!(catalog.misfit(&spec, Section::Optimizer, "sgd"), None);
    }

    #[test]
    fn a_key_of_another_component_names_it() {
        let error = |overrides: &[&str], text: &str| {
            let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
            RunSpec::from_toml(text, &overrides, &catalog()).unwrap_err().to_string()
        };
        let known = "momentum: is not known here: it belongs to optimizer=sgd";
        assert_eq!(error(&["momentum=0.9"], ""), known);
        assert!(error(&["optimizer.momentum=0.9"], "").ends_with(known));
        assert!(error(&[], "[training]\nlearning_rate = 0.1").contains("it belongs to optimizer"));
        assert!(error(&["conv_dropout=0.1", "encoder=mlp"], "").contains("encoder=seed_cnn"));
        assert!(error(&["lr=0.1"], "").contains("did you mean learning_rate?"));
        assert!(error(&["optim=sgd"], "").contains("did you mean optimizer?"));
        assert!(error(&["encoder=mpl"], "").contains("did you mean mlp?"));
        for section in Section::ALL {
            for info in catalog().section(section) {
                let all = info.params.iter().all(|param| catalog().owner(param.key).is_some());
                assert!(all, "{}", info.id);
            }
        }
    }
}
