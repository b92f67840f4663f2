//! Tables of pixels as programs and people write them.
use super::{
    layouts::counts,
    tables::{of, tables, totals},
    *,
};

fn row(image: usize) -> String {
    // the corners hardly ever change
    let pixel = |place: usize| if place.is_multiple_of(15) { 0 } else { (image * 37 + place * 11) % 256 };
    (0..16).map(|place| pixel(place).to_string()).collect::<Vec<_>>().join(",")
}

fn first_image(set: &Dataset) -> Vec<u8> {
    let images: Vec<Vec<u8>> = [&set.train, &set.test]
        .iter()
        .flat_map(|part| all(part).0.chunks(16).map(Into::into).collect::<Vec<_>>())
        .collect();
    images.into_iter().find(|image| image[1] == 11).unwrap()
}

#[test]
fn pixels_are_read_in_every_way_of_writing_them() {
    let header = (0..16).map(|place| format!("pixel{place}")).collect::<Vec<_>>().join(",");
    let rows = |row: &dyn Fn(usize) -> String| (0..12).map(row).collect::<String>();
    let expected: Vec<u8> =
        (0..16_usize).map(|place| if place.is_multiple_of(15) { 0 } else { (place * 11) as u8 }).collect();
    let table = |name: &str, text: String| {
        let folder = tables(&[], &[(name, &text)]);
        let set = of(&folder);
        assert_eq!(totals(&set), [("0", 6), ("1", 6)].into(), "{text}");
        assert_eq!(first_image(&set), expected, "{text}");
        assert!(set.notes.passed_over.is_empty(), "{text}: {:?}", set.notes);
    };
    let label = |image: usize| image % 2;
    table(
        "train.csv",
        format!("label,{header}\n{}", rows(&|image| format!("{},{}\n", label(image), row(image)))),
    );
    table(
        "train.csv",
        format!(
            "\u{feff}label;{}\r\n{}",
            header.replace(',', ";"),
            rows(&|image| format!("{}.0;{}\r\n", label(image), row(image).replace(',', ";")))
        ),
    );
    table(
        "train.csv",
        format!(",{header},class\n{}", rows(&|image| format!("{image},{},{}\n", row(image), label(image)))),
    );
    table("train.csv", rows(&|image| format!("{},{}\n", row(image), label(image))));
    table("train.csv", rows(&|image| format!("{image},{},{}\n", label(image), row(image))));
    table(
        "train.csv",
        format!(
            "{header},label_0,label_1\n{}",
            rows(&|image| format!("{},{},{}\n", row(image), 1 - label(image), label(image)))
        ),
    );
    table("train.tsv", rows(&|image| format!("{}\t{}\n", label(image), row(image).replace(',', "\t"))));
    let set = of(&tables(
        &[],
        &[(
            "fer2013.csv",
            &format!(
                "emotion,pixels,Usage\n{}",
                rows(&|image| format!(
                    "{},{},{}\n",
                    label(image),
                    row(image).replace(',', " "),
                    ["Training", "Training", "PublicTest", "PrivateTest"][image % 4]
                ))
            ),
        )],
    ));
    assert_eq!(counts(&set), [("0", [3, 3]), ("1", [3, 3])].into());
    assert_eq!(first_image(&set), expected);
}

#[test]
fn parts_of_tables_of_pixels_share_one_range() {
    let line = |grey: &str, label: usize| format!("{label},{}\n", vec![grey; 16].join(","));
    let train = [line("0", 0), line("255", 1), line("9", 0), line("8", 1)].concat();
    let set =
        of(&tables(&[], &[("x_train.csv", &train), ("x_test.csv", &[line("1", 0), line("1", 1)].concat())]));
    assert_eq!((set.train.len(), set.test.len()), (4, 2));
    assert_eq!(*set.test.image(0).unwrap(), [1; 16]);
    let header = format!(
        "{},label_0,label_1\n",
        (0..16).map(|place| format!("p{place}")).collect::<Vec<_>>().join(",")
    );
    let rows: String = (0..12).map(|image| format!("{},{},1\n", row(image), u8::from(image == 5))).collect();
    let rows = rows + &(0..12).map(|image| format!("{},1,0\n", row(image + 20))).collect::<String>();
    let said = refused(tables(&[], &[("train.csv", &(header + &rows))]).path());
    assert!(said.contains("Line 7: ") && said.contains("several ones"), "{said}");
}

/// tensorflow/datasets#812, myleott/mnist_png#3: EMNIST is published with rows and columns exchanged.
#[test]
fn tables_of_emnist_are_turned_upright() {
    let set = read(&case("22-emnist-csv/data"), &choice()).unwrap();
    assert_eq!((set.train.len() + set.test.len(), set.info.class_names.len()), (48, 26));
    assert!(set.notes.remarks.concat().contains("turned upright"), "{:?}", set.notes);
    let text = fs::read_to_string(case("22-emnist-csv/data/emnist-letters-train.csv")).unwrap();
    let first: Vec<usize> =
        text.lines().next().unwrap().split(',').map(|field| field.parse().unwrap()).collect();
    assert_eq!(
        set.info.class_names[usize::from(set.train.labels()[0])],
        char::from(b'A' + first[0] as u8 - 1).to_string()
    );
    let image = set.train.image(0).unwrap();
    for (y, x) in [(0, 0), (3, 17), (14, 10), (20, 8)] {
        assert_eq!(usize::from(image[y * 28 + x]), first[1 + x * 28 + y]);
    }
}
