//! The few keys that are needed of a YOLO data set's YAML, which is written in a few plain ways.

/// What a description says.
#[derive(Debug, Default, PartialEq)]
pub struct Said {
    /// The names of the classes.
    pub names: Vec<String>,
    /// How many there are, where they have no names.
    pub count: usize,
    /// Where the parts are.
    pub train: String,
    /// For validation.
    pub val: String,
    /// To test on.
    pub test: String,
    /// Whether boxes are followed by points.
    pub has_points: bool,
}

/// Reads a description: names as a list in brackets, a list of lines, or a map of numbers.
pub fn parse(text: &str) -> Said {
    let mut said = Said::default();
    let mut lines = text.trim_start_matches('\u{feff}').lines().map(without_comment).peekable();
    while let Some(line) = lines.next() {
        let Some((key, value)) = line.split_once(':').filter(|_| !line.starts_with([' ', '\t', '-'])) else {
            continue;
        };
        let value = value.trim();
        match key.trim() {
            "nc" => said.count = value.parse().unwrap_or_default(),
            "train" => said.train = bare(value),
            "val" | "valid" => said.val = bare(value),
            "test" => said.test = bare(value),
            "kpt_shape" => said.has_points = true,
            "names" => {
                let mut whole = value.to_owned();
                // what belongs to it is indented, or a list
                while let Some(line) = lines
                    .next_if(|line| line.trim().is_empty() || line.starts_with([' ', '\t', '-', ']', '}']))
                {
                    whole.push('\n');
                    whole.push_str(&line);
                }
                said.names = names(&whole);
            }
            _ => {}
        }
    }
    said
}

/// A line without what follows a number sign that is in no quotes.
fn without_comment(line: &str) -> String {
    let (mut quote, mut before) = (None, ' ');
    for (at, letter) in line.char_indices() {
        match quote {
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if matches!(letter, '\'' | '"') && !before.is_alphanumeric() => quote = Some(letter),
            None if letter == '#' && before.is_whitespace() => return line[..at].to_owned(),
            None => {}
        }
        before = letter;
    }
    line.to_owned()
}

fn names(text: &str) -> Vec<String> {
    let text = text.trim();
    if let Some(inner) = text.strip_prefix('[') {
        return split(inner.trim_end().trim_end_matches(']'));
    }
    if let Some(inner) = text.strip_prefix('{') {
        return in_order(split_raw(inner.trim_end().trim_end_matches('}')).iter().map(String::as_str));
    }
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    if lines().all(|line| line.starts_with('-')) {
        return lines().map(|line| bare(&line[1..])).collect();
    }
    in_order(lines())
}

/// The names of a map by the numbers before them; none where one is missing.
fn in_order<'a>(entries: impl Iterator<Item = &'a str>) -> Vec<String> {
    let pair = |entry: &str| {
        let (number, name) = entry.split_once(':')?;
        Some((bare(number).parse::<usize>().ok()?, bare(name)))
    };
    let mut pairs: Vec<(usize, String)> = entries.filter_map(pair).collect();
    pairs.sort();
    let is_whole = pairs.iter().enumerate().all(|(place, (number, _))| place == *number);
    if is_whole { pairs.into_iter().map(|(_, name)| name).collect() } else { vec![] }
}

fn split(text: &str) -> Vec<String> {
    split_raw(text).iter().map(|name| bare(name)).collect()
}

/// What stands between commas that are in no quotes.
fn split_raw(text: &str) -> Vec<String> {
    let (mut parts, mut part, mut quote) = (vec![], String::new(), None);
    for letter in text.chars() {
        match quote {
            Some(open) if letter == open => quote = None,
            None if matches!(letter, '\'' | '"') && part.trim().is_empty() => quote = Some(letter),
            None if letter == ',' => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(letter);
    }
    parts.push(part);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// A text without the quotes around it.
fn bare(text: &str) -> String {
    let text = text.trim();
    let inner = ['\'', '"'].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    inner.unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_every_way_of_writing_them() {
        for text in [
            "names: ['cat', \"dog's\", big dog] # three\nnc: 3",
            "nc: 3\nnames:\n  - cat\n  - \"dog's\"\n  - big dog\n",
            "names:\n- cat\n- dog's\n\n- big dog # a comment\nnc: 3",
            "names:\n  0: cat\n  1: dog's\n  2: 'big dog'\nnc: 3\n",
            "names:\n  2: big dog\n  0: cat\n  1: dog's\nnc: 3\n",
            "names: {0: cat, 1: \"dog's\", 2: big dog}\nnc: 3",
            "names: ['cat',\n  \"dog's\",\n  'big dog']\nnc: 3",
            "\u{feff}names: [cat, \"dog's\", big dog\n]\nnc: 3",
        ] {
            let said = parse(text);
            assert_eq!(said.names, ["cat", "dog's", "big dog"], "{text}");
            assert_eq!(said.count, 3, "{text}");
        }
        let said = parse(
            "path: ../x\ntrain: ../train/images\nval: valid/images # a\ntest:\nnc: 2\nkpt_shape: [17, 3]\n",
        );
        assert_eq!(
            (said.train.as_str(), said.val.as_str(), said.test.as_str()),
            ("../train/images", "valid/images", "")
        );
        assert!(said.names.is_empty() && said.count == 2 && said.has_points);
        assert!(parse("names:\n  0: cat\n  2: dog\n").names.is_empty());
        assert_eq!(parse("\0\u{1}: [[[").names, Vec::<String>::new());
    }
}
