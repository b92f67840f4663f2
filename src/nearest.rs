//! Suggests the known word that is nearest to an unknown one.
use strsim::{jaro_winkler, osa_distance};

/// Words that are less alike are not suggested.
const ALIKE: f64 = 0.75;
/// Suggestions, at most.
const MOST: usize = 3;

/// ": did you mean …?" where known words are near, otherwise the known words.
pub fn suggestion(word: &str, known: &[&str]) -> String {
    let nearest = nearest(word, known);
    if nearest.is_empty() {
        return format!(": choose one of {}", known.join(", "));
    }
    format!(": did you mean {}?", nearest.join(" or "))
}

/// The known words that are nearest to one, equally near; none where none is near.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Vec<&'a str> {
    let word = word.to_lowercase().replace('-', "_");
    let highest = known.iter().map(|known| likeness(&word, known)).fold(ALIKE, f64::max);
    let is_nearest = |known: &&&str| highest > ALIKE && likeness(&word, known) == highest;
    known.iter().filter(is_nearest).take(MOST).copied().collect()
}

/// From 0 to 1: `lr` is as good as `learning_rate`, `optim` nearly as good as `optimizer`, and so is `dropout` for each
/// key that it is a part of; what lacks fewer letters is nearer.
fn likeness(word: &str, known: &str) -> f64 {
    let initials: String = known.split('_').filter_map(|part| part.chars().next()).collect();
    if word.len() >= 2 && word == initials {
        return 1.0;
    }
    let begun = |part: &str| {
        (word.len() >= 3 && part.starts_with(word)).then(|| 0.01 * word.len() as f64 / part.len() as f64)
    };
    let part = known.split('_').filter_map(begun).reduce(f64::max);
    let begun = begun(known).map(|share| 0.98 + share).or(part.map(|share| 0.97 + share));
    // Two swapped letters weigh too much in a word of three.
    let slip = if word.len() >= 3 && osa_distance(word, known) == 1 { 0.95 } else { 0.0 };
    begun.unwrap_or_else(|| jaro_winkler(word, known).max(slip))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_and_shortened_words_find_theirs() {
        let known =
            ["learning_rate", "weight_decay", "batch_size", "optimizer", "conv_dropout", "dense_dropout"];
        for (word, meant) in [
            ("lr", "learning_rate"),
            ("wd", "weight_decay"),
            ("bs", "batch_size"),
            ("batch", "batch_size"),
            ("Learning-Rate", "learning_rate"),
            ("learning_rte", "learning_rate"),
            ("optim", "optimizer"),
            ("optimiser", "optimizer"),
            ("dropout", "conv_dropout or dense_dropout"),
        ] {
            assert_eq!(suggestion(word, &known), format!(": did you mean {meant}?"));
        }
        assert_eq!(
            suggestion("epoch", &["epoch_steps", "evaluations_per_epoch", "epochs"]),
            ": did you mean epochs?"
        );
        for strange in ["", "xyz", "transformer"] {
            assert!(suggestion(strange, &known).starts_with(": choose one of learning_rate, weight_decay"));
        }
        assert_eq!(suggestion("see_cnn", &["mlp", "seed_cnn"]), ": did you mean seed_cnn?");
        assert_eq!(suggestion("fashin", &["mnist", "fashion_mnist"]), ": did you mean fashion_mnist?");
    }
}
