//! What there is in a data set: how it is split, how many images of each class, how bright they are, which are the same.
use super::{role_color, role_text, spoken};
use crate::{
    protocol::{
        data::{Collection, ExampleId, Role},
        visual::{Survey, Twins, VisualRequest},
    },
    spec::{Section, dotted},
    ui::{
        Action, param,
        save::{self, Format, Mark},
        views::Scene,
        widgets::{fitted, percent, strong, thousands},
    },
};
use egui::{CollapsingHeader, FontId, ProgressBar, Rect, RichText, Sense, Ui, WidgetInfo, vec2};
use std::collections::BTreeMap;

/// What is kept between frames.
#[derive(Default)]
pub struct Overview {
    /// The survey that was asked for; none before, and after it was ended.
    asked: Option<u64>,
    requests: u64,
}

/// How many images there are of each kind.
#[derive(Default)]
pub struct Tally {
    pub roles: BTreeMap<Role, usize>,
    /// By class: those that a run learns from, and all others that it sees.
    classes: Vec<[usize; 2]>,
}

impl Tally {
    pub fn of(collection: &Collection) -> Self {
        let mut tally = Self { roles: BTreeMap::new(), classes: vec![[0; 2]; collection.class_names.len()] };
        for (_, item) in collection.items() {
            *tally.roles.entry(item.role).or_default() += 1;
            if let Some(class) = tally.classes.get_mut(usize::from(item.label)) {
                class[0] += usize::from(item.role == Role::Train);
                class[1] += usize::from(!matches!(item.role, Role::Train | Role::Excluded));
            }
        }
        tally
    }
}

impl Overview {
    /// Gives an image that is to be shown.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        collection: &Collection,
        tally: &Tally,
        scene: &mut Scene<'_>,
    ) -> Option<ExampleId> {
        ui.separator();
        if !collection.remarks.is_empty() {
            report(ui, &collection.remarks);
            ui.separator();
        }
        split(ui, tally, scene);
        ui.separator();
        let chosen = self.survey(ui, collection, scene);
        ui.separator();
        let data = save::data_name(scene.spec, scene.catalog);
        histogram(ui, collection, tally, &data, scene.actions);
        ui.separator();
        shapes(ui, collection, scene);
        chosen
    }

    fn survey(&mut self, ui: &mut Ui, collection: &Collection, scene: &mut Scene<'_>) -> Option<ExampleId> {
        ui.label(strong("Duplicates and brightness"));
        let report = scene.state.data.survey.as_ref().filter(|report| Some(report.request) == self.asked);
        let Some(report) = report else {
            let help = "Looks at every image, in the background. An image that is both trained on and tested on makes a result look better than it is.";
            if self.asked.is_some() {
                ui.spinner();
            } else if ui.button("Look for duplicates").on_hover_text(help).clicked() {
                // More than those of an earlier view, whose reports may still be there.
                let last = scene.state.data.survey.as_ref().map_or(0, |report| report.request);
                self.requests = self.requests.max(last) + 1;
                self.asked = Some(self.requests);
                scene.actions.push(Action::Data(VisualRequest::Survey { request: self.requests }.into()));
            }
            return None;
        };
        if report.share_done < 1.0 {
            ui.horizontal(|ui| {
                let bar = ProgressBar::new(report.share_done).desired_height(8.0).desired_width(150.0);
                let name = format!("Looking for duplicates: {:.0} %", report.share_done * 100.0);
                ui.add(bar).widget_info(|| WidgetInfo::labeled(egui::Role::ProgressIndicator, true, &name));
                if ui.button("Stop").clicked() {
                    self.asked = None;
                    scene.actions.push(Action::Data(VisualRequest::EndSurvey.into()));
                }
            });
        }
        brightness(ui, report);
        duplicates(ui, collection, report)
    }
}

/// What it is, how it was read, and what was left out.
fn report(ui: &mut Ui, remarks: &[String]) {
    ui.label(strong("How it was read"));
    for remark in remarks {
        ui.label(RichText::new(remark).small());
    }
}

/// How many images a run fits, is validated and tested on, and the hyperparameters that decide it.
fn split(ui: &mut Ui, tally: &Tally, scene: &mut Scene<'_>) {
    ui.label(strong("What a run does with them"));
    let total: usize = tally.roles.values().sum();
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 14.0), Sense::hover());
    let mut left = rect.left();
    let mut words = vec![];
    for (role, count) in &tally.roles {
        let share = *count as f32 / total.max(1) as f32;
        let part = Rect::from_min_size(egui::pos2(left, rect.top()), vec2(share * rect.width(), 14.0));
        ui.painter().rect_filled(
            part.shrink2(vec2(0.5, 0.0)),
            2.0,
            role_color(*role, ui.visuals().dark_mode),
        );
        left += share * rect.width();
        words.push(format!("{} {count}", role_text(*role)[0]));
    }
    response
        .widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, format!("Split: {}", words.join(", "))));
    for (role, count) in &tally.roles {
        ui.horizontal(|ui| {
            ui.spacing_mut().interact_size.y = 16.0;
            let (dot, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
            ui.painter().rect_filled(dot, 2.0, role_color(*role, ui.visuals().dark_mode));
            let [name, help] = role_text(*role);
            let share = percent(*count as f64 / total.max(1) as f64);
            let text = format!("{name}: {} ({share})", thousands(*count as u64));
            ui.label(RichText::new(text).small()).on_hover_text(help);
        });
    }
    CollapsingHeader::new("Change the split").show(ui, |ui| {
        let params = scene
            .catalog
            .component(Section::Dataset, &scene.spec.dataset.id)
            .map_or(&[][..], |info| info.params);
        for param in params {
            let mut value = scene.spec.get(Section::Dataset, param);
            let error = param.check(value);
            let key = dotted(Section::Dataset, param);
            let row = ui.push_id(("data", &key), |ui| {
                param::row(ui, param, &mut value, param.default, error.as_deref())
            });
            if row.inner {
                scene.spec.set(Section::Dataset, param, value);
            }
        }
    });
}

/// What the encoder gets to see.
fn shapes(ui: &mut Ui, collection: &Collection, scene: &Scene<'_>) {
    ui.label(strong("What the network gets"));
    let encoder = scene.catalog.component(Section::Encoder, &scene.spec.encoder.id);
    let encoder = encoder.map_or("The network", |info| info.label);
    let text = format!(
        "{encoder} is built for {}. Images of another size or colour are scaled, cropped and converted before the run starts.",
        collection.shape
    );
    ui.label(RichText::new(text).small());
}

/// Bars by class: filled for images that a run learns from, and beyond them those it only sees otherwise.
fn histogram(ui: &mut Ui, collection: &Collection, tally: &Tally, data: &str, actions: &mut Vec<Action>) {
    let is_long = collection.class_names.len() > 24;
    let wanted = ui.horizontal(|ui| {
        ui.label(strong("Classes")).on_hover_text("Strong: images that the network learns from, with their labels. Pale: validation, test and unlabelled ones.");
        // what is scrolled out of sight is in no picture
        let formats: &[Format] = if is_long { &[Format::Csv] } else { &save::PLOT };
        save::menu(ui, "the numbers of the classes", formats)
    });
    let (mark, top) = (Mark::new(ui), ui.min_rect().bottom());
    let most = tally.classes.iter().map(|[learnt, other]| learnt + other).max().unwrap_or(1).max(1);
    let classes = collection.class_names.iter().zip(&tally.classes);
    let rows = |ui: &mut Ui| {
        for (name, [learnt, other]) in classes {
            let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 18.0), Sense::hover());
            let text = format!(
                "{name}: {} to learn from, {} others",
                thousands(*learnt as u64),
                thousands(*other as u64)
            );
            response.widget_info(|| WidgetInfo::labeled(egui::Role::Meter, true, &text));
            response.on_hover_text(&text);
            let color = role_color(Role::Train, ui.visuals().dark_mode);
            let bars = rect.with_min_x(rect.left() + rect.width() * 0.34).shrink2(vec2(0.0, 3.0));
            let end = |count: usize| bars.left() + bars.width() * count as f32 / most as f32;
            ui.painter().rect_filled(bars.with_max_x(end(learnt + other)), 2.0, color.gamma_multiply(0.35));
            ui.painter().rect_filled(bars.with_max_x(end(*learnt)), 2.0, color);
            let (font, color) = (FontId::proportional(13.5), ui.visuals().text_color());
            let short = fitted(ui, name, font, color, bars.left() - 4.0 - rect.left());
            ui.painter().galley(rect.left_center() - vec2(0.0, short.size().y / 2.0), short, color);
        }
    };
    if is_long {
        egui::ScrollArea::vertical()
            .id_salt("classes")
            .max_height(300.0)
            .auto_shrink([false, true])
            .show(ui, rows);
    } else {
        rows(ui);
    }
    let within = ui.min_rect().with_min_y(top);
    let caption = format!("Images by class: {data}").into();
    actions.extend(mark.save(ui, wanted.inner, within, &caption, || table(collection, tally, data)));
}

fn table(collection: &Collection, tally: &Tally, data: &str) -> anyhow::Result<save::File> {
    let rows = collection.class_names.iter().zip(&tally.classes);
    let rows = rows.map(|(name, [learnt, other])| {
        vec![data.to_owned(), name.clone(), learnt.to_string(), other.to_string()]
    });
    save::table(&format!("Images by class: {data}"), &["data", "class", "learnt_from", "others"], rows)
}

fn brightness(ui: &mut Ui, report: &Survey) {
    let names: &[&str] = if report.mean.len() == 3 { &["Red", "Green", "Blue"] } else { &["Brightness"] };
    for ((mean, deviation), name) in report.mean.iter().zip(&report.deviation).zip(names) {
        let text = format!("{name}: {:.1} % on average, deviation {:.1} %", mean * 100.0, deviation * 100.0);
        let help = "Of the training part, pixel by pixel; 100 % is as bright as can be.";
        ui.label(RichText::new(text).small()).on_hover_text(help);
    }
}

fn duplicates(ui: &mut Ui, collection: &Collection, report: &Survey) -> Option<ExampleId> {
    let counts = report.counts;
    let found = |count: usize, what: &str| format!("{} {what}", thousands(count as u64));
    let is_done = report.share_done >= 1.0;
    if is_done && counts.exact + counts.near == 0 {
        ui.label(RichText::new("No two images are the same or nearly so.").small());
        return None;
    }
    let leaks = found(counts.leaks, "pairs are in both the training and the test part");
    let help =
        "A network that has seen a test image in training is not tested by it. Leave one of the two out.";
    ui.label(if counts.leaks > 0 { strong(leaks).small() } else { RichText::new(leaks).small() })
        .on_hover_text(help);
    ui.label(RichText::new(found(counts.exact, "pairs are the same, pixel by pixel")).small());
    let help = "Their pixels are correlated by 99 % or more, as after another compression or a small change of brightness.";
    ui.label(RichText::new(found(counts.near, "pairs are nearly the same")).small()).on_hover_text(help);
    let all = collection.train.len() + collection.test.len();
    if is_done && report.compared + counts.exact < all && report.compared >= 120_000 {
        let text = format!(
            "Only the first {} were compared for near duplicates.",
            thousands(report.compared as u64)
        );
        ui.label(RichText::new(text).small());
    }
    let mut chosen = None;
    for (at, twins) in report.twins.iter().take(50).enumerate() {
        ui.push_id(("twins", at), |ui| {
            ui.horizontal_wrapped(|ui| {
                for image in twins.images {
                    let part = if image.is_test { "Test" } else { "Training" };
                    let button = ui.small_button(format!("{part} {}", thousands(image.index.into())));
                    if button.on_hover_text(spoken(collection, image)).clicked() {
                        chosen = Some(image);
                    }
                }
                ui.label(RichText::new(likeness(twins)).small());
            });
        });
    }
    chosen
}

fn likeness(twins: &Twins) -> String {
    let alike =
        if twins.is_exact() { "the same".into() } else { format!("{:.1} % alike", twins.likeness * 100.0) };
    if twins.is_leak() { format!("{alike}, leak") } else { alike }
}
