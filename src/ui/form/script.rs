//! The live changes that a run is to make by itself: a row for each value.
use crate::{
    spec::{Catalog, LiveParams, Param, Planned, RunSpec, Section, dotted},
    ui::{
        param,
        widgets::{menu_items, quiet_icon_button, steady},
    },
};
use egui::{DragValue, RichText, Ui, containers::menu::MenuButton};
use egui_material_icons::icons::ICON_DELETE;
use std::collections::BTreeMap;

/// Steps between a new change and the one before it.
const APART: u64 = 500;

/// The rows, in the order in which they were made as long as one of them is being changed.
#[derive(Default)]
pub struct Script {
    rows: Vec<Row>,
}

#[derive(Clone, PartialEq)]
struct Row {
    step: u64,
    key: String,
    value: f64,
}

impl Script {
    /// Rows for what the spec plans, which follows them.
    pub fn ui(&mut self, ui: &mut Ui, spec: &mut RunSpec, catalog: &Catalog) {
        if planned(&self.rows) != spec.changes {
            self.rows = rows(&spec.changes);
        }
        let before = self.rows.clone();
        let text = "The run makes these changes by itself, as if somebody turned them while it trains.";
        ui.label(RichText::new(text).small().weak());
        let live: Vec<_> = catalog.params(spec).filter(|(_, param)| param.live).collect();
        let mut removed = None;
        let mut is_touched = false;
        for (at, row) in self.rows.iter_mut().enumerate() {
            let known = live.iter().find(|(section, param)| dotted(*section, param) == row.key);
            let id = (row.key.clone(), at);
            let (gone, touched) = steady(ui, id, |ui| row.ui(ui, known.copied(), spec));
            removed = gone.then_some(at).or(removed);
            is_touched |= touched;
        }
        removed.into_iter().for_each(|at| drop(self.rows.remove(at)));
        self.add(ui, &live, spec);
        if !is_touched {
            self.rows.sort_by_key(|row| row.step);
        }
        if self.rows != before {
            spec.changes = planned(&self.rows);
        }
    }

    fn add(&mut self, ui: &mut Ui, live: &[(Section, &'static Param)], spec: &RunSpec) {
        MenuButton::new("Plan a change of…").ui(ui, |ui| {
            menu_items(ui, |ui| {
                for (section, param) in live {
                    if ui.button(param.label).on_hover_text(param.help).clicked() {
                        let step = self.rows.iter().map(|row| row.step).max().unwrap_or(0) + APART;
                        let value = spec.get(*section, param);
                        self.rows.push(Row { step, key: dotted(*section, param), value });
                    }
                }
            });
        });
    }
}

impl Row {
    /// Whether it is to go, and whether its step is being changed.
    fn ui(&mut self, ui: &mut Ui, known: Option<(Section, &'static Param)>, spec: &RunSpec) -> (bool, bool) {
        let (mut gone, mut touched) = (false, false);
        ui.horizontal(|ui| {
            let label = ui.label("After").id;
            let drag = DragValue::new(&mut self.step).range(1..=u64::MAX).suffix(" steps").speed(5.0);
            let drag = ui.add(drag.update_while_editing(false)).labelled_by(label);
            touched = drag.has_focus() || drag.dragged();
            let name = known.map_or(self.key.as_str(), |(_, param)| param.label);
            gone = quiet_icon_button(ui, ICON_DELETE, &format!("Remove the change of {name}")).clicked();
        });
        if let Some((section, param)) = known {
            param::row(ui, param, &mut self.value, spec.get(section, param), None);
        } else {
            ui.label(format!("{} is nothing that this run can change", self.key));
        }
        (gone, touched)
    }
}

fn rows(changes: &[Planned]) -> Vec<Row> {
    let row = |step: u64, (key, value): (&str, f64)| Row { step, key: key.into(), value };
    changes.iter().flat_map(|at| at.values.iter().map(move |value| row(at.step, value))).collect()
}

/// By step; of two values of the same thing at one step the later row counts.
fn planned(rows: &[Row]) -> Vec<Planned> {
    let mut steps: BTreeMap<u64, LiveParams> = BTreeMap::new();
    for row in rows {
        steps.entry(row.step).or_default().set_key(&row.key, row.value);
    }
    steps.into_iter().map(|(step, values)| Planned { step, values }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_steps_in_order_and_come_back() {
        let row = |step, key: &str, value| Row { step, key: key.into(), value };
        let changes =
            planned(&[row(9, "a.x", 1.0), row(3, "a.x", 2.0), row(3, "a.y", 3.0), row(9, "a.x", 4.0)]);
        let back = rows(&changes);
        assert!(back == [row(3, "a.x", 2.0), row(3, "a.y", 3.0), row(9, "a.x", 4.0)]);
        assert_eq!(planned(&back), changes);
    }
}
