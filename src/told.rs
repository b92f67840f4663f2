//! Errors as a person reads them: what happened, what to do, and the path last.
use anyhow::Error;

/// The beginnings of lines that say where something is.
const PLACES: [&str; 4] = ["File: ", "Folder: ", "Path: ", "Shipped encoder: "];

/// An error and its causes in one text. Each may end with a line that says where; the innermost of them comes last.
pub fn told(error: &Error) -> String {
    let (mut said, mut place) = (vec![], None);
    for cause in error.chain() {
        let text = cause.to_string();
        let is_place = |line: &&str| PLACES.iter().any(|beginning| line.starts_with(beginning));
        let (places, rest): (Vec<&str>, Vec<&str>) = text.lines().partition(is_place);
        place = places.last().map(ToString::to_string).or(place);
        said.extend((!rest.is_empty()).then(|| rest.join("\n")));
    }
    let text = said.join(": ");
    place.map_or(text.clone(), |place| format!("{text}\n{place}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn the_path_comes_last_whoever_names_it() {
        let error =
            anyhow!("it is cut short").context("Could not read the images\nFile: /a").context("Sorry");
        assert_eq!(told(&error), "Sorry: Could not read the images: it is cut short\nFile: /a");
        let error = anyhow!("two lines\nof advice\nFile: /in/b").context("Folder: /in");
        assert_eq!(told(&error), "two lines\nof advice\nFile: /in/b");
        assert_eq!(told(&anyhow!("nothing else")), "nothing else");
    }
}
