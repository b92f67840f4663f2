//! Pictures as JPEG, PNG, WebP, BMP, TIFF or PNM: what their headers say, and their pixels at one shape.
use super::{
    Images, MAX_PACKED as MAX_FILE_BYTES, PictureFile, open,
    whole::{TAIL_BYTES, ends_well, ensure_whole},
};
use crate::{
    data::{fitting::fitted, watch::Watch},
    errors::{At as _, Remark},
    shape::ImageShape,
};
use anyhow::{Context as _, Result, anyhow, ensure};
use image::{DynamicImage, ImageDecoder, ImageReader, Limits, metadata::Orientation};
use rayon::prelude::*;
use std::{
    borrow::Cow,
    io::{Cursor, Read as _, Seek as _, SeekFrom},
    path::Path,
};

/// Wider or higher pictures are passed over.
const MAX_SIDE: u32 = 20_000;
/// The memory that decoding one picture may take.
const MAX_ALLOC: u64 = 512 << 20;
/// What is read of a file for its header; where that is too little, all of it is.
const HEAD_BYTES: u64 = 16 << 10;

/// Pictures that are decoded to see whether there is any colour in them.
const SAMPLED: usize = 32;
/// How far red, green and blue may be apart in what passes for grey.
const GREY: u8 = 12;

/// The endings of files that can be decoded.
pub const ENDINGS: [&str; 15] = [
    "png", "jpg", "jpeg", "jpe", "jfif", "pjpeg", "pjp", "webp", "bmp", "tif", "tiff", "pgm", "ppm", "pbm",
    "pnm",
];
/// The endings of pictures that cannot be, and what they are.
const UNREADABLE: [(&str, &str); 23] = [
    ("gif", "GIF"),
    ("avif", "AVIF"),
    ("heic", "HEIC"),
    ("heif", "HEIC"),
    ("jp2", "JPEG 2000"),
    ("j2k", "JPEG 2000"),
    ("jxl", "JPEG XL"),
    ("svg", "SVG"),
    ("tga", "TGA"),
    ("ico", "ICO"),
    ("dds", "DDS"),
    ("exr", "OpenEXR"),
    ("hdr", "Radiance HDR"),
    ("psd", "Photoshop"),
    ("dcm", "DICOM"),
    ("dng", "raw camera files"),
    ("cr2", "raw camera files"),
    ("nef", "raw camera files"),
    ("arw", "raw camera files"),
    ("nii", "NIfTI"),
    ("npy", "NumPy .npy"),
    ("pdf", "PDF"),
    ("mp4", "video"),
];

/// What the headers of images say, or what is wrong with them.
pub struct Headers {
    pub seen: Vec<Result<Seen, Remark>>,
}

/// What a header says.
#[derive(Clone, Copy)]
pub struct Seen {
    /// Height and width.
    pub size: [usize; 2],
    pub coloured: bool,
}

impl Headers {
    pub fn good(&self) -> impl Iterator<Item = &Seen> {
        self.seen.iter().flatten()
    }
}

/// Whether a file is a picture, by the ending of its name.
pub fn is_picture(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

/// What a file is that is a picture and cannot be read, by the ending of its name.
pub fn unreadable(path: &Path) -> Option<&'static str> {
    let ending = path.extension()?;
    UNREADABLE.iter().find(|(known, _)| ending.eq_ignore_ascii_case(known)).map(|(_, kind)| *kind)
}

/// Reads the headers of images.
pub fn headers(images: &Images, watch: &Watch) -> Headers {
    let count = images.count();
    if let Images::Raw { shape, .. } = images {
        let seen = Seen { size: [shape.height, shape.width], coloured: shape.channels == 3 };
        return Headers { seen: vec![Ok(seen); count] };
    }
    let one = |place| {
        watch.did(1).map_err(|stopped| Remark::from(stopped.to_string()))?;
        header(images, place).map_err(|error| images.complaint(place, error))
    };
    let mut seen: Vec<_> = (0..count).into_par_iter().map(one).collect();
    let good: Vec<usize> = (0..count).filter(|place| seen[*place].is_ok()).collect();
    let some: Vec<usize> = good.iter().step_by((good.len() / SAMPLED).max(1)).copied().collect();
    if some.par_iter().all(|place| decode(images, *place).is_ok_and(|image| is_grey(&image))) {
        seen.iter_mut().flatten().for_each(|seen| seen.coloured = false);
    }
    Headers { seen }
}

/// How a picture lies in its file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stored {
    /// Width and height.
    pub size: [u32; 2],
    /// How it is turned to be upright.
    pub orientation: Orientation,
}

impl Stored {
    /// Width and height once it is upright.
    pub fn upright(self) -> [f64; 2] {
        let [width, height] = self.size.map(f64::from);
        if is_sideways(self.orientation) { [height, width] } else { [width, height] }
    }
}

/// How the picture of a file lies in it.
///
/// # Errors
/// Where it cannot be read, or is no picture.
pub fn stored(path: &Path) -> Result<Stored> {
    let picture = PictureFile { path: path.to_path_buf(), crop: None };
    let images = Images::Pictures(vec![picture]);
    let head = images.encoded(0, HEAD_BYTES)?;
    from_head(&images, 0, &head, |mut decoder| {
        let (width, height) = decoder.dimensions();
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        Ok(Stored { size: [width, height], orientation })
    })
}

/// Reads what the beginning of a picture says, or all of it where that does not.
fn from_head<T>(
    images: &Images,
    place: usize,
    head: &[u8],
    read: impl Fn(Box<dyn ImageDecoder + '_>) -> Result<T>,
) -> Result<T> {
    let found = decoder(head).and_then(|decoder| read(Box::new(decoder)));
    if found.is_ok() || (head.len() as u64) < HEAD_BYTES {
        return found;
    }
    decoder(&images.encoded(place, MAX_FILE_BYTES)?).and_then(|decoder| read(Box::new(decoder)))
}

fn header(images: &Images, place: usize) -> Result<Seen> {
    let (head, tail) = images.ends(place)?;
    // so that it is known before anything is trained
    let is_doubtful = !ends_well(&head, &tail);
    if is_doubtful {
        ensure_whole(&images.encoded(place, MAX_FILE_BYTES)?)?;
    }
    let seen = from_head(images, place, &head, |decoder| seen(decoder))?;
    if is_doubtful {
        decode(images, place)?;
    }
    let Some([_, _, width, height]) = images.crop(place) else { return Ok(seen) };
    Ok(Seen { size: [height as usize, width as usize], ..seen })
}

fn seen(mut decoder: impl ImageDecoder) -> Result<Seen> {
    let (width, height) = decoder.dimensions();
    let is_sideways = decoder.orientation().is_ok_and(is_sideways);
    let size = if is_sideways { [width, height] } else { [height, width] };
    Ok(Seen { size: size.map(|side| side as usize), coloured: decoder.color_type().has_color() })
}

/// Whether red, green and blue are equal in every pixel, even where the file could hold colours.
fn is_grey(image: &DynamicImage) -> bool {
    image.to_rgb8().pixels().all(|pixel| pixel.0.iter().all(|part| part.abs_diff(pixel[0]) <= GREY))
}

/// The pixels of an image at a shape.
///
/// # Errors
/// Where it cannot be read, with the file that it is in.
pub fn pixels(images: &Images, place: usize, shape: ImageShape) -> Result<Vec<u8>> {
    let decoded = decode(images, place).map(|image| fitted(image, shape));
    decoded.map_err(|error| anyhow::Error::msg(images.complaint(place, error)))
}

fn decode(images: &Images, place: usize) -> Result<DynamicImage> {
    if let Images::Raw { shape, pixels } = images {
        let size = shape.len();
        return shape.image(&pixels[place * size..][..size]).context("it is cut short");
    }
    let mut image = upright(&images.encoded(place, MAX_FILE_BYTES)?)?;
    if let Some([left, top, width, height]) = images.crop(place) {
        image = image.crop_imm(left, top, width, height);
        ensure!(image.width() > 0 && image.height() > 0, "a box lies outside it");
    }
    Ok(image)
}

/// A picture of its own, upright.
///
/// # Errors
/// Where the file cannot be read, or is no picture.
pub fn open_picture(path: &Path) -> Result<DynamicImage> {
    let mut encoded = vec![];
    let read = open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut encoded);
    read.context("Could not read the picture").at(path)?;
    ensure!(
        encoded.len() as u64 <= MAX_FILE_BYTES,
        anyhow!("The picture is larger than {} MiB: make it smaller", MAX_FILE_BYTES >> 20).at(path)
    );
    const UNREADABLE: &str =
        "The picture cannot be read: use PNG, JPEG, WebP or BMP, of at most 20,000 pixels a side";
    upright(&encoded).context(UNREADABLE).at(path)
}

fn upright(encoded: &[u8]) -> Result<DynamicImage> {
    ensure_whole(encoded)?;
    let mut decoder = decoder(encoded)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder)?;
    ensure!(
        !matches!(image, DynamicImage::ImageRgb32F(_) | DynamicImage::ImageRgba32F(_)),
        "its pixels are fractions of no known range: save it with 8 or 16 bits"
    );
    image.apply_orientation(orientation);
    Ok(image)
}

fn decoder(encoded: &[u8]) -> Result<impl ImageDecoder + '_> {
    let mut reader = ImageReader::new(Cursor::new(encoded)).with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOC);
    reader.limits(limits);
    Ok(reader.into_decoder()?)
}

fn is_sideways(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
}

impl Images {
    /// The bytes of a picture, up to a limit.
    fn encoded(&self, place: usize, most: u64) -> Result<Cow<'_, [u8]>> {
        let mut bytes = vec![];
        match self {
            Images::Raw { .. } => {}
            Images::Pictures(pictures) => {
                open(&pictures[place].path)?.take(most).read_to_end(&mut bytes)?;
            }
            Images::Packed { read, .. } => return Ok(read(place)?.into()),
        }
        Ok(bytes.into())
    }

    /// The first bytes of a picture, or all of it, and its last ones.
    fn ends(&self, place: usize) -> Result<(Cow<'_, [u8]>, Vec<u8>)> {
        let Images::Pictures(pictures) = self else {
            let all = self.encoded(place, HEAD_BYTES)?;
            let tail = all[all.len().saturating_sub(TAIL_BYTES)..].to_vec();
            return Ok((all, tail));
        };
        let (mut head, mut tail) = (vec![], vec![]);
        let mut file = open(&pictures[place].path)?;
        file.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
        if (head.len() as u64) < HEAD_BYTES {
            tail.extend(&head[head.len().saturating_sub(TAIL_BYTES)..]);
        } else {
            file.seek(SeekFrom::End(-(TAIL_BYTES as i64)))?;
            file.take(TAIL_BYTES as u64).read_to_end(&mut tail)?;
        }
        Ok((head.into(), tail))
    }

    fn crop(&self, place: usize) -> Option<[u32; 4]> {
        match self {
            Images::Pictures(pictures) => pictures[place].crop,
            _ => None,
        }
    }

    /// What is wrong with a picture, and where it is.
    fn complaint(&self, place: usize, error: anyhow::Error) -> Remark {
        match self {
            Images::Pictures(pictures) => {
                let text = "A picture cannot be read, so replace or remove it";
                (&error.context(text).at(&pictures[place].path)).into()
            }
            _ => (&error.context(format!("Image {place} cannot be read"))).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ExtendedColorType, ImageEncoder as _, codecs::jpeg::JpegEncoder};

    /// A photograph of 8 by 4 pixels, its left half white, that a camera held sideways has marked as to be turned.
    #[test]
    fn what_a_camera_held_sideways_took_is_turned() {
        let pixels: Vec<u8> = (0..32).map(|place| if place % 8 < 4 { 255 } else { 0 }).collect();
        let mut bytes = vec![];
        let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 95);
        // little-endian TIFF of one entry: tag 0x0112 (orientation), a short, 6: turn by 90° clockwise
        let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        encoder.set_exif_metadata(exif.to_vec()).unwrap();
        encoder.write_image(&pixels, 8, 4, ExtendedColorType::L8).unwrap();
        let images = Images::Packed { count: 1, read: Box::new(move |_| Ok(bytes.clone())) };
        assert_eq!(headers(&images, &Watch::default()).seen[0].as_ref().unwrap().size, [8, 4]);
        let shape = ImageShape { height: 8, width: 4, channels: 1 };
        let turned = super::pixels(&images, 0, shape).unwrap();
        // what was at the left is at the top
        assert!(turned[..12].iter().all(|grey| *grey > 200), "{turned:?}");
        assert!(turned[20..].iter().all(|grey| *grey < 50), "{turned:?}");
    }
}
