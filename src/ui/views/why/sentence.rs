//! What the explanations of a drawing come to, in one sentence.
use crate::{explanation::Explanation, ui::views::region::region};

/// "The upper left part speaks most for 7; without it the network would say 1", as far as that was measured.
pub fn sentence(found: &Explanation) -> String {
    let class = found.class_name(found.class);
    let other = found.instead_of.map(|other| format!(" rather than {}", found.class_name(other)));
    let subject = format!("{class}{}", other.unwrap_or_default());
    let says = found.class_name(found.predicted);
    let Some(strongest) = found.strongest_part() else {
        return match found.without[..] {
            [] => format!(
                "There is nothing in the image that could speak for {subject}; the network says {says}."
            ),
            _ => format!(
                "The network says {says}; no single part speaks for {subject}: it loses nothing without any one of them."
            ),
        };
    };
    let part = region(strongest.part.row, strongest.part.column);
    let part = part.map_or("all that is drawn".into(), |part| format!("the {part} part"));
    let still = if strongest.predicted == found.predicted { "still " } else { "" };
    let then = found.class_name(strongest.predicted);
    if found.class == found.predicted {
        let part = capital(&part);
        return format!("{part} speaks most for {subject}; without it the network would {still}say {then}.");
    }
    format!(
        "The network says {says}; {part} speaks most for {subject}, and without it the network would {still}say {then}."
    )
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        explanation::{Part, Third, Without},
        shape::ImageShape,
    };

    fn explanation(class: u16, predicted: u16, without: &[(Third, u16, f32)]) -> Explanation {
        let part = |row| Part { row: Some(row), column: Some(Third::First), rows: 0..1, columns: 0..1 };
        let rest =
            |&(row, predicted, output): &(Third, u16, f32)| Without { part: part(row), predicted, output };
        Explanation {
            class_names: ["0", "1", "7"].map(String::from).into(),
            class,
            instead_of: None,
            predicted,
            shape: ImageShape::new(1, 1, 1),
            pixels: vec![0],
            output: 5.0,
            empty_output: 0.0,
            without: without.iter().map(rest).collect(),
            attributions: vec![],
        }
    }

    #[test]
    fn the_part_that_counts_most_is_named_and_what_was_read_without_it() {
        let mut seven = explanation(2, 2, &[(Third::First, 1, -2.0), (Third::Last, 2, 4.0)]);
        let told = "The upper left part speaks most for 7; without it the network would say 1.";
        assert_eq!(sentence(&seven), told);
        seven.without.remove(0);
        let told = "The lower left part speaks most for 7; without it the network would still say 7.";
        assert_eq!(sentence(&seven), told);
        seven.instead_of = Some(1);
        assert!(sentence(&seven).contains("speaks most for 7 rather than 1;"));
        let all = Part { row: None, column: None, rows: 0..1, columns: 0..1 };
        seven.without[0].part = all;
        assert!(sentence(&seven).starts_with("All that is drawn speaks most for 7"));
    }

    #[test]
    fn what_was_not_found_is_not_claimed() {
        let told =
            "The network says 7; no single part speaks for 1: it loses nothing without any one of them.";
        assert_eq!(sentence(&explanation(1, 2, &[(Third::First, 0, 5.0)])), told);
        let told = "There is nothing in the image that could speak for 0; the network says 1.";
        assert_eq!(sentence(&explanation(0, 1, &[])), told);
        let told = "The network says 7; the lower left part speaks most for 1, and without it the network would still say 7.";
        assert_eq!(sentence(&explanation(1, 2, &[(Third::Last, 2, 1.0)])), told);
    }
}
