//! What a network reads in a drawing, and how firmly, in one sentence.
use super::{
    odds,
    variants::{Reading, rotations},
};
use crate::{
    evaluation::confidence,
    protocol::Moment,
    ui::{
        bars::{best, name},
        widgets::thousands,
    },
};

/// "Read as 7 (98 %), and as the same at 109 of 120 other places; turned by 35° clockwise it would be read as 4."
/// `rotation` is that of the drawing as it stands, in degrees clockwise.
pub fn of_reading(reading: Reading<'_>, rotation: f32) -> String {
    let places = reading.places();
    let (class, probability) = best(&places[places.len() / 2]);
    let kept = places.iter().filter(|scores| best(scores).0 == class).count();
    let turned =
        rotations().zip(reading.rotations()).map(|(angle, scores)| (angle - rotation, best(scores).0));
    let changed = turned.filter(|(by, read)| *read != class && by.abs() >= 0.5);
    let nearest = changed.min_by(|a, b| a.0.abs().total_cmp(&b.0.abs()));
    let turned = match nearest {
        Some((by, read)) => {
            let way = if by > 0.0 { "clockwise" } else { "anticlockwise" };
            let read = name(reading.class_names, read);
            format!("turned by {:.0}° {way} it would be read as {read}", by.abs())
        }
        None => "and so it is at every angle up to 90°".into(),
    };
    format!(
        "Read as {} ({}), and as the same at {} of {} other places; {turned}.",
        name(reading.class_names, class),
        confidence(probability.into(), 0),
        kept.saturating_sub(1),
        places.len() - 1
    )
}

/// "At step 8,600 the network reads 7 (98 %), as it has since step 430", by its checkpoints. None where there are none that
/// tell classes apart.
pub fn of_history(moments: &[Moment], class_names: &[String]) -> Option<String> {
    let scores: Vec<&[f32]> =
        moments.iter().filter_map(|moment| Some(moment.scores.first()?.as_slice())).collect();
    let (last, now) = (moments.last()?, scores.last().filter(|scores| !scores.is_empty())?);
    let (class, probability) = best(now);
    let since = match odds::turns(&scores).last() {
        Some((at, _)) => format!("as it has since step {}", thousands(moments[*at].step)),
        None => "as it has at every checkpoint".into(),
    };
    let (step, class) = (thousands(last.step), name(class_names, class));
    Some(format!(
        "At step {step} the network reads {class} ({}), {since}.",
        confidence(probability.into(), 0)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::views::drawing::variants::{PLACES, SWITCHES, sizes};

    fn scores(class: usize) -> Vec<f32> {
        (0..3).map(|at| if at == class { 0.98 } else { 0.01 }).collect()
    }

    /// What is read at each place, and at each angle.
    fn all(place: impl Fn(usize) -> usize, angle: impl Fn(f32) -> usize) -> Vec<Vec<f32>> {
        let subject = (0..=SWITCHES.len()).map(|_| 0);
        let places = (0..PLACES * PLACES).map(place);
        let classes = subject.chain(places).chain(rotations().map(angle)).chain(sizes().map(|_| 0));
        classes.map(scores).collect()
    }

    #[test]
    fn what_upsets_a_reading_is_told() {
        let names = ["7", "4", "1"].map(String::from);
        let told =
            |scores: &[Vec<f32>], rotation| of_reading(Reading::new(scores, &names, true).unwrap(), rotation);
        let shaken = all(|at| usize::from(at < 12), |angle| if angle > 33.0 { 1 } else { 0 });
        let expected = "Read as 7 (98 %), and as the same at 108 of 120 other places; turned by 35° clockwise it would be read as 4.";
        assert_eq!(told(&shaken, 0.0), expected);
        assert!(told(&shaken, 20.0).contains("turned by 15° clockwise"));
        let other_way = all(|_| 0, |angle| if angle < -40.0 { 2 } else { 0 });
        assert!(told(&other_way, 0.0).ends_with("turned by 45° anticlockwise it would be read as 1."));
        let firm = all(|_| 0, |_| 0);
        let expected = "Read as 7 (98 %), and as the same at 120 of 120 other places; and so it is at every angle up to 90°.";
        assert_eq!(told(&firm, 0.0), expected);
    }

    #[test]
    fn without_a_drawing_its_past_is_told() {
        let names = ["7", "4", "1"].map(String::from);
        let moment = |step, class| Moment { step, scores: vec![scores(class)] };
        let told = |moments: &[Moment]| of_history(moments, &names);
        let changed = [moment(0, 1), moment(430, 0), moment(8600, 0)];
        let expected = "At step 8,600 the network reads 7 (98 %), as it has since step 430.";
        assert_eq!(told(&changed).as_deref(), Some(expected));
        let expected = "At step 8,600 the network reads 7 (98 %), as it has at every checkpoint.";
        assert_eq!(told(&changed[1..]).as_deref(), Some(expected));
        assert_eq!(told(&[]), None);
        assert_eq!(told(&[Moment { step: 3, scores: vec![vec![]] }]), None, "it learns without labels");
    }
}
