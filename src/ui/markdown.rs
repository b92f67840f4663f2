//! Notes: as much of Markdown as they need. What is not understood is shown as it was written.
use super::theme;
use egui::{FontFamily, FontId, RichText, TextFormat, Ui, text::LayoutJob};

/// Shows a note: headings, items, and bold, slanted or code within lines.
pub fn ui(ui: &mut Ui, text: &str) {
    let mut is_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
            continue;
        }
        if is_code {
            ui.label(RichText::new(line).monospace());
            continue;
        }
        let level = line.chars().take_while(|letter| *letter == '#').count();
        let size = match level {
            0 => 15.0,
            1 => 19.0,
            2 => 17.0,
            _ => 15.5,
        };
        let heading = line[level..].strip_prefix(' ').filter(|_| (1..=6).contains(&level));
        let trimmed = line.trim_start();
        let item = trimmed.strip_prefix("- ").or_else(|| trimmed.strip_prefix("* "));
        let indent = "    ".repeat((line.len() - trimmed.len()) / 2);
        let (shown, is_heading) = match (heading, item) {
            (Some(heading), _) => (heading.to_owned(), true),
            (None, Some(item)) => (format!("{indent}•  {item}"), false),
            (None, None) => (line.to_owned(), false),
        };
        let job = job(ui, &shown, size, is_heading);
        ui.label(job);
    }
}

/// A piece of a line, and how it is written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Piece<'a> {
    Plain(&'a str),
    Bold(&'a str),
    Slanted(&'a str),
    Code(&'a str),
}

fn job(ui: &Ui, line: &str, size: f32, is_heading: bool) -> LayoutJob {
    let mut job = LayoutJob::default();
    let color = if is_heading { ui.visuals().strong_text_color() } else { ui.visuals().text_color() };
    let plain = if is_heading { theme::semibold() } else { FontFamily::Proportional };
    for piece in pieces(line) {
        let (text, family, italics) = match piece {
            Piece::Plain(text) => (text, plain.clone(), false),
            Piece::Bold(text) => (text, theme::semibold(), false),
            Piece::Slanted(text) => (text, plain.clone(), true),
            Piece::Code(text) => (text, FontFamily::Monospace, false),
        };
        let format =
            TextFormat { font_id: FontId::new(size, family), color, italics, ..TextFormat::default() };
        job.append(text, 0.0, format);
    }
    job
}

/// Marks without a partner are letters like others.
fn pieces(line: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut rest) = (vec![], line);
    while !rest.is_empty() {
        let marked = [("**", 0), ("`", 1), ("*", 2)].into_iter().filter_map(|(mark, kind)| {
            let start = rest.find(mark)?;
            let inside = &rest[start + mark.len()..];
            let end = inside.find(mark).filter(|end| *end > 0 && !inside.starts_with(' '))?;
            Some((start, kind, &inside[..end], start + 2 * mark.len() + end))
        });
        // of two that begin at the same place the longer mark
        let Some((start, kind, inside, after)) = marked.min_by_key(|(start, kind, ..)| (*start, *kind))
        else {
            pieces.push(Piece::Plain(rest));
            break;
        };
        if start > 0 {
            pieces.push(Piece::Plain(&rest[..start]));
        }
        pieces.push(match kind {
            0 => Piece::Bold(inside),
            1 => Piece::Code(inside),
            _ => Piece::Slanted(inside),
        });
        rest = &rest[after..];
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_come_in_pairs_and_others_are_letters() {
        use Piece::{Bold, Code, Plain, Slanted};
        assert_eq!(pieces("a **b** c"), [Plain("a "), Bold("b"), Plain(" c")]);
        assert_eq!(pieces("`x*y` *z*"), [Code("x*y"), Plain(" "), Slanted("z")]);
        assert_eq!(pieces("2 * 3 * 4"), [Plain("2 * 3 * 4")]);
        assert_eq!(pieces("**open"), [Plain("**open")]);
        assert_eq!(pieces("日**本**"), [Plain("日"), Bold("本")]);
        assert_eq!(pieces(""), []);
    }
}
