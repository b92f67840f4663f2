//! Live changes of a run: in words, merged into few, and written above the plot beside their lines.
use crate::{
    session::Run,
    spec::{Catalog, Change, dotted},
    ui::widgets::number,
};
use egui::{FontId, Label, Rect, RichText, Ui, pos2, vec2};

/// The row above a plot that they are written in, in points.
pub const HEIGHT: f32 = 18.0;
/// Steps within which changes of one hyperparameter are shown as one.
const BURST_STEPS: u64 = 20;

/// The live changes of a run in words: "learning rate 0.001 → 0.01".
pub fn of(run: &Run, catalog: &Catalog) -> Vec<(f64, String)> {
    let label = |key: &str| {
        let mut params = catalog.params(&run.spec);
        let found = params.find(|(section, param)| dotted(*section, param) == key);
        found.map_or_else(|| key.to_owned(), |(_, param)| param.label.to_lowercase())
    };
    let words =
        |change: &Change| format!("{} {} → {}", label(&change.key), number(change.from), number(change.to));
    let text = |burst: &Vec<Change>| burst.iter().map(words).collect::<Vec<_>>().join(", ");
    bursts(&run.changes).iter().map(|burst| (burst[0].step as f64, text(burst))).collect()
}

/// A slider that was dragged leaves many changes within a few steps, which count as one. What changed at the same step
/// stands together.
fn bursts(changes: &[Change]) -> Vec<Vec<Change>> {
    let mut bursts: Vec<Vec<Change>> = vec![];
    for change in changes {
        let recent = bursts.last_mut().filter(|burst| change.step < burst[0].step + BURST_STEPS);
        let same_key = |burst: &&mut Vec<Change>| burst.iter().any(|earlier| earlier.key == change.key);
        match recent {
            Some(burst) if same_key(&burst) => {
                burst
                    .iter_mut()
                    .filter(|earlier| earlier.key == change.key)
                    .for_each(|one| one.to = change.to);
            }
            Some(burst) if burst[0].step == change.step => burst.push(change.clone()),
            _ => bursts.push(vec![change.clone()]),
        }
    }
    bursts
}

/// Writes them into the row above the plot, each right of its line or, at the edge, left of it. What has no room beside
/// its neighbour is counted there, and described in the tooltip.
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
        let change = |step, key: &str, from, to| Change { step, key: key.into(), from, to };
        let found = bursts(&[
            change(10, "rate", 0.001, 0.002),
            change(12, "rate", 0.002, 0.005),
            change(13, "dropout", 0.5, 0.4),
            change(13, "momentum", 0.9, 0.8),
            change(90, "dropout", 0.4, 0.1),
        ]);
        assert_eq!(found[0], [change(10, "rate", 0.001, 0.005)]);
        assert_eq!(found[1], [change(13, "dropout", 0.5, 0.4), change(13, "momentum", 0.9, 0.8)]);
        assert_eq!(found.len(), 3);
    }
}
