//! Live changes of a run: in words, merged into few, and written above the plot beside their lines.
use crate::{
    session::Run,
    spec::{Catalog, dotted},
    ui::widgets::number,
};
use egui::{FontId, Label, Rect, RichText, Ui, pos2, vec2};

/// The row above a plot that they are written in, in points.
pub const HEIGHT: f32 = 18.0;

/// The live changes of a run in words: "learning rate 0.001 → 0.01".
pub fn of(run: &Run, catalog: &Catalog) -> Vec<(f64, String)> {
    let mut before = catalog.live_params(&run.spec);
    let mut found: Vec<(f64, String)> = vec![];
    for change in &run.changes {
        let words: Vec<_> = catalog
            .params(&run.spec)
            .filter_map(|(section, param)| {
                let key = dotted(section, param);
                let (from, to) = (before.get(&key)?, change.values.get(&key)?);
                (from != to)
                    .then(|| format!("{} {} → {}", param.label.to_lowercase(), number(*from), number(*to)))
            })
            .collect();
        before.clone_from(&change.values);
        if !words.is_empty() {
            found.push((change.step as f64, words.join(", ")));
        }
    }
    merge(found)
}

/// A slider that was dragged leaves many changes within a few steps: the last of each burst is labelled.
fn merge(changes: Vec<(f64, String)>) -> Vec<(f64, String)> {
    let mut merged: Vec<(f64, String)> = vec![];
    for (step, text) in changes {
        match merged.last_mut() {
            Some(last) if step - last.0 < 20.0 && joined(&last.1, &text).is_some() => {
                last.1 = joined(&last.1, &text).unwrap_or(text);
            }
            _ => merged.push((step, text)),
        }
    }
    merged
}

/// "a 1 → 2" and "a 2 → 3" make "a 1 → 3".
fn joined(first: &str, second: &str) -> Option<String> {
    let (from, _) = first.split_once(" → ")?;
    let (middle, to) = second.split_once(" → ")?;
    let label = |text: &str| text.rsplit_once(' ').map(|(label, _)| label.to_owned());
    (label(from) == label(middle) && !to.contains(',')).then(|| format!("{from} → {to}"))
}

/// Writes them into the row above the plot, each right of its line or, at the edge, left of it. What has no room beside
/// its neighbour is counted there, and told where the pointer rests.
pub fn write(ui: &mut Ui, row: Rect, labels: &[(f32, String)]) {
    let font = FontId::proportional(13.0);
    let width = |text: &str| {
        let galley = ui.painter().layout_no_wrap(text.into(), font.clone(), egui::Color32::PLACEHOLDER);
        galley.size().x + 2.0
    };
    let shown: Vec<&(f32, String)> =
        labels.iter().filter(|(x, _)| (row.left()..=row.right()).contains(x)).collect();
    let mut groups: Vec<(Rect, String, usize)> = vec![];
    for (x, text) in shown {
        let width = width(text).min(row.width());
        let left = (x + 2.0).min(row.right() - width);
        match groups.last_mut() {
            // with room for how many more there are
            Some((place, all, more)) if left < place.right() + 34.0 => {
                *all = format!("{all}\n{text}");
                *more += 1;
            }
            _ => groups.push((
                Rect::from_min_size(pos2(left, row.top()), vec2(width, row.height())),
                text.clone(),
                0,
            )),
        }
    }
    for (place, all, more) in groups {
        let first = all.lines().next().unwrap_or_default();
        let text = if more > 0 { format!("{first} +{more}") } else { first.to_owned() };
        let place = place.with_max_x((place.right() + if more > 0 { 26.0 } else { 0.0 }).min(row.right()));
        let label = Label::new(RichText::new(text).font(font.clone()).weak()).truncate().selectable(false);
        ui.put(place, label).on_hover_text(all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dragged_slider_is_one_change() {
        let change = |step, text: &str| (step, text.to_owned());
        let merged = merge(vec![
            change(10.0, "learning rate 0.001 → 0.002"),
            change(12.0, "learning rate 0.002 → 0.005"),
            change(13.0, "dropout 0.5 → 0.4"),
            change(90.0, "dropout 0.4 → 0.1"),
        ]);
        assert_eq!(merged[0], change(10.0, "learning rate 0.001 → 0.005"));
        assert_eq!(merged.len(), 3);
    }
}
