//! What an evaluation comes to, in one sentence.
use crate::{
    evaluation::{Disagreement, Evaluation, Judgement},
    ui::{
        views::evaluation::list::class_name,
        widgets::{percent, thousands},
    },
};

/// Answers above this confidence are called sure.
const SURE: f32 = 0.9;

/// "98.9 % of 10,000 test images right; 4 taken for 9 is the most frequent of 115 mistakes (12), and of the 9,520 answers above
/// 90 % confidence 99.5 % are right."
pub fn sentence(evaluation: &Evaluation) -> String {
    let Evaluation { split, examples: images, accuracy, judgement, .. } = evaluation;
    let images = format!("{} {} images", thousands(*images as u64), split.id());
    let right = accuracy.map_or(images.clone(), |share| format!("{} of {images} right", percent(share)));
    let Some(judgement) = judgement else { return right };
    let sure = sure(judgement).map_or(String::new(), |sure| format!(", and {sure}"));
    format!("{right}; {}{sure}.", mistakes(judgement))
}

/// What is mistaken most often for what.
fn mistakes(judgement: &Judgement) -> String {
    let confusion = judgement.confusion();
    let cells = confusion.iter().enumerate().flat_map(|(label, row)| {
        row.iter().enumerate().map(move |(predicted, count)| (*count, label, predicted))
    });
    let wrong: Vec<_> = cells.filter(|(count, label, predicted)| *count > 0 && label != predicted).collect();
    let total: usize = wrong.iter().map(|(count, ..)| count).sum();
    // Of equally frequent ones the first.
    let Some((count, label, predicted)) = wrong.into_iter().rev().max_by_key(|(count, ..)| *count) else {
        return "there is no mistake".into();
    };
    let total_said = thousands(total as u64);
    match (total, count) {
        (1, _) | (_, 2..) => {
            let [label, predicted] =
                [label, predicted].map(|class| class_name(&judgement.class_names, class as u16));
            let cell = format!("{label} taken for {predicted}");
            if total == 1 {
                return format!("{cell} is the only mistake");
            }
            format!("{cell} is the most frequent of {total_said} mistakes ({})", thousands(count as u64))
        }
        _ => format!("of {total_said} mistakes no two are alike"),
    }
}

/// How many of the sure answers are right; none where none is sure.
fn sure(judgement: &Judgement) -> Option<String> {
    let sure = || judgement.verdicts.iter().filter(|verdict| verdict.confidence > SURE);
    let (count, right) = (sure().count(), sure().filter(|verdict| verdict.is_right()).count());
    let share = right as f64 / count as f64;
    (count > 0).then(|| {
        format!(
            "of the {} answers above {:.0} % confidence {} are right",
            thousands(count as u64),
            SURE * 100.0,
            percent(share)
        )
    })
}

/// "They differ on 132 of 10,000 images: A alone is right on 80, B on 40, and neither on 12."
pub fn of_disagreement(found: &Disagreement, [first, second]: &[String; 2]) -> String {
    let [a, b, neither] = found.right.map(|count| thousands(count as u64));
    let [differ, all] = [found.answers.len(), found.examples].map(|count| thousands(count as u64));
    format!(
        "They differ on {differ} of {all} images: {first} alone is right on {a}, {second} alone on {b}, neither on {neither}. {first} is written first."
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evaluation::{Candidate, LabelCounts, TrustReport, Verdict},
        metrics::Split,
    };

    /// Of labels, predictions and confidences.
    fn evaluation(answers: &[(u16, u16, f32)]) -> Evaluation {
        let verdict = |(example, &(label, predicted, confidence)): (usize, &(u16, u16, f32))| Verdict {
            example: example as u32,
            label,
            predicted,
            raw_confidence: confidence,
            confidence,
            runners_up: [Candidate::default(); 4],
            loss: 0.0,
            is_outsider: false,
        };
        let trust = TrustReport {
            labels: LabelCounts { training: 100, calibration: 100 },
            temperature: 1.0,
            validation_ece: [0.0; 2],
            validation_flagged: None,
            outsiders: None,
        };
        let verdicts: Vec<Verdict> = answers.iter().enumerate().map(verdict).collect();
        let right = verdicts.iter().filter(|verdict| verdict.is_right()).count();
        let class_names = ["1", "4", "9"].map(String::from).into();
        Evaluation {
            split: Split::Test,
            examples: verdicts.len(),
            loss: 0.1,
            accuracy: Some(right as f64 / verdicts.len() as f64),
            judgement: Some(Judgement { class_names, verdicts, trust }),
        }
    }

    #[test]
    fn the_most_frequent_mistake_and_the_sure_answers_are_named() {
        let right = (0, 0, 0.95);
        let answers = [right, right, right, (1, 2, 0.97), (1, 2, 0.5), (2, 1, 0.4), (0, 0, 0.9), (0, 0, 0.3)];
        let told = "62.5 % of 8 test images right; 4 taken for 9 is the most frequent of 3 mistakes (2), and of the 4 answers above 90 % confidence 75.0 % are right.";
        assert_eq!(sentence(&evaluation(&answers)), told);
        let unlike = sentence(&evaluation(&[(1, 2, 0.5), (2, 1, 0.5)]));
        assert_eq!(unlike, "0.0 % of 2 test images right; of 2 mistakes no two are alike.");
        let one = sentence(&evaluation(&[right, (1, 0, 0.5)]));
        assert!(one.contains("right; 4 taken for 1 is the only mistake, and of the 1 answers"), "{one}");
        let none = sentence(&evaluation(&[right]));
        assert!(none.starts_with("100.0 % of 1 test images right; there is no mistake, and"), "{none}");
    }

    #[test]
    fn without_labels_there_is_nothing_to_confuse() {
        let evaluation = Evaluation { accuracy: None, judgement: None, ..evaluation(&[(0, 0, 0.9)]) };
        assert_eq!(sentence(&evaluation), "1 test images");
    }
}
