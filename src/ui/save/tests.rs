use super::*;
use crate::{protocol::Caption, shape::ImageShape};
use egui::{Align2, Color32, Context, FontId, RawInput, Stroke, pos2, vec2};
use image::GenericImageView as _;

/// A picture that is painted into a window of its own.
fn painted(format: Format, paint: impl Fn(&Ui, Rect)) -> File {
    let ctx = Context::default();
    crate::ui::install(&ctx);
    let mut file = None;
    let screen = Rect::from_min_size(pos2(0.0, 0.0), vec2(400.0, 300.0));
    for _ in 0..2 {
        let input = RawInput { screen_rect: Some(screen), ..RawInput::default() };
        let _output = ctx.run_ui(input, |ui| {
            ui.painter().rect_filled(screen, 0.0, Color32::RED);
            let mark = Mark::new(ui);
            let within = Rect::from_min_size(pos2(50.0, 20.0), vec2(200.0, 100.0));
            paint(ui, within);
            file = Some(mark.picture(ui, within, &"Loss & accuracy".into(), format).unwrap());
        });
    }
    file.unwrap()
}

#[test]
fn a_picture_holds_what_was_painted_since_the_mark_and_within_its_part() {
    let file = painted(Format::Svg, |ui, within| {
        let painter = ui.painter();
        painter.line_segment([within.left_top(), within.right_bottom()], Stroke::new(2.0, Color32::GREEN));
        painter.circle_filled(pos2(390.0, 290.0), 5.0, Color32::BLUE);
        painter.text(
            within.center(),
            Align2::CENTER_CENTER,
            "a < b",
            FontId::proportional(14.0),
            Color32::WHITE,
        );
    });
    assert_eq!(file.name, "loss-accuracy.svg");
    let text = String::from_utf8(file.bytes).unwrap();
    assert!(text.contains("<title>Loss &amp; accuracy</title>"), "{text}");
    assert!(text.contains(r##"stroke="#00ff00""##) && text.contains(">a &lt; b</text>"), "{text}");
    assert!(!text.contains("#0000ff"), "it is outside: {text}");
    assert!(!text.contains("#ff0000"), "it was there before: {text}");
}

#[test]
fn the_png_has_two_pixels_for_each_point() {
    let file = painted(Format::Png, |ui, within| {
        ui.painter().rect_filled(within.with_max_x(within.center().x), 0.0, Color32::GREEN);
    });
    let image = image::load_from_memory(&file.bytes).unwrap();
    assert_eq!(image.dimensions(), (2 * 220, 2 * 148));
    let at = |x: u32, y: u32| image.get_pixel(2 * x, 2 * y).0;
    assert_eq!(at(60, 90), [0, 255, 0, 255], "the left half is green");
    assert_ne!(at(160, 90), [0, 255, 0, 255]);
    let paper = at(2, 2);
    let title = (10..100).any(|x| (10..28).any(|y| at(x, y) != paper));
    assert!(title, "nothing is written above it");
}

#[test]
fn a_strip_holds_its_images_pixel_by_pixel() {
    let strip = Strip {
        name: "Images",
        help: "",
        shape: ImageShape::new(2, 2, 1),
        pixels: vec![0, 255, 255, 0, 255, 255, 255, 255],
        captions: vec![
            Caption { text: "7 · 98 %".into(), is_right: Some(false) },
            Caption { text: "1".into(), is_right: Some(true) },
        ],
    };
    let source = Source { kind: "run", name: "Seed CNN".into(), data: "MNIST digits".into() };
    let mut files = vec![];
    let ctx = Context::default();
    crate::ui::install(&ctx);
    for _ in 0..2 {
        let _output = ctx.run_ui(RawInput::default(), |ui| {
            files = [Format::Png, Format::Svg]
                .map(|format| source.strip(ui, strip.name, &strip, format).unwrap())
                .to_vec();
        });
    }
    assert_eq!(files[0].name, "images-seed-cnn-on-mnist-digits.png");
    let image = image::load_from_memory(&files[0].bytes).unwrap();
    // The first image begins at (10, 38), 42 points to a pixel.
    let grey = |x: f32, y: f32| {
        image.get_pixel((2.0 * (10.0 + 42.0 * x)) as u32, (2.0 * (38.0 + 42.0 * y)) as u32).0[0]
    };
    assert_eq!([grey(0.1, 0.1), grey(1.9, 0.1), grey(0.9, 1.5), grey(1.1, 1.5)], [0, 255, 255, 0]);
    let text = String::from_utf8(files[1].bytes.clone()).unwrap();
    assert!(text.contains(">Images: Seed CNN on MNIST digits</text>"), "{text}");
    assert!(text.contains(">7 · 98 % wrong</text>") && text.matches("<image").count() == 2, "{text}");
}

#[test]
fn what_is_partly_out_of_sight_is_brought_into_sight_first() {
    let ctx = Context::default();
    crate::ui::install(&ctx);
    let screen = Rect::from_min_size(pos2(0.0, 0.0), vec2(400.0, 300.0));
    let (menu, mut saved) = (Id::unique("menu"), vec![]);
    for frame in 0..6 {
        let input = RawInput { screen_rect: Some(screen), ..RawInput::default() };
        let _output = ctx.run_ui(input, |ui| {
            egui::ScrollArea::vertical().show(ui, |ui| {
                ui.add_space(280.0);
                let mut wanted = Chosen::again(ui, menu);
                if frame == 2 {
                    Chosen::keep(ui, menu, Format::Svg);
                    wanted = Some(Format::Svg);
                }
                let mark = Mark::new(ui);
                let (within, _) = ui.allocate_exact_size(vec2(200.0, 100.0), egui::Sense::hover());
                ui.add_space(100.0);
                saved.push(mark.save(ui, wanted, within, &"Loss".into(), || panic!("no table is wanted")));
            });
        });
    }
    assert_eq!(saved[2], None, "it was out of sight");
    let files: Vec<_> = saved.into_iter().flatten().collect();
    assert!(matches!(&files[..], [Action::Save(Ok(file))] if file.name == "loss.svg"), "{files:?}");
}

#[test]
fn tables_are_quoted_where_they_must_be() {
    let rows = [vec!["a, b".to_owned(), "0.5".into()], vec!["c".into(), String::new()]];
    let file = table("Class by class", &["class", "recall"], rows.into_iter()).unwrap();
    assert_eq!(file.name, "class-by-class.csv");
    assert_eq!(String::from_utf8(file.bytes).unwrap(), "class,recall\n\"a, b\",0.5\nc,\n");
}
