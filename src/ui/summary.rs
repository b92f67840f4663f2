//! A network's layers, their shapes and costs.
use super::widgets::{strong, thousands};
use crate::protocol::LayerInfo;
use egui::{Align, Grid, Layout, RichText, ScrollArea, Ui};

pub fn ui(ui: &mut Ui, layers: &[LayerInfo]) {
    ScrollArea::horizontal().show(ui, |ui| {
        Grid::new("layers").num_columns(4).spacing([10.0, 5.0]).min_col_width(0.0).show(ui, |ui| {
            for (text, help) in [
                ("Layer", "What is computed, in this order."),
                ("Shape", "What comes out for one example: height × width × channels, or features."),
                ("Parameters", "Numbers that training finds."),
                ("MFLOP", "Millions of multiplications and additions to score one example."),
            ] {
                ui.label(RichText::new(text).small().weak()).on_hover_text(help);
            }
            ui.end_row();
            layers.iter().for_each(|layer| row(ui, layer));
        });
    });
    let parameters: u64 = layers.iter().map(|layer| layer.parameters).sum();
    let flops: u64 = layers.iter().map(|layer| layer.flops).sum();
    let total = format!("{} parameters, {:.1} MFLOP an example", thousands(parameters), flops as f64 / 1e6);
    ui.label(strong(total).small()).on_hover_text("A MFLOP is a million multiplications or additions. Training on an example takes about three times as many.");
}

fn row(ui: &mut Ui, layer: &LayerInfo) {
    let shape: Vec<_> = layer.output_shape.iter().map(|n| thousands(*n as u64)).collect();
    let weights = if layer.name.is_empty() {
        "It has no weights".into()
    } else {
        format!("Its weights are named {}", layer.name)
    };
    ui.label(RichText::new(&layer.kind).small()).on_hover_text(weights);
    ui.label(RichText::new(shape.join("×")).small());
    for number in [thousands(layer.parameters), format!("{:.2}", layer.flops as f64 / 1e6)] {
        let shown = if layer.parameters == 0 { "–" } else { &number };
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| ui.label(RichText::new(shown).small()));
    }
    ui.end_row();
}
