//! Colours, type and spacing, for a dark and a light room.
use egui::{
    Color32, Context, CornerRadius, CursorIcon, FontData, FontDefinitions, FontFamily, FontId, Stroke, Style,
    TextStyle, Theme, Visuals, vec2,
};
use std::sync::Arc;

const SEMIBOLD: &str = "semibold";

/// The heavier cut of the text's typeface.
pub fn semibold() -> FontFamily {
    FontFamily::Name(SEMIBOLD.into())
}

/// Colours of runs: Okabe and Ito's, adjusted for a washed-out projector, and distinguishable with colour blindness.
pub fn run_colors(dark: bool) -> [Color32; RUN_COLORS] {
    let hues = if dark {
        [0x004F_A3FF, 0x00FF_B000, 0x002B_C48A, 0x00FF_6B8B, 0x00B3_8CFF, 0x005A_D1E6]
    } else {
        [0x0000_62C4, 0x00C4_6A00, 0x0000_805A, 0x00C4_1E50, 0x006A_3FC8, 0x0000_788F]
    };
    hues.map(rgb)
}

pub const RUN_COLORS: usize = 6;

/// What needs attention.
pub fn alarm(dark: bool) -> Color32 {
    run_colors(dark)[3]
}

/// A star that is on.
pub fn star(dark: bool) -> Color32 {
    run_colors(dark)[1]
}

/// Installs fonts and both styles.
pub fn install(ctx: &Context) {
    ctx.set_fonts(fonts());
    egui_material_icons::initialize(ctx);
    for theme in [Theme::Dark, Theme::Light] {
        ctx.style_mut_of(theme, |style| apply(style, theme == Theme::Dark));
    }
}

/// Inter, then what egui has, then Chinese.
fn fonts() -> FontDefinitions {
    const CHINESE: &str = "noto-sans-sc";
    let mut fonts = FontDefinitions::default();
    let faces: [(&str, &'static [u8]); 3] = [
        ("inter", include_bytes!("../../assets/fonts/Inter-Regular.otf")),
        ("inter-semibold", include_bytes!("../../assets/fonts/Inter-SemiBold.otf")),
        (CHINESE, include_bytes!("../../assets/fonts/NotoSansSC-GB2312.otf")),
    ];
    for (name, bytes) in faces {
        fonts.font_data.insert(name.into(), Arc::new(FontData::from_static(bytes)));
    }
    for fallbacks in fonts.families.values_mut() {
        fallbacks.push(CHINESE.into());
    }
    let fallbacks = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    let before_fallbacks =
        |first: &str| std::iter::once(first.to_owned()).chain(fallbacks.iter().cloned()).collect::<Vec<_>>();
    fonts.families.insert(FontFamily::Proportional, before_fallbacks("inter"));
    fonts.families.insert(semibold(), before_fallbacks("inter-semibold"));
    fonts
}

/// The surfaces and inks of one theme.
struct Palette {
    panel: Color32,
    card: Color32,
    line: Color32,
    inset: Color32,
    control: Color32,
    rail: Color32,
    hover: Color32,
    text: Color32,
    strong: Color32,
    weak: Color32,
    accent: Color32,
}

impl Palette {
    fn new(dark: bool) -> Self {
        let [panel, card, line, inset, control, rail, hover, text, strong, weak, accent] = if dark {
            [
                0x0014_171C,
                0x001C_2027,
                0x002E_343D,
                0x000F_1216,
                0x0026_2C35,
                0x003A_424E,
                0x002A_303A,
                0x00DD_E2EA,
                0x00FF_FFFF,
                0x00A3_ADBB,
                0x002F_80ED,
            ]
        } else {
            [
                0x00F3_F5F8,
                0x00FF_FFFF,
                0x00D5_DAE2,
                0x00FF_FFFF,
                0x00E9_EDF3,
                0x00C9_D1DC,
                0x00E6_ECF5,
                0x001F_2733,
                0x000A_0F17,
                0x0055_6070,
                0x000B_62D6,
            ]
        }
        .map(rgb);
        Self { panel, card, line, inset, control, rail, hover, text, strong, weak, accent }
    }
}

fn apply(style: &mut Style, dark: bool) {
    style.text_styles = [
        (TextStyle::Small, FontId::proportional(13.5)),
        (TextStyle::Body, FontId::proportional(15.0)),
        (TextStyle::Button, FontId::proportional(15.0)),
        (TextStyle::Heading, FontId::new(19.0, semibold())),
        (TextStyle::Monospace, FontId::monospace(14.0)),
    ]
    .into();
    let spacing = &mut style.spacing;
    spacing.item_spacing = vec2(8.0, 7.0);
    spacing.button_padding = vec2(10.0, 5.0);
    spacing.interact_size = vec2(36.0, 28.0);
    spacing.icon_width = 18.0;
    spacing.tooltip_width = 340.0;
    style.visuals = visuals(&Palette::new(dark), dark);
}

fn visuals(palette: &Palette, dark: bool) -> Visuals {
    let mut visuals = if dark { Visuals::dark() } else { Visuals::light() };
    visuals.panel_fill = palette.panel;
    visuals.window_fill = palette.card;
    visuals.extreme_bg_color = palette.inset;
    visuals.faint_bg_color = palette.card;
    visuals.window_stroke = Stroke::new(1.0, palette.line);
    visuals.weak_text_color = Some(palette.weak);
    visuals.hyperlink_color = palette.accent;
    visuals.selection.bg_fill = palette.accent;
    visuals.selection.stroke = Stroke::new(1.0, Color32::WHITE);
    visuals.slider_trailing_fill = true;
    visuals.interact_cursor = Some(CursorIcon::PointingHand);
    visuals.window_corner_radius = CornerRadius::same(10);
    visuals.menu_corner_radius = CornerRadius::same(8);
    let widgets = &mut visuals.widgets;
    let states = [
        (&mut widgets.noninteractive, palette.card, palette.card, palette.text, palette.line),
        (&mut widgets.inactive, palette.rail, palette.control, palette.text, palette.line),
        (&mut widgets.hovered, palette.hover, palette.hover, palette.strong, palette.accent),
        (&mut widgets.active, palette.hover, palette.hover, palette.strong, palette.accent),
        (&mut widgets.open, palette.hover, palette.hover, palette.strong, palette.accent),
    ];
    for (widget, bg, weak_bg, text, line) in states {
        widget.bg_fill = bg;
        widget.weak_bg_fill = weak_bg;
        widget.fg_stroke = Stroke::new(1.5, text);
        widget.bg_stroke = Stroke::new(1.0, line);
        widget.corner_radius = CornerRadius::same(7);
        widget.expansion = 0.0;
    }
    visuals
}

fn rgb(hex: u32) -> Color32 {
    let [_, r, g, b] = hex.to_be_bytes();
    Color32::from_rgb(r, g, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first and the last hanzi of both levels of GB 2312, its punctuation, and names of data sets.
    const CHINESE: &str = "啊座亍齄，。、《》：（）手写数字识别对比学习";

    #[test]
    fn chinese_is_drawn_without_any_font_of_the_system() {
        let ctx = Context::default();
        install(&ctx);
        let _ = ctx.run_ui(egui::RawInput::default(), |ui| {
            for family in [FontFamily::Proportional, semibold(), FontFamily::Monospace] {
                let id = FontId::new(15.0, family.clone());
                let missing: String =
                    ui.fonts_mut(|fonts| CHINESE.chars().filter(|c| !fonts.has_glyph(&id, *c)).collect());
                assert_eq!(missing, "", "{family:?}");
                // Lines do not grow.
                let height = |text: &str| {
                    ui.fonts_mut(|fonts| {
                        fonts.layout_no_wrap(text.into(), id.clone(), Color32::BLACK).size().y
                    })
                };
                assert_eq!(height("数字"), height("digits"), "{family:?}");
            }
            let hanzi = ui.fonts_mut(|fonts| {
                fonts
                    .characters(&FontFamily::Proportional)
                    .keys()
                    .filter(|c| ('\u{4e00}'..='\u{9fff}').contains(*c))
                    .count()
            });
            assert!(hanzi >= 6763, "{hanzi} of 6,763 hanzi");
        });
    }
}
