//! `predict --explain`: pictures of what in an image speaks for a class.
use super::{output::line, score::answer};
use crate::{
    errors::{At as _, Place},
    explanation::{Attribution, Explanation, colour},
    nearest::suggestion,
    protocol::{Finding, Question, RunId},
    sample::Sample,
    session::Session,
};
use anyhow::{Context as _, Result, bail};
use image::{Rgb, RgbImage, imageops};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Pixels of a picture to a pixel of the image.
const MAGNIFIED: u32 = 10;

#[derive(clap::Args, Clone, Debug)]
pub struct Explain {
    /// Write what in the image speaks for its class, a PNG for each method: orange for it, blue against it
    #[arg(long, value_name = "DIR")]
    explain: Option<PathBuf>,
    /// Explain this class, by its name or its number from 0, and not the most probable one
    #[arg(long, value_name = "CLASS", requires = "explain")]
    class: Option<String>,
    /// Explain what speaks for the class rather than for this one
    #[arg(long, value_name = "CLASS", requires = "explain")]
    instead_of: Option<String>,
}

/// What is to be explained, and the folder for it.
pub struct Wish {
    folder: PathBuf,
    class: Option<u16>,
    instead_of: Option<u16>,
}

impl Explain {
    /// What is wished of a run that knows these classes; none where nothing is to be explained.
    ///
    /// # Errors
    /// Where a class is neither one of their names nor a number.
    pub fn wish(&self, classes: &[String]) -> Result<Option<Wish>> {
        let Some(folder) = self.explain.clone() else { return Ok(None) };
        let place = |class: &Option<String>| class.as_deref().map(|class| place(class, classes)).transpose();
        Ok(Some(Wish { folder, class: place(&self.class)?, instead_of: place(&self.instead_of)? }))
    }
}

/// Index of the class that the user means: by its name first, since the first class need not be 0.
fn place(class: &str, classes: &[String]) -> Result<u16> {
    let named = classes.iter().position(|known| known == class).and_then(|place| u16::try_from(place).ok());
    named.or_else(|| class.parse().ok()).with_context(|| {
        let known: Vec<&str> = classes.iter().map(String::as_str).collect();
        format!("There is no class {class:?}{}", suggestion(class, &known))
    })
}

pub fn explain(
    session: &mut Session,
    run: &RunId,
    (path, sample): (&Path, Sample),
    wish: &Wish,
    json: bool,
) -> Result<()> {
    let Wish { folder, class, instead_of } = wish;
    let question = Question::Explanation { sample, class: *class, instead_of: *instead_of };
    let (_, Finding::Explanation(found)) = answer(session, run, question)? else {
        bail!("The answer is to another question")
    };
    std::fs::create_dir_all(folder)
        .context("Could not make the folder for the pictures")
        .at(Place::folder(folder))?;
    let stem = path.file_stem().map_or("image".into(), |stem| stem.to_string_lossy());
    for attribution in &found.attributions {
        let path = folder.join(format!("{stem}-{}.png", attribution.id));
        let written = attribution.values.is_some();
        if written {
            picture(&found, attribution)?.save(&path).context("Could not write the picture").at(&path)?;
        }
        show(&found, attribution, written.then_some(path.as_path()), json);
    }
    Ok(())
}

fn show(found: &Explanation, attribution: &Attribution, path: Option<&Path>, json: bool) {
    let ([speaks_for, against], scale) = (attribution.sums(), attribution.scale());
    let Attribution { id, label, .. } = attribution;
    if json {
        return line(json!({
            "method": id, "picture": path, "class": found.class, "instead_of": found.instead_of,
            "output": found.output, "empty_output": found.empty_output,
            "for": speaks_for, "against": against, "strongest_colour": scale,
        }));
    }
    let Some(path) = path else {
        return line(format!("   {label}: the network has no convolution to look at"));
    };
    line(format!(
        "   {label}: for {} {speaks_for:+.2}, against {against:+.2}, colours up to ±{scale:.3}  {}",
        found.subject(),
        path.display()
    ));
}

/// The image with an attribution over it, magnified, and the scale of its colours at the right: the most for the class at
/// the top, the most against it at the bottom.
fn picture(found: &Explanation, attribution: &Attribution) -> Result<RgbImage> {
    let [height, width] = [found.shape.height, found.shape.width].map(|length| length as u32);
    let small = RgbImage::from_raw(width, height, found.paint(attribution));
    let small = small.context("an attribution has another shape than its image")?;
    let (width, height) = (width * MAGNIFIED, height * MAGNIFIED);
    let mut picture = RgbImage::new(width + 3 * MAGNIFIED, height);
    imageops::replace(
        &mut picture,
        &imageops::resize(&small, width, height, imageops::FilterType::Nearest),
        0,
        0,
    );
    for (x, y) in (width + MAGNIFIED..width + 3 * MAGNIFIED).flat_map(|x| (0..height).map(move |y| (x, y))) {
        let value = 1.0 - 2.0 * y as f32 / (height - 1).max(1) as f32;
        picture.put_pixel(x, y, Rgb(colour(0.0, value)));
    }
    Ok(picture)
}
