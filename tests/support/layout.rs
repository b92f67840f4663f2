//! Finds faults in the layout of a window, from the rectangles of its controls and of what is painted.
use egui::{
    LayerId, Order, Rangef, Rect, Role, Shape, Vec2b, WidgetRect,
    accessibility::is_input,
    accesskit::NodeId,
    emath::Rot2,
    epaint::{ClippedShape, TextShape},
};
use egui_kittest::{
    Harness,
    kittest::{AccessKitNode, NodeT as _},
};
use std::collections::{BTreeSet, HashMap};

/// Rounding to pixels, and the width of a frame.
const SLACK: f32 = 2.0;

/// Something that can be clicked, dragged or typed into.
struct Control {
    id: NodeId,
    layer: LayerId,
    name: String,
    role: Role,
    rect: Rect,
    /// The part of it that is not clipped away.
    seen: Rect,
    above: BTreeSet<NodeId>,
}

/// A row of letters as they are painted.
struct Text {
    /// When it is painted.
    at: usize,
    words: String,
    rect: Rect,
    clip: Rect,
    /// The full text, where it was shortened to fit.
    whole: Option<String>,
    /// Whether its letters are spread until the row is full.
    is_spread: bool,
}

/// The bar of an area that scrolls.
struct Bar {
    rect: Rect,
    /// The part of the window that has the area.
    inside: Option<NodeId>,
}

/// One sentence for each control and each text that is hidden, cut, covered or outside of the window.
pub fn problems<State>(window: &Harness<'_, State>) -> Vec<String> {
    let (controls, bars, names) = nodes(window);
    let texts = texts(window);
    let mut found: Vec<String> = controls.iter().filter_map(|control| hidden(control, &bars)).collect();
    found.extend(pairs(&controls).filter_map(|(a, b)| {
        let are_nested = a.above.contains(&b.id) || b.above.contains(&a.id);
        (!are_nested && a.layer == b.layer && overlap(a.seen, b.seen))
            .then(|| format!("{} covers {}", spoken(b), spoken(a)))
    }));
    found.extend(texts.iter().filter_map(|text| cut(text, &controls, &bars)));
    let shortened = texts.iter().filter_map(|text| text.whole.as_ref());
    let nameless = shortened.filter(|whole| !names.iter().any(|name| name.contains(*whole)));
    found.extend(nameless.map(|whole| format!("{whole:?} is shortened, and nothing has the whole of it")));
    let spread = texts.iter().filter(|text| text.is_spread);
    found.extend(spread.map(|text| format!("{:?} is justified", text.words)));
    found.extend(pairs(&texts).filter_map(|(a, b)| {
        let covers = overlap(a.rect.intersect(a.clip), b.rect.intersect(b.clip));
        // The glow around a text is the same text.
        let is_glow = a.words == b.words && a.rect.center().distance(b.rect.center()) < 4.0;
        (covers && !is_glow).then(|| format!("{:?} is written over {:?} at {:?}", b.words, a.words, a.rect))
    }));
    found
}

/// Controls, bars, and all names that a screen reader would speak.
fn nodes<State>(window: &Harness<'_, State>) -> (Vec<Control>, Vec<Bar>, Vec<String>) {
    let widgets: HashMap<NodeId, WidgetRect> = window.ctx.viewport(|viewport| {
        let widgets = viewport.prev_pass.widgets.layers().flat_map(|(_, widgets)| widgets);
        widgets.map(|widget| (widget.id.accesskit_id(), *widget)).collect()
    });
    let (mut controls, mut bars, mut names) = (vec![], vec![], vec![]);
    for node in window.root().children_recursive() {
        let node = node.accesskit_node();
        names.extend([node.label(), node.value()].into_iter().flatten());
        let id = node.locate().0;
        let Some(WidgetRect { rect, interact_rect: seen, layer_id: layer, .. }) = widgets.get(&id).copied()
        else {
            continue;
        };
        let role = node.role();
        if role == Role::ScrollBar {
            bars.push(Bar { rect, inside: node.parent().map(|parent| parent.locate().0) });
        } else if (is_input(role) && role != Role::Splitter) || role == Role::Canvas {
            let name = node.label().or_else(|| node.value()).unwrap_or_default();
            controls.push(Control { id, layer, name, role, rect, seen, above: above(&node) });
        }
    }
    (controls, bars, names)
}

fn above(node: &AccessKitNode<'_>) -> BTreeSet<NodeId> {
    std::iter::successors(node.parent(), AccessKitNode::parent).map(|node| node.locate().0).collect()
}

/// All texts, except those that menus, cards and messages cover.
fn texts<State>(window: &Harness<'_, State>) -> Vec<Text> {
    let screen = window.ctx.content_rect();
    let areas: Vec<Rect> = window.ctx.memory(|memory| {
        let layers = memory.areas().visible_layer_ids().into_iter();
        let above = layers.filter(|layer| layer.order != Order::Background);
        above.filter_map(|layer| memory.area_rect(layer.id)).collect()
    });
    let (mut texts, mut surfaces) = (vec![], vec![]);
    for (at, ClippedShape { clip_rect, shape, .. }) in window.output().shapes.iter().enumerate() {
        each(shape, &mut |shape| match shape {
            Shape::Text(text) => texts.extend(rows(at, text, clip_rect.intersect(screen))),
            Shape::Rect(rect) if rect.fill.is_opaque() => {
                let is_raised = areas.iter().any(|area| area.expand(SLACK).contains_rect(rect.rect));
                surfaces.extend(is_raised.then_some((at, rect.rect)));
            }
            _ => {}
        });
    }
    texts.retain(|text| {
        let hides = |(at, rect): &(usize, Rect)| *at > text.at && overlap(*rect, text.rect);
        !surfaces.iter().any(hides)
    });
    texts
}

fn each(shape: &Shape, take: &mut impl FnMut(&Shape)) {
    match shape {
        Shape::Vec(shapes) => shapes.iter().for_each(|shape| each(shape, take)),
        shape => take(shape),
    }
}

/// The rows of a text that is painted.
fn rows(at: usize, text: &TextShape, clip: Rect) -> impl Iterator<Item = Text> {
    let whole = text.galley.elided.then(|| text.galley.text().trim().to_owned());
    let rows = text.galley.rows.iter().filter(|_| text.opacity_factor > 0.0);
    let is_spread = text.galley.job.justify && text.galley.rows.len() > 1;
    rows.map(move |row| {
        let ink = row.visuals.mesh_bounds.translate(row.pos.to_vec2());
        let rect = ink.rotate_bb(Rot2::from_angle(text.angle)).translate(text.pos.to_vec2());
        Text { at, words: row.text(), rect, clip, whole: whole.clone(), is_spread }
    })
    .filter(|text| text.rect.is_positive())
}

/// A control that is cut, and cannot be scrolled into view.
fn hidden(control: &Control, bars: &[Bar]) -> Option<String> {
    let inside = |bar: &&Bar| bar.inside.is_some_and(|id| control.above.contains(&id));
    let scrolls = scrolls(bars.iter().filter(inside));
    let missing = missing(control.rect, control.seen, scrolls);
    (missing > SLACK).then(|| {
        format!("{} lacks {missing:.0} points: {:?} of {:?}", spoken(control), control.seen, control.rect)
    })
}

/// Letters that are cut at the edge of their container, unless they can be scrolled into view. Controls are checked as a
/// whole, and text fields scroll by themselves.
fn cut(text: &Text, controls: &[Control], bars: &[Bar]) -> Option<String> {
    let has_it = |control: &Control| {
        let rect = control.rect.expand(SLACK);
        let is_typed = matches!(control.role, Role::TextInput | Role::MultilineTextInput | Role::SpinButton);
        rect.contains_rect(text.rect) || is_typed && rect.contains(text.clip.center())
    };
    if controls.iter().any(has_it) {
        return None;
    }
    // An area's bar is as long as the area is high, and at its edge.
    let beside = |bar: &&Bar| {
        let (x, y) = if is_vertical(bar) { (0, 1) } else { (1, 0) };
        let range = |rect: Rect, axis: usize| Rangef::new(rect.min[axis], rect.max[axis]);
        let [clip, bar] = [text.clip, bar.rect].map(|rect| [range(rect, y), range(rect, x)]);
        bar[0].expand(SLACK).contains(clip[0].min)
            && bar[0].expand(SLACK).contains(clip[0].max)
            && clip[1].expand(24.0).contains(bar[1].center())
    };
    let missing = missing(text.rect, text.rect.intersect(text.clip), scrolls(bars.iter().filter(beside)));
    (missing > SLACK).then(|| format!("{:?} at {:?} is cut by {missing:.0} points", text.words, text.rect))
}

/// How much of a rectangle is hidden, along the axes that do not scroll.
fn missing(whole: Rect, seen: Rect, scrolls: Vec2b) -> f32 {
    let lost = whole.size() - seen.size().max(egui::Vec2::ZERO);
    let lost = [0, 1].map(|axis| if scrolls[axis] { 0.0 } else { lost[axis] });
    lost[0].max(lost[1])
}

/// Whether some bar scrolls sideways, and up and down.
fn scrolls<'b>(bars: impl Iterator<Item = &'b Bar>) -> Vec2b {
    bars.fold(Vec2b::FALSE, |scrolls, bar| {
        let vertical = is_vertical(bar);
        Vec2b::new(scrolls.x || !vertical, scrolls.y || vertical)
    })
}

fn is_vertical(bar: &Bar) -> bool {
    bar.rect.height() > bar.rect.width()
}

fn overlap(a: Rect, b: Rect) -> bool {
    let both = a.intersect(b);
    both.width() > SLACK && both.height() > SLACK
}

fn pairs<T>(all: &[T]) -> impl Iterator<Item = (&T, &T)> {
    all.iter().enumerate().flat_map(|(at, a)| all[at + 1..].iter().map(move |b| (a, b)))
}

fn spoken(control: &Control) -> String {
    format!("{:?} {:?} at {:?}", control.role, control.name, control.seen)
}
