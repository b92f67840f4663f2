//! A small sample of every format.
use super::{CLASSES, IMAGES};
use std::{fs, io::Write as _};

/// A folder with a sample of a format, of [`IMAGES`] training images in [`CLASSES`] classes.
pub fn sample(format: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let write = |name: &str, bytes: &[u8]| {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let label = |image: usize| image % CLASSES;
    let pixel = |image: usize, place: usize| (image * 37 + place * 11) as u8;
    let picture = |image: usize, side: u32| {
        let mut bytes = std::io::Cursor::new(vec![]);
        let pixels =
            image::GrayImage::from_fn(side, side, |x, y| [pixel(image, (x * side + y) as usize)].into());
        pixels.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        bytes.into_inner()
    };
    let labels: Vec<u8> = (0..IMAGES).map(|image| label(image) as u8).collect();
    let pixels = |size: usize| {
        (0..IMAGES).flat_map(|image| (0..size).map(move |place| pixel(image, place))).collect::<Vec<u8>>()
    };
    match format {
        "idx" => {
            let header =
                |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<u8>>();
            for part in ["train", "t10k"] {
                write(
                    &format!("{part}-images-idx3-ubyte"),
                    &[header(&[0x803, IMAGES as u32, 4, 4]), pixels(16)].concat(),
                );
                write(
                    &format!("{part}-labels-idx1-ubyte"),
                    &[header(&[0x801, IMAGES as u32]), labels.clone()].concat(),
                );
            }
        }
        "cifar" => {
            let record = |image: usize| {
                [vec![label(image) as u8], (0..3072).map(|place| pixel(image, place)).collect()].concat()
            };
            let records: Vec<u8> = (0..IMAGES).flat_map(record).collect();
            write("data_batch_1.bin", &records);
            write("test_batch.bin", &records[..3073 * 4]);
        }
        "npz" => {
            let images = ("x_train", "|u1", "12, 4, 4", &pixels(16)[..]);
            write("digits.npz", &npz_file(&[images, ("y_train", "|u1", "12,", &labels)]));
        }
        "usps" => {
            let line = |image: usize| {
                let greys =
                    (0..256).map(|place| format!("{:.4}", f32::from(pixel(image, place)) / 127.5 - 1.0));
                format!("{}.0000 {}\n", label(image), greys.collect::<Vec<_>>().join(" "))
            };
            write("zip.train", (0..IMAGES).map(line).collect::<String>().as_bytes());
        }
        "pixel_table" => {
            let header = format!(
                "label,{}\n",
                (0..16).map(|place| format!("pixel{place}")).collect::<Vec<_>>().join(",")
            );
            let line = |image: usize| {
                let pixels = (0..16).map(|place| pixel(image, place).to_string()).collect::<Vec<_>>();
                format!("{},{}\n", label(image), pixels.join(","))
            };
            write("train.csv", (header + &(0..IMAGES).map(line).collect::<String>()).as_bytes());
        }
        "image_table" => {
            let mut table = String::from("file,label,medium\n");
            for image in 0..IMAGES {
                write(&format!("images/{image}.png"), &picture(image, 4));
                table += &format!("images/{image}.png,{},\"pen, thin\"\n", label(image));
            }
            write("labels.csv", table.as_bytes());
        }
        "coco" => {
            write("train2017/1.png", &picture(1, 200));
            let boxes = (0..IMAGES).map(|image| {
                serde_json::json!({ "image_id": 7, "category_id": 10 + label(image), "bbox": [image * 4, 3.5, 30, 40 + image] })
            });
            let categories = (0..CLASSES)
                .map(|class| serde_json::json!({ "id": 10 + class, "name": format!("kind {class}") }));
            let annotations = serde_json::json!({
                "images": [{ "id": 7, "file_name": "1.png" }], "annotations": boxes.collect::<Vec<_>>(),
                "categories": categories.collect::<Vec<_>>(),
            });
            write("annotations/instances_train2017.json", annotations.to_string().as_bytes());
        }
        "voc" => {
            write("JPEGImages/1.png", &picture(1, 200));
            let thing = |image: usize| {
                let (left, name) = (1 + image * 4, format!("kind {}", label(image)));
                let (right, bottom) = (left + 29, 40 + image);
                format!(
                    "<object><name>{name}</name><difficult>0</difficult><bndbox><xmin>{left}</xmin><ymin>4</ymin><xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object>"
                )
            };
            let things: String = (0..IMAGES).map(thing).collect();
            let text = format!(
                "<annotation><filename>1.png</filename><size><width>200</width><height>200</height></size>{things}</annotation>"
            );
            write("Annotations/1.xml", text.as_bytes());
        }
        "yolo" => {
            write("images/1.png", &picture(1, 200));
            write("data.yaml", b"train: images\nnc: 2\nnames: ['kind 0', 'kind 1']\n");
            let line = |image: usize| {
                let left = image as f64 * 4.0;
                format!(
                    "{} {} 0.2 0.15 {}\n",
                    label(image),
                    (left + 15.0) / 200.0,
                    (40 + image) as f64 / 200.0
                )
            };
            write("labels/1.txt", (0..IMAGES).map(line).collect::<String>().as_bytes());
        }
        "parquet" => {
            for (name, rows) in [
                ("train-00000-of-00002", 0..7),
                ("train-00001-of-00002", 7..IMAGES),
                ("test-00000-of-00001", 0..4),
            ] {
                let rows: Vec<(Vec<u8>, i64)> =
                    rows.map(|image| (picture(image, 4), label(image) as i64)).collect();
                write(&format!("data/{name}.parquet"), &parquet_file(&rows));
            }
        }
        "archive" => {
            let mut archive = zip::ZipWriter::new(std::io::Cursor::new(vec![]));
            for image in 0..IMAGES {
                let name = format!("set/kind {}/{image}.png", label(image));
                archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
                archive.write_all(&picture(image, 4)).unwrap();
            }
            write("set.zip", &archive.finish().unwrap().into_inner());
        }
        "class_folders" => {
            for image in 0..IMAGES {
                write(&format!("kind {}/{image}.png", label(image)), &picture(image, 4));
            }
        }
        "named_pictures" => {
            for image in 0..IMAGES {
                write(&format!("kind {}.{image}.png", ["a", "b"][label(image)]), &picture(image, 4));
            }
        }
        other => panic!("the format {other} needs a sample here"),
    }
    folder
}

/// Arrays: the name, type, shape and bytes of each.
pub fn npz_file(arrays: &[(&str, &str, &str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(vec![]));
    for (name, kind, shape, body) in arrays {
        let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}\n");
        archive.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
        for bytes in [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), body]
        {
            archive.write_all(bytes).unwrap();
        }
    }
    archive.finish().unwrap().into_inner()
}

/// A file as the Hugging Face hub has it, in row groups of three.
pub fn parquet_file(rows: &[(Vec<u8>, i64)]) -> Vec<u8> {
    use ::parquet::{
        basic::Compression,
        data_type::{ByteArrayType, Int64Type},
        file::{metadata::KeyValue, properties::WriterProperties, writer::SerializedFileWriter},
        schema::parser::parse_message_type,
    };
    let schema = "message schema { optional group image { optional binary bytes; optional binary path (UTF8); } optional int64 label; }";
    let note = r#"{"info": {"features": {"image": {"_type": "Image"}, "label": {"names": ["ant", "bee"], "_type": "ClassLabel"}}}}"#;
    let note = KeyValue::new("huggingface".into(), note.to_string());
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_key_value_metadata(Some(vec![note]))
        .build();
    let schema = parse_message_type(schema).unwrap();
    let mut writer = SerializedFileWriter::new(vec![], schema.into(), properties.into()).unwrap();
    for rows in rows.chunks(3) {
        let mut group = writer.next_row_group().unwrap();
        let (full, partly) = (vec![2; rows.len()], vec![1; rows.len()]);
        let pictures: Vec<_> = rows.iter().map(|(bytes, _)| bytes.clone().into()).collect();
        let labels: Vec<_> = rows.iter().map(|(_, label)| *label).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&pictures, Some(&full), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&[], Some(&partly), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&labels, Some(&partly), None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}
