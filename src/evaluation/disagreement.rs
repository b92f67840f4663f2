//! Where two networks answer differently.
use super::{Judgement, Verdict};
use std::collections::BTreeMap;

/// The examples of a split on which two networks answer differently.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Disagreement {
    /// Examples that both were asked about.
    pub examples: usize,
    /// Both answers, those given with the greatest confidence first.
    pub answers: Vec<[Verdict; 2]>,
    /// Of those examples: that only the first, only the second, and neither of them has right.
    pub right: [usize; 3],
}

impl Disagreement {
    /// What becomes of two judgements of the same part of the same data set.
    pub fn between(first: &Judgement, second: &Judgement) -> Self {
        let seen: BTreeMap<u32, &Verdict> =
            second.verdicts.iter().map(|verdict| (verdict.example, verdict)).collect();
        let both = first.verdicts.iter().filter_map(|a| Some([*a, **seen.get(&a.example)?]));
        let mut found = Self::default();
        for pair in both {
            found.examples += 1;
            if pair[0].predicted != pair[1].predicted {
                let place = if pair[0].is_right() {
                    0
                } else if pair[1].is_right() {
                    1
                } else {
                    2
                };
                found.right[place] += 1;
                found.answers.push(pair);
            }
        }
        let sureness = |pair: &[Verdict; 2]| pair[0].confidence + pair[1].confidence;
        found
            .answers
            .sort_by(|a, b| sureness(b).total_cmp(&sureness(a)).then(a[0].example.cmp(&b[0].example)));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::{Candidate, LabelCounts, TrustReport};

    fn judgement(answers: &[(u32, u16, u16, f32)]) -> Judgement {
        let verdict = |&(example, label, predicted, confidence): &(u32, u16, u16, f32)| Verdict {
            example,
            label,
            predicted,
            raw_confidence: confidence,
            confidence,
            runners_up: [Candidate::default(); 4],
            loss: 0.0,
            is_outsider: false,
        };
        let trust = TrustReport {
            temperature: 1.0,
            validation_ece: [0.0; 2],
            validation_flagged: None,
            labels: LabelCounts::default(),
            outsiders: None,
        };
        Judgement { class_names: vec![], verdicts: answers.iter().map(verdict).collect(), trust }
    }

    #[test]
    fn answers_are_compared_example_by_example() {
        let first =
            judgement(&[(4, 1, 1, 0.9), (7, 2, 2, 0.5), (9, 0, 3, 0.4), (2, 5, 5, 1.0), (5, 0, 0, 0.2)]);
        let second =
            judgement(&[(2, 5, 5, 0.3), (9, 0, 1, 0.9), (7, 2, 3, 0.5), (4, 1, 0, 0.9), (8, 1, 0, 1.0)]);
        let found = Disagreement::between(&first, &second);
        assert_eq!((found.examples, found.right), (4, [2, 0, 1]));
        let examples: Vec<_> = found.answers.iter().map(|pair| pair[0].example).collect();
        assert_eq!(examples, [4, 9, 7], "the surest come first");
        let back = Disagreement::between(&second, &first);
        assert_eq!((back.examples, back.right), (4, [0, 2, 1]));
    }
}
