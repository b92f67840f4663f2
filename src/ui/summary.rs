//! A network's layers, their shapes and costs.
use super::widgets::{strong, thousands};
use crate::protocol::LayerInfo;
use egui::{Align, Grid, Layout, RichText, Ui};

pub fn ui(ui: &mut Ui, layers: &[LayerInfo]) {
    Grid::new("layers").num_columns(3).spacing([14.0, 5.0]).striped(false).show(ui, |ui| {
        for (text, help) in [
            ("Layer", "What is computed, in this order."),
            ("Shape", "What comes out for one image: height × width × channels, or features."),
            ("Parameters", "Numbers that training finds."),
        ] {
            ui.label(RichText::new(text).small().weak()).on_hover_text(help);
        }
        ui.end_row();
        for layer in layers {
            let shape: Vec<_> = layer.output_shape.iter().map(|n| thousands(*n as u64)).collect();
            let name = if layer.name.is_empty() {
                layer.kind.clone()
            } else {
                format!("{}: {}", layer.name, layer.kind)
            };
            ui.label(RichText::new(&layer.kind).small()).on_hover_text(name);
            ui.label(RichText::new(shape.join(" × ")).small());
            let parameters = if layer.parameters == 0 { "–".into() } else { thousands(layer.parameters) };
            let flops = format!("{:.2} MFLOP to score an image", layer.flops as f64 / 1e6);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.label(RichText::new(parameters).small()).on_hover_text(flops)
            });
            ui.end_row();
        }
    });
    let parameters: u64 = layers.iter().map(|layer| layer.parameters).sum();
    let flops: u64 = layers.iter().map(|layer| layer.flops).sum();
    let total = format!("{} parameters, {:.1} MFLOP an image", thousands(parameters), flops as f64 / 1e6);
    ui.label(strong(total).small()).on_hover_text("A MFLOP is a million multiplications or additions. Training an image takes about three times as many.");
}
