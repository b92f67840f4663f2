//! Every setting of a run beside its default and beside another run's.
use super::field::written;
use crate::spec::{Catalog, Param, ParamKind, RunSpec, Section, dotted};

/// One setting of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Dotted, as in `--set`.
    pub key: String,
    /// What it is called in the window.
    pub label: &'static str,
    /// One sentence on what it means.
    pub help: &'static str,
    /// What it belongs to.
    pub section: Option<Section>,
    /// What the run has.
    pub value: String,
    /// What it would have if nobody had set it.
    pub default: String,
    /// What the other run has; none where no run is compared with, or that one has no such setting.
    pub other: Option<String>,
    /// Whether it can be changed while the run trains.
    pub live: bool,
}

impl Setting {
    /// Whether somebody has set it.
    pub fn is_changed(&self) -> bool {
        self.value != self.default
    }
}

/// All settings of a run, in the order of a spec's file.
pub fn settings(spec: &RunSpec, against: Option<&RunSpec>, catalog: &Catalog) -> Vec<Setting> {
    let plain = RunSpec::default();
    let text = |key: &str, label, help, of: &dyn Fn(&RunSpec) -> String| Setting {
        key: key.into(),
        label,
        help,
        section: None,
        value: of(spec),
        default: of(&plain),
        other: against.map(of),
        live: false,
    };
    let source = |spec: &RunSpec| spec.init_from.clone().unwrap_or_else(|| "random weights".into());
    let mut all = vec![
        text("seed", "Seed", "Every random number of the run is derived from it.", &|spec| {
            spec.seed.to_string()
        }),
        text("init_from", "Begins with", "What the encoder's weights were at first.", &source),
    ];
    if spec.branch.is_some() || against.is_some_and(|other| other.branch.is_some()) {
        let moment = |spec: &RunSpec| spec.branch.as_ref().map_or_else(String::new, ToString::to_string);
        all.push(text("branch", "Goes on from", "The moment of another run that it goes on from.", &moment));
    }
    for section in Section::ALL {
        if let Some(info) =
            catalog.component(section, spec.id(section)).filter(|_| spec.choice(section).is_some())
        {
            let key = section.id();
            all.push(text(key, section.label(), info.help, &|spec| spec.id(section).into()));
        }
        if section == Section::Dataset
            && (spec.dataset.path.is_some() || against.is_some_and(|it| it.dataset.path.is_some()))
        {
            let path = |spec: &RunSpec| {
                spec.dataset.path.as_ref().map_or_else(String::new, |path| path.display().to_string())
            };
            all.push(text("dataset.path", "Path", "Where the data set's files are.", &path));
        }
        let params = catalog.component(section, spec.id(section)).map_or(&[][..], |info| info.params);
        all.extend(params.iter().map(|param| setting(section, param, (spec, against), catalog)));
    }
    all
}

fn setting(
    section: Section,
    param: &'static Param,
    (spec, against): (&RunSpec, Option<&RunSpec>),
    catalog: &Catalog,
) -> Setting {
    let other = against.filter(|other| catalog.has(other, section, param));
    Setting {
        key: dotted(section, param),
        label: param.label,
        help: param.help,
        section: Some(section),
        value: in_words(param, spec.get(section, param)),
        default: in_words(param, param.default),
        other: other.map(|other| in_words(param, other.get(section, param))),
        live: param.live,
    }
}

/// A value as `--set` takes it.
pub(super) fn in_words(param: &Param, value: f64) -> String {
    match param.kind {
        ParamKind::Switch => if value == 0.0 { "false" } else { "true" }.into(),
        ParamKind::Choice(options) => {
            options.get(value as usize).map_or_else(|| written(value), |(id, _)| (*id).into())
        }
        _ => written(value),
    }
}
