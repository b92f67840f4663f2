//! `resume RUN@STEP --set KEY=VALUE`: back to a checkpoint, and on from there with other live hyperparameters or more epochs.
use crate::{
    protocol::{Command, RunId},
    runs::Home,
    session::catalog,
    spec::LiveParams,
};
use anyhow::{Context as _, Result, bail};

/// A run's name, and the step that stands behind an @.
pub fn at_step(name: &str) -> (&str, Option<u64>) {
    let step = name.rsplit_once('@').and_then(|(run, step)| Some((run, step.parse().ok()?)));
    step.map_or((name, None), |(run, step)| (run, Some(step)))
}

/// A run's name with the step of its best checkpoint where `@best` stands behind it.
///
/// # Errors
/// Where the run has no such checkpoint.
pub fn dated(home: &Home, name: &str) -> Result<String> {
    if name.ends_with("@best") { Ok(home.find_at(name)?.to_string()) } else { Ok(name.into()) }
}

/// Goes back to the checkpoint of a step, or to the newest, with its live values changed by `set`.
///
/// # Errors
/// Where there is no such checkpoint, or `set` names what a run cannot change while it trains.
pub fn command(home: &Home, run: RunId, step: Option<u64>, set: &[String]) -> Result<Command> {
    let (folder, catalog) = (home.folder(&run), catalog());
    let kept = folder.checkpoints();
    let step = match step {
        None => *kept.last().context("The run has no checkpoint yet: resume it without --set")?,
        Some(step) if kept.contains(&step) => step,
        Some(step) => bail!("The run has no checkpoint of step {step}: choose one of {kept:?}"),
    };
    let mut live = catalog.live_params(&folder.spec(&catalog)?);
    live.update(&folder.checkpoint_state(step)?.live);
    let mut epochs = None;
    for pair in set {
        match longer(pair) {
            Some(value) => epochs = Some(value?),
            None => put(&mut live, pair)?,
        }
    }
    Ok(Command::Rewind { run, step, live, epochs })
}

/// The number of epochs that a pair asks for.
fn longer(pair: &str) -> Option<Result<u64>> {
    let value = ["epochs=", "training.epochs="].into_iter().find_map(|key| pair.strip_prefix(key))?;
    Some(value.trim().parse().with_context(|| format!("--set {pair}: {value} is not a number of epochs")))
}

fn put(live: &mut LiveParams, pair: &str) -> Result<()> {
    let (key, value) = pair.split_once('=').with_context(|| format!("--set {pair}: write KEY=VALUE"))?;
    let end = format!(".{key}");
    let named: Vec<String> =
        live.keys().filter(|known| *known == key || known.ends_with(&end)).map(Into::into).collect();
    let [known] = &named[..] else {
        let all: Vec<&str> = live.keys().collect();
        bail!("--set {pair}: a run that goes on can change epochs and {}", all.join(", "))
    };
    let number = match value {
        "true" => 1.0,
        "false" => 0.0,
        _ => value.parse().with_context(|| format!("--set {pair}: {value} is not a number"))?,
    };
    live.set_key(known, number);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::DatasetInfo,
        engine::{LEARNING_RATE, WEIGHT_DECAY},
        runs::{CheckpointState, RunData},
        shape::ImageShape,
        spec::{RunSpec, Section},
    };

    #[test]
    fn a_step_follows_the_name_and_values_the_checkpoint() {
        assert_eq!(at_step("2026-run@400"), ("2026-run", Some(400)));
        assert_eq!(at_step("/runs/a@b"), ("/runs/a@b", None));
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path().into()).unwrap();
        let info = DatasetInfo { shape: ImageShape::new(28, 28, 1).into(), class_names: vec![] };
        let (run, of) = home.create(&RunSpec::default(), &catalog(), &RunData::unread(info)).unwrap();
        let go_on = |step, set: &[&str]| {
            command(&home, run.clone(), step, &set.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert!(go_on(None, &["learning_rate=0.1"]).unwrap_err().to_string().contains("no checkpoint yet"));
        let mut state = CheckpointState { step: 40, ..CheckpointState::default() };
        state.live.set(Section::Optimizer, &WEIGHT_DECAY, 0.25);
        of.save_checkpoint(&state, |_| Ok(())).unwrap();
        let Command::Rewind { step, live, .. } = go_on(Some(40), &["learning_rate=1e-4"]).unwrap() else {
            panic!("another command")
        };
        let value = |param| live.get(Section::Optimizer, param);
        assert_eq!((step, value(&LEARNING_RATE), value(&WEIGHT_DECAY)), (40, 0.0001, 0.25));
        let longer = go_on(None, &["epochs=20"]).unwrap();
        assert!(matches!(longer, Command::Rewind { step: 40, epochs: Some(20), .. }));
        for (step, set, reason) in [
            (Some(41), &[][..], "choose one of [40]"),
            (None, &["batch_size=3"], "can change epochs and encoder.conv_dropout"),
            (None, &["epochs=many"], "many is not a number of epochs"),
            (None, &["learning_rate=much"], "not a number"),
            (None, &["learning_rate"], "write KEY=VALUE"),
        ] {
            let error = go_on(step, set).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
