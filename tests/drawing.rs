//! A drawing and the networks that read it: at once, at each checkpoint, and after fine-tuning on a person's own.
mod support;

use headstart::{
    data::{drawing::Drawing, handwriting},
    protocol::{Answer, Command, Finding, Moment, Question, RunId},
    runs::Home,
    session::Session,
    spec::Choice,
};
use std::sync::Arc;
use support::Fixture;

/// A seven, a one, and a circle.
fn drawings() -> Vec<Vec<u8>> {
    let circle = (0..=32).map(|at| (at as f32 * std::f32::consts::TAU / 32.0).sin_cos());
    let strokes = [
        vec![[0.2, 0.2], [0.75, 0.2], [0.45, 0.9]],
        vec![[0.5, 0.1], [0.5, 0.9]],
        circle.map(|(sin, cos)| [0.5 + 0.25 * sin, 0.5 + 0.35 * cos]).collect(),
    ];
    let framed = |stroke| Drawing { strokes: vec![stroke], pen_width: 0.08 }.sheet().unwrap().frame();
    strokes.into_iter().map(framed).collect()
}

fn ask(session: &mut Session, run: &RunId, question: Question) -> Answer {
    session.send(Command::Ask { request: 1, run: run.clone(), question });
    support::wait(session, |session| {
        let done = session.state.answers.get(&1).is_some_and(|answer| answer.share_done >= 1.0);
        if done { session.state.answers.remove(&1) } else { None }
    })
}

fn scores(session: &mut Session, run: &RunId, images: &Arc<Vec<Vec<u8>>>) -> Vec<Vec<f32>> {
    match ask(session, run, Question::Scores { images: images.clone() }).finding {
        Some(Ok(Finding::Scores(scores))) => scores.to_vec(),
        other => panic!("{other:?}"),
    }
}

fn history(
    session: &mut Session,
    run: &RunId,
    images: &Arc<Vec<Vec<u8>>>,
    after: Option<u64>,
) -> Vec<Moment> {
    match ask(session, run, Question::History { images: images.clone(), after }).finding {
        Some(Ok(Finding::History(moments))) => moments.to_vec(),
        other => panic!("{other:?}"),
    }
}

fn recall(session: &mut Session, run: &RunId, of: &RunId) -> (usize, f64) {
    match ask(session, run, Question::Recall { of: of.clone() }).finding {
        Some(Ok(Finding::Recall { images, accuracy })) => (images, accuracy),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_drawing_is_read_at_every_checkpoint_and_by_several_networks() {
    let fixture = Fixture::new();
    let run = fixture.train(&["keep_checkpoints=9", "evaluations_per_epoch=2"]).id;
    let other = fixture.train(&["encoder=mlp", "epochs=1"]).id;
    let mut session = fixture.session();
    // More than one portion.
    let images = Arc::new(drawings().into_iter().cycle().take(300).collect::<Vec<_>>());
    let now = scores(&mut session, &run, &images);
    assert!(now.iter().all(|one| (one.iter().sum::<f32>() - 1.0).abs() < 1e-4));
    let moments = history(&mut session, &run, &images, None);
    let steps: Vec<u64> = moments.iter().map(|moment| moment.step).collect();
    assert_eq!(steps, [0, 8, 16, 24, 32]);
    let differs = |a: &[Vec<f32>], b: &[Vec<f32>]| {
        a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    };
    assert!(differs(&moments[4].scores, &now) < 1e-6, "the last checkpoint is the network as it is");
    assert!(differs(&moments[0].scores, &now) > 0.3, "it has learnt nothing");
    assert_eq!(moments[4].scores.len(), 300);
    assert_eq!(history(&mut session, &run, &images, Some(16))[..], moments[3..]);
    assert_eq!(history(&mut session, &run, &images, Some(32)), []);
    // Another network in between does not make the first one forget.
    let theirs = scores(&mut session, &other, &images);
    assert!(differs(&theirs, &now) > 0.01);
    assert_eq!(scores(&mut session, &run, &images), now);
    let too_many = Arc::new(vec![images[0].clone(); 600]);
    session.send(Command::Ask {
        request: 1,
        run: run.clone(),
        question: Question::Scores { images: too_many },
    });
    let notices = |session: &mut Session| session.state.notices.pop();
    assert!(support::wait(&mut session, notices).text.contains("512 at most"));
    session.close();
}

#[test]
fn fine_tuning_on_drawings_keeps_the_head_and_its_cost_is_measured() {
    let fixture = Fixture::new();
    let parent = fixture.train(&["name=parent"]).id;
    let folder = Home::open(fixture.home()).unwrap().handwriting();
    for label in [7, 1, 0].into_iter().cycle().take(18) {
        let place = [7, 1, 0].iter().position(|known| *known == label).unwrap();
        handwriting::keep(&folder, label, &drawings()[place]).unwrap();
    }
    let images = Arc::new(drawings());
    let mut session = fixture.session();
    let before = scores(&mut session, &parent, &images);
    let (count, accuracy) = recall(&mut session, &parent, &parent);
    let validated =
        session.state.runs[&parent].curves[&("accuracy", headstart::metrics::Split::Validation)].clone();
    assert_eq!((count, accuracy), (100, validated.last().unwrap()[1]));
    let mut spec =
        fixture.spec(&["batch_size=4", "epoch_steps=1", "keep_head=1", "optimizer.learning_rate=1e-6"]);
    spec.dataset = Choice { path: Some(folder), ..Choice::new("files") };
    spec.init_from = Some(parent.to_string());
    let child = support::start(&mut session, spec);
    support::until(&mut session, &child, support::finished);
    let after = scores(&mut session, &child, &images);
    for (before, after) in before.iter().flatten().zip(after.iter().flatten()) {
        assert!((before - after).abs() < 0.01, "two tiny steps, and yet {before} became {after}");
    }
    let (count, kept) = recall(&mut session, &child, &parent);
    assert!(count == 100 && (kept - accuracy).abs() <= 0.03, "{kept} after {accuracy}");
    session.close();
}
