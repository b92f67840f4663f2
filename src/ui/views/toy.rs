//! A toy view for the tests: one more view is a file such as this and a word in the registry.
use super::{Scene, View, ViewEntry};
use crate::{sample::Modality, spec::ComponentInfo};
use egui::Ui;

pub(crate) const ENTRY: ViewEntry = ViewEntry {
    info: ComponentInfo {
        id: "toy",
        label: "Toy",
        help: "Says which run of texts is selected.",
        params: &[],
    },
    serves: &[Modality::Text],
    looks_at_the_pad: false,
    open: || Box::new(Toy),
};

struct Toy;

impl View for Toy {
    fn ui(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        ui.label(scene.run.map_or("No texts".into(), |run| format!("Texts of {}", run.spec.name)));
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        protocol::{Event, Phase, RunInfo},
        session::{State, catalog},
        spec::{Choice, RunSpec},
        ui::{Settings, Workbench, install},
    };
    use egui_kittest::{
        Harness,
        kittest::{NodeT as _, Queryable as _},
    };

    /// A window in which the only run is selected, which learns from that data set.
    fn window(dataset: &str, view: &str) -> Harness<'static> {
        let mut state = State::default();
        state.apply(Event::Run(Box::new(RunInfo {
            marks: Default::default(),
            id: "run".into(),
            folder: "run".into(),
            spec: RunSpec {
                name: "About letters".into(),
                dataset: Choice::new(dataset),
                ..RunSpec::default()
            },
            live: Default::default(),
            phase: Phase::Finished,
            changes: vec![],
            progress: Default::default(),
            timing: vec![],
            class_names: ["no", "yes"].map(String::from).into(),
            saved: None,
            checkpoints: vec![],
            is_sketch: false,
            learns_from_drawings: true,
            remedy: None,
        })));
        let mut bench = Workbench::new(Settings { view: view.into(), ..Settings::default() });
        let builder = Harness::builder().with_size([1400.0, 900.0]).with_context_setup(install);
        let mut window = builder.build_ui(move |ui| drop(bench.ui(ui, &state, &catalog())));
        window.run_steps(4);
        window.get_all_by_label("About letters").next().unwrap().click_accesskit();
        window.run_steps(4);
        window
    }

    #[test]
    fn a_view_is_offered_for_the_data_that_it_serves() {
        let is_disabled =
            |window: &Harness<'_>, view| window.get_by_label(view).accesskit_node().is_disabled();
        let of_texts = window("toy", "toy");
        assert!(!is_disabled(&of_texts, "Toy") && is_disabled(&of_texts, "Inside"));
        of_texts.get_by_label("Texts of About letters");
        let of_images = window("mnist", "curves");
        assert!(is_disabled(&of_images, "Toy") && !is_disabled(&of_images, "Inside"));
    }
}
