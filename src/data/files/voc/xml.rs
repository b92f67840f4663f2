//! The XML of Pascal VOC.
use anyhow::{Result, anyhow, ensure};
use quick_xml::{Reader, events::Event};

/// What a file says of a photograph.
#[derive(Debug, Default, PartialEq)]
pub struct Annotation {
    /// The photograph's name, when the file was written.
    pub filename: String,
    /// Its width and height, where they are said.
    pub size: Option<[u32; 2]>,
    /// The objects in it.
    pub things: Vec<Thing>,
}

/// An object in a photograph.
#[derive(Debug, Default, PartialEq)]
pub struct Thing {
    /// The name of its class.
    pub name: String,
    /// Whether it is hard to recognise without what is around it.
    pub is_difficult: bool,
    /// Left, top, width and height, counted from 0.
    pub rect: Option<[f64; 4]>,
}

/// Deeper elements are passed over.
const MAX_DEPTH: usize = 16;

/// Reads a file.
///
/// # Errors
/// Where it is no XML, or none of boxes.
pub fn parse(bytes: &[u8]) -> Result<Annotation> {
    let text = String::from_utf8_lossy(bytes);
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut found = Annotation::default();
    let (mut path, mut depth, mut text) = (String::new(), 0, String::new());
    let (mut size, mut corners) = ([0u32; 2], [None; 4]);
    let mut is_boxes = false;
    loop {
        match reader
            .read_event()
            .map_err(|error| anyhow!("It is no XML, or damaged: write it again ({error})"))?
        {
            Event::Eof => break,
            Event::Start(start) => {
                depth += 1;
                text.clear();
                if depth <= MAX_DEPTH {
                    path.push('/');
                    path.push_str(&String::from_utf8_lossy(start.name().as_ref()).to_lowercase());
                }
                match path.as_str() {
                    "/annotation" => is_boxes = true,
                    "/annotation/object" => {
                        found.things.push(Thing::default());
                        corners = [None; 4];
                    }
                    _ => {}
                }
            }
            Event::Text(part) => text.push_str(&part.decode().unwrap_or_default()),
            Event::CData(part) => text.push_str(&String::from_utf8_lossy(&part)),
            Event::GeneralRef(entity) => {
                text.push_str(&letter(&String::from_utf8_lossy(&entity)).unwrap_or_default());
            }
            Event::End(_) => {
                leave(&path, text.trim(), &mut found, &mut size, &mut corners);
                text.clear();
                if depth <= MAX_DEPTH {
                    path.truncate(path.rfind('/').unwrap_or(0));
                }
                depth -= 1;
            }
            _ => {}
        }
    }
    ensure!(is_boxes && depth == 0, "It is no whole file of boxes: write it again");
    found.size = size.iter().all(|side| *side > 0).then_some(size);
    Ok(found)
}

/// Takes in what an element said.
fn leave(
    path: &str,
    text: &str,
    found: &mut Annotation,
    size: &mut [u32; 2],
    corners: &mut [Option<f64>; 4],
) {
    let number = || text.parse::<f64>().ok().filter(|number| number.is_finite());
    let corner = path.strip_prefix("/annotation/object/bndbox/");
    let side = ["xmin", "ymin", "xmax", "ymax"].iter().position(|side| corner == Some(*side));
    if let Some(side) = side {
        corners[side] = number();
    }
    let thing = found.things.last_mut();
    match (path, thing) {
        ("/annotation/filename", _) => text.clone_into(&mut found.filename),
        ("/annotation/size/width", _) => size[0] = number().unwrap_or_default() as u32,
        ("/annotation/size/height", _) => size[1] = number().unwrap_or_default() as u32,
        ("/annotation/object/name", Some(thing)) => text.clone_into(&mut thing.name),
        ("/annotation/object/difficult", Some(thing)) => {
            thing.is_difficult = ["1", "true"].contains(&text.to_lowercase().as_str());
        }
        ("/annotation/object", Some(thing)) => {
            if let [Some(left), Some(top), Some(right), Some(bottom)] = *corners {
                // corners are counted from 1, and lie within the box
                thing.rect = Some([left - 1.0, top - 1.0, right - left + 1.0, bottom - top + 1.0]);
            }
        }
        _ => {}
    }
}

/// The letter that stands for an entity.
fn letter(entity: &str) -> Option<String> {
    let coded = |digits: &str, base| u32::from_str_radix(digits, base).ok().and_then(char::from_u32);
    let letter = match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let code = entity.strip_prefix('#')?;
            code.strip_prefix('x').map_or_else(|| coded(code, 10), |code| coded(code, 16))
        }
    };
    letter.map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_is_read_and_the_rest_passed_over() {
        let text = "<?xml version='1.0'?><!-- a --><annotation verified='yes'><folder>x</folder><filename>a &amp; b.jpg</filename>\
            <size><width>40</width><height>30</height><depth>3</depth></size>\
            <object><name>dog</name><difficult>0</difficult><part><name>head</name><bndbox><xmin>1</xmin></bndbox></part>\
            <bndbox><xmin>3</xmin><ymin>4.0</ymin><xmax>12</xmax><ymax>24</ymax></bndbox></object>\
            <object><name>caf&#233;</name><difficult>1</difficult><bndbox><xmin>1</xmin></bndbox></object></annotation>";
        let found = parse(text.as_bytes()).unwrap();
        assert_eq!((found.filename.as_str(), found.size), ("a & b.jpg", Some([40, 30])));
        let thing = |name: &str, is_difficult, rect| Thing { name: name.into(), is_difficult, rect };
        let expected = [thing("dog", false, Some([2.0, 3.0, 10.0, 21.0])), thing("café", true, None)];
        assert_eq!(found.things, expected);
        for wrong in ["<annotation>", "<a></a>", "", "no xml", "<annotation></b></annotation>"] {
            assert!(parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
        let deep = format!("<annotation>{}{}</annotation>", "<a>".repeat(10_000), "</a>".repeat(10_000));
        assert_eq!(parse(deep.as_bytes()).unwrap(), Annotation::default());
    }
}
