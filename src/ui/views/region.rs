//! Words for where something lies.
use crate::explanation::Third;

/// "upper left", "lower" or "middle", by the thirds from the top and from the left, as far as they are known.
pub fn region(row: Option<Third>, column: Option<Third>) -> Option<String> {
    let row = row.map(|row| match row {
        Third::First => "upper",
        Third::Middle => "middle",
        Third::Last => "lower",
    });
    let column = column.map(|column| match column {
        Third::First => "left",
        Third::Middle => "middle",
        Third::Last => "right",
    });
    match (row, column) {
        (Some("middle"), Some("middle")) => Some("middle".into()),
        (Some(row), Some(column)) => Some(format!("{row} {column}")),
        (one, other) => one.or(other).map(String::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_as_people_tell_them() {
        let [first, middle, last] = Third::ALL.map(Some);
        let places = [(first, first), (first, middle), (middle, middle), (middle, last), (last, None)];
        let told = places.map(|(row, column)| region(row, column).unwrap());
        assert_eq!(told, ["upper left", "upper middle", "middle", "middle right", "lower"]);
        assert_eq!((region(None, last).as_deref(), region(None, None)), (Some("right"), None));
    }
}
