//! Reads the SVGs that the window writes and draws them, to be compared with its PNGs.
use base64::{Engine as _, prelude::BASE64_STANDARD};
use egui::{
    Color32, ColorImage, Context, FontFamily, FontId, Mesh, Pos2, RawInput, Rect, Shape, Stroke, StrokeKind,
    Vec2,
    epaint::{
        BandPoint, BandShape, CircleShape, ClippedShape, EllipseShape, PathShape, Primitive, RectShape,
    },
    pos2, vec2,
};
use headstart::ui::{
    install,
    raster::{Canvas, Texture},
};
use image::RgbaImage;

/// Pixels of a PNG for each point.
const SCALE: f32 = 2.0;

/// Asserts that a saved SVG looks like the PNG of the same picture, and that no text of it is cut.
#[track_caller]
pub fn assert_same(name: &str, svg: &[u8], png: &[u8]) {
    let text = std::str::from_utf8(svg).unwrap();
    assert!(!["=\"inf", "NaN"].iter().any(|wrong| text.contains(wrong)), "{name} has numbers that are none");
    let drawn = draw(name, text);
    let png = image::load_from_memory(png).unwrap().to_rgba8();
    let sides = |picture: &RgbaImage| [picture.width(), picture.height()];
    let [width, height] = sides(&png);
    // Sides are rounded up to whole pixels.
    assert!(sides(&drawn).into_iter().zip([width, height]).all(|(a, b)| a.abs_diff(b) <= 1), "{name}");
    let all = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let different = all.filter(|at| !is_near(*at, &png, &drawn) || !is_near(*at, &drawn, &png)).count();
    let share = different as f64 / f64::from(width * height);
    if share >= 0.004 {
        let folder = std::env::temp_dir();
        drawn.save(folder.join(format!("{name}-from-svg.png"))).unwrap();
        png.save(folder.join(format!("{name}.png"))).unwrap();
        std::fs::write(folder.join(format!("{name}.svg")), svg).unwrap();
        panic!(
            "{name}: {:.2} % of the SVG differ from the PNG: see both in {}",
            share * 100.0,
            folder.display()
        );
    }
    let paper = png.get_pixel(1, 1);
    assert!(png.pixels().filter(|pixel| *pixel != paper).count() > 500, "{name} is nearly empty");
}

/// Whether the colour of a pixel is in the other picture there, or next to it: letters may lie half a point lower.
fn is_near((x, y): (u32, u32), picture: &RgbaImage, other: &RgbaImage) -> bool {
    let Some(pixel) = picture.get_pixel_checked(x, y) else { return true };
    let columns = x.saturating_sub(1)..=x + 1;
    let mut around = columns.flat_map(|x| (y.saturating_sub(1)..=y + 1).map(move |y| (x, y)));
    around.any(|(x, y)| {
        let near = other.get_pixel_checked(x, y);
        near.is_some_and(|near| (0..3).all(|i| near.0[i].abs_diff(pixel.0[i]) <= 64))
    })
}

/// Draws an SVG with one element per line.
fn draw(name: &str, text: &str) -> RgbaImage {
    let ctx = Context::default();
    install(&ctx);
    let head = text.lines().next().unwrap();
    let size = vec2(number(head, "width"), number(head, "height"));
    let whole = Rect::from_min_size(Pos2::ZERO, size);
    let input = || {
        let mut input = RawInput { screen_rect: Some(whole), ..RawInput::default() };
        input.viewports.entry(input.viewport_id).or_default().native_pixels_per_point = Some(SCALE);
        input
    };
    (0..2).for_each(|_| ctx.run_ui(input(), |_| {}).textures_delta.clear());
    let pixels = [size.x * SCALE, size.y * SCALE].map(|side| side.ceil() as usize);
    let mut canvas = Canvas::new(pixels[0], pixels[1]);
    let plain = Texture::new(&ColorImage::filled([1, 1], Color32::WHITE), true);
    let (mut shapes, mut clip) = (vec![], whole);
    for line in text.lines().skip(1) {
        let element = line.trim_start_matches('<').split([' ', '>']).next().unwrap();
        match element {
            "title" | "/g" | "/svg" => {}
            "clipPath" => clip = rect_of(line),
            "image" => image_on(&mut canvas, line, whole),
            "rect" if line.contains("100%") => {
                let mut paper = Mesh::default();
                paper.add_colored_rect(whole, look(line).0);
                canvas.draw(&paper, &plain, whole, SCALE);
            }
            "text" => {
                let shape = written(&ctx, line);
                let place = shape.visual_bounding_rect();
                let room = clip.intersect(whole).expand(1.0);
                let is_turned = !line.contains("rotate(0.0)") && !line.contains("rotate(-0.0)");
                assert!(
                    is_turned || room.contains_rect(place),
                    "{name}: a text is cut, {place} in {room}: {line}"
                );
                shapes.push(ClippedShape::new(clip, shape));
            }
            _ => shapes.push(ClippedShape::new(clip, shape_of(element, line))),
        }
    }
    let primitives = ctx.tessellate(shapes, SCALE);
    let letters = Texture::new(&ctx.fonts(|fonts| fonts.image()), false);
    for primitive in primitives {
        if let Primitive::Mesh(mesh) = &primitive.primitive {
            canvas.draw(mesh, &letters, primitive.clip_rect, SCALE);
        }
    }
    RgbaImage::from_raw(pixels[0] as u32, pixels[1] as u32, canvas.bytes()).unwrap()
}

fn attribute<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let begin = line.find(&format!(" {name}=\""))? + name.len() + 3;
    line[begin..].split('"').next()
}

#[track_caller]
fn number(line: &str, name: &str) -> f32 {
    attribute(line, name).and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no {name}: {line}"))
}

fn rect_of(line: &str) -> Rect {
    let [x, y, width, height] = ["x", "y", "width", "height"].map(|name| number(line, name));
    Rect::from_min_size(pos2(x, y), vec2(width, height))
}

fn color(line: &str, name: &str) -> Color32 {
    let Some(hex) = attribute(line, name).and_then(|text| text.strip_prefix('#')) else {
        return Color32::TRANSPARENT;
    };
    let [_, r, g, b] = u32::from_str_radix(hex, 16).unwrap().to_be_bytes();
    let opacity = number(line, &format!("{name}-opacity"));
    Color32::from_rgba_unmultiplied(r, g, b, (opacity * 255.0).round() as u8)
}

fn look(line: &str) -> (Color32, Stroke) {
    let stroke = match attribute(line, "stroke-width") {
        Some(width) => Stroke::new(width.parse::<f32>().unwrap(), color(line, "stroke")),
        None => Stroke::NONE,
    };
    (color(line, "fill"), stroke)
}

fn shape_of(element: &str, line: &str) -> Shape {
    let (fill, stroke) = look(line);
    match element {
        "rect" => {
            let radius = number(line, "rx") as u8;
            RectShape::new(rect_of(line), radius, fill, stroke, StrokeKind::Middle).into()
        }
        "circle" => {
            let center = pos2(number(line, "cx"), number(line, "cy"));
            CircleShape { center, radius: number(line, "r"), fill, stroke }.into()
        }
        "ellipse" => {
            let center = pos2(number(line, "cx"), number(line, "cy"));
            let radius = vec2(number(line, "rx"), number(line, "ry"));
            EllipseShape { center, radius, fill, stroke, angle: 0.0 }.into()
        }
        "path" => {
            let (points, closed) = way(attribute(line, "d").unwrap());
            if line.contains("crispEdges") {
                return triangle(&points, fill);
            }
            if fill != Color32::TRANSPARENT && closed && points.len() > 4 {
                return outline(points, fill);
            }
            PathShape { points, closed, fill, stroke: stroke.into() }.into()
        }
        other => panic!("an element that nothing is known of: {other}"),
    }
}

/// A band along an upper edge and back along a lower one, which need not be convex; or what is convex.
fn outline(points: Vec<Pos2>, fill: Color32) -> Shape {
    let pairs = points.iter().zip(points.iter().rev()).take(points.len() / 2);
    if !points.len().is_multiple_of(2) || pairs.clone().any(|(upper, lower)| (upper.x - lower.x).abs() > 0.02)
    {
        return Shape::convex_polygon(points, fill, Stroke::NONE);
    }
    let pairs = pairs.map(|(upper, lower)| BandPoint::new(upper.x, upper.y..=lower.y));
    BandShape::filled(pairs.collect(), fill).into()
}

/// A triangle without soft edges, so that neighbours leave no seam.
fn triangle(points: &[Pos2], fill: Color32) -> Shape {
    let mut mesh = Mesh::default();
    points.iter().for_each(|point| mesh.colored_vertex(*point, fill));
    mesh.add_triangle(0, 1, 2);
    Shape::mesh(mesh)
}

fn way(text: &str) -> (Vec<Pos2>, bool) {
    let closed = text.ends_with('Z');
    let points = text.trim_end_matches('Z').split(['M', 'L']).filter(|part| !part.is_empty());
    let point = |part: &str| {
        let (x, y) = part.split_once(' ').unwrap();
        pos2(x.parse().unwrap(), y.parse().unwrap())
    };
    (points.map(point).collect(), closed)
}

/// Letters from a point on their baseline.
fn written(ctx: &Context, line: &str) -> Shape {
    let transform = attribute(line, "transform").unwrap();
    let numbers: Vec<f32> = transform
        .split(|c: char| !(c.is_ascii_digit() || "-.".contains(c)))
        .filter_map(|part| part.parse().ok())
        .collect();
    let [x, y, degrees] = numbers[..] else { panic!("{transform}") };
    let family = match attribute(line, "font-weight") {
        Some("600") => FontFamily::Name("semibold".into()),
        _ => FontFamily::Proportional,
    };
    let letters = line.split_once('>').unwrap().1.split("</text>").next().unwrap();
    let letters = letters.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let font = FontId::new(number(line, "font-size"), family);
    let galley = ctx.fonts_mut(|fonts| fonts.layout_no_wrap(letters, font, color(line, "fill")));
    let first = galley.rows[0].pos.to_vec2() + galley.rows[0].glyphs[0].pos.to_vec2();
    let at = vec2(number(line, "x"), number(line, "y")) - first;
    let angle = degrees.to_radians();
    let at: Vec2 = egui::emath::Rot2::from_angle(angle) * at;
    egui::epaint::TextShape::new(pos2(x, y) + at, galley, Color32::WHITE).with_angle(angle).into()
}

fn image_on(canvas: &mut Canvas, line: &str, whole: Rect) {
    let packed = attribute(line, "href").unwrap().split_once("base64,").unwrap().1;
    let image = image::load_from_memory(&BASE64_STANDARD.decode(packed).unwrap()).unwrap().to_rgba8();
    let size = [image.width() as usize, image.height() as usize];
    let image = ColorImage::from_rgba_unmultiplied(size, &image);
    let mut mesh = Mesh::default();
    let everything = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    mesh.add_rect_with_uv(rect_of(line), everything, Color32::WHITE);
    canvas.draw(&mesh, &Texture::new(&image, true), whole, SCALE);
}
