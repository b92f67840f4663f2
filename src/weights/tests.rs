//! Files as others write them, and as those do who want to harm. Those of tests/data/weights were written by
//! tests/data/weights.py.
use super::*;
use crate::errors::message;
use std::fs;

fn data(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/weights")).join(name)
}

fn refusal(path: &Path) -> String {
    let said = message(&TensorFile::open(path).unwrap_err());
    assert!(said.starts_with("Could not read the weights: ") && said.contains("\nFile: "), "{said}");
    said
}

/// What a file with these bytes is refused for.
fn refused(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights");
    fs::write(&path, bytes).unwrap();
    refusal(&path)
}

fn counted(numbers: impl IntoIterator<Item = usize>) -> Vec<f32> {
    numbers.into_iter().map(|number| number as f32).collect()
}

/// Holds a file to what tests/data/weights.py has in it.
fn check(file: &TensorFile) {
    assert_eq!(file.format(), Format::Pytorch);
    let shapes: Vec<_> = file.tensors().map(|(name, info)| (name, &info.shape[..])).collect();
    let expected: [(&str, &[usize]); 10] = [
        ("bn.num_batches_tracked", &[]),
        ("brain", &[2]),
        ("double", &[2]),
        ("empty", &[0, 3]),
        ("half", &[2]),
        ("one.bias", &[]),
        ("parameter", &[1]),
        ("part.weight", &[2, 3]),
        ("plain.weight", &[2, 3, 4]),
        ("turned.weight", &[6, 4]),
    ];
    assert_eq!(shapes, expected);
    let read = |name: &str| file.read(name).unwrap();
    assert_eq!(read("plain.weight"), counted(0..24));
    assert_eq!(read("turned.weight"), counted((0..6).flat_map(|row| (0..4).map(move |at| row + 6 * at))));
    assert_eq!(read("part.weight"), counted([8, 9, 10, 14, 15, 16]));
    assert_eq!(read("one.bias"), [7.0]);
    assert_eq!(read("parameter"), [3.0]);
    assert!(read("empty").is_empty());
    for name in ["double", "half", "brain"] {
        assert_eq!(read(name), [0.5, -1.5], "{name}");
    }
    let said = format!("{:#}", file.read("bn.num_batches_tracked").unwrap_err());
    assert_eq!(said, "holds I64 where F32 is needed");
    assert!(file.read("nothing").is_err());
}

#[test]
fn what_torch_saves_is_read_with_its_views() {
    for name in ["zip.pt", "legacy.th"] {
        let file = TensorFile::open(&data(name)).unwrap();
        assert!(file.remarks.is_empty(), "{:?}", file.remarks);
        check(&file);
    }
}

#[test]
fn the_weights_of_a_checkpoint_are_found_and_the_rest_is_said() {
    for name in ["checkpoint.pth", "checkpoint-legacy.pth"] {
        let file = TensorFile::open(&data(name)).unwrap();
        check(&file);
        let said = [
            "The weights are those under model",
            "Passed over beside the weights: epoch, best, device, optimizer (an optimiser's state), model_ema",
        ];
        assert_eq!(file.remarks, said);
    }
}

#[test]
fn a_module_that_was_saved_whole_is_refused_by_its_name() {
    let said = refusal(&data("module.pt"));
    assert!(said.contains("wants to call torch.nn.modules.linear.Linear"), "{said}");
}

#[test]
fn cut_anywhere_a_file_is_refused_or_its_tensors_are() {
    for name in ["zip.pt", "legacy.th"] {
        let whole = fs::read(data(name)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        for end in (0..whole.len()).step_by(37) {
            fs::write(&path, &whole[..end]).unwrap();
            assert!(refusal(&path).len() < 400);
        }
    }
}

#[test]
fn damaged_anywhere_a_file_is_refused_or_harmless() {
    for name in ["zip.pt", "legacy.th"] {
        let whole = fs::read(data(name)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        for at in (0..whole.len()).step_by(5) {
            let mut damaged = whole.clone();
            damaged[at] = damaged[at].wrapping_add(0x7f);
            fs::write(&path, &damaged).unwrap();
            if let Ok(file) = TensorFile::open(&path) {
                let names: Vec<String> = file.tensors().map(|(name, _)| name.to_owned()).collect();
                let numbers = names.iter().filter_map(|name| file.read(name).ok()).map(|read| read.len());
                assert!(numbers.sum::<usize>() <= 16 * whole.len());
            }
        }
    }
}

/// A bare pickle of a state_dict with one tensor, as PyTorch wrote it before 1.6.
fn legacy(dictionary: &str, numbers: &[f32], count: i64) -> Vec<u8> {
    let mut bytes = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.".to_vec();
    bytes.extend(b"\x80\x02}U\x0dlittle_endian\x88s.");
    bytes.extend(dictionary.as_bytes());
    bytes.extend(b"\x80\x02]U\x011a.");
    bytes.extend(count.to_le_bytes());
    numbers.iter().for_each(|number| bytes.extend(number.to_le_bytes()));
    bytes
}

/// A dictionary of a tensor of these dimensions, strides and offset, in a storage of eight numbers.
fn tensor(shape: &str, strides: &str, offset: i64) -> String {
    format!(
        "}}S'w'\nctorch._utils\n_rebuild_tensor_v2\n((S'storage'\nctorch\nFloatStorage\nS'1'\nS'cpu'\nI8\ntQI{offset}\n({shape}t({strides}tI00\n}}tRs."
    )
}

#[test]
fn views_stay_within_their_storage() {
    let numbers: Vec<f32> = counted(0..8);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.th");
    let open = |dictionary: &str| {
        fs::write(&path, legacy(dictionary, &numbers, 8)).unwrap();
        TensorFile::open(&path)
    };
    let read = |dictionary: &str| open(dictionary).unwrap().read("w").unwrap();
    assert_eq!(read(&tensor("I2\nI4\n", "I4\nI1\n", 0)), numbers);
    assert_eq!(read(&tensor("I2\nI2\n", "I1\nI4\n", 1)), counted([1, 5, 2, 6]));
    // one number, taken for several
    assert_eq!(read(&tensor("I2\nI3\n", "I0\nI0\n", 7)), counted([7; 6]));
    let past = [
        tensor("I9\n", "I1\n", 0),
        tensor("I8\n", "I1\n", 1),
        tensor("I2\n", "I8\n", 0),
        tensor("I3\nI3\n", "I0\nI0\n", 0),
        tensor("I4294967296\nI4294967296\n", "I1\nI1\n", 0),
        tensor("I9223372036854775807\n", "I9223372036854775807\n", 0),
        tensor("I1\n", "I1\n", 9223372036854775807),
        tensor("I2\nI2\n", "I1\n", 0),
    ];
    for dictionary in past {
        let said = message(&open(&dictionary).unwrap_err());
        assert!(said.contains(": w would be [") && said.contains("more than the 32 bytes"), "{said}");
    }
    for negative in [tensor("I-1\n", "I1\n", 0), tensor("I1\n", "I-1\n", 0), tensor("I1\n", "I1\n", -1)] {
        assert!(message(&open(&negative).unwrap_err()).contains("w it is damaged"));
    }
    let many = tensor(&"I1\n".repeat(17), &"I1\n".repeat(17), 0);
    assert!(message(&open(&many).unwrap_err()).contains("17 dimensions"));
}

#[test]
fn storages_that_lie_about_their_size_are_refused() {
    let dictionary = tensor("I8\n", "I1\n", 0);
    let numbers = counted(0..8);
    for count in [9, 1 << 40, i64::MAX, -1] {
        let said = refused(&legacy(&dictionary, &numbers, count));
        assert!(
            said.contains("the storage 1 would have") && said.contains("more than the file has"),
            "{said}"
        );
    }
    // less than the pickle says
    let said = refused(&legacy(&dictionary, &numbers, 7));
    assert!(said.contains("more than the 28 bytes"), "{said}");
}

#[test]
fn pickles_that_would_do_something_are_refused_by_its_name() {
    for wild in [
        &b"\x80\x02cos\nsystem\n(S'echo'\ntR."[..],
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04echo\x85R.",
    ] {
        let said = refused(wild);
        assert!(said.contains("wants to call os.system"), "{said}");
    }
    let said = refused(&legacy("cos\nsystem\n(S'echo'\ntR.", &[], 0));
    assert!(said.contains("wants to call os.system"), "{said}");
    let deep = format!("{}{}.", "(".repeat(10_000), "t".repeat(10_000));
    let said = refused(&legacy(&deep, &[], 0));
    assert!(said.contains("nested more deeply"), "{said}");
    let said = refused(b"\x80\x02K\x01.");
    assert!(said.contains("torch.save did not write"), "{said}");
    let said = refused(&legacy("}S'epoch'\nI1\ns.", &[], 0));
    assert!(said.contains("no dictionary of tensors"), "{said}");
}

/// A safetensors file.
fn safetensors(header: &str, numbers: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), numbers].concat()
}

fn entry(name: &str, kind: &str, shape: &str, end: u64) -> String {
    format!(r#""{name}":{{"dtype":"{kind}","shape":{shape},"data_offsets":[0,{end}]}}"#)
}

#[test]
fn safetensors_are_read_in_every_kind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let one = [0, 0, 0x80, 0x3f, 0, 0, 0, 0];
    let entries = [
        entry("f32", "F32", "[1]", 4),
        entry("bf16", "BF16", "[2,1]", 4),
        entry("f16", "F16", "[]", 2),
        entry("f64", "F64", "[1]", 8),
        entry("counter", "I64", "[]", 8),
        entry("odd", "F8_E4M3", "[1000]", 3),
        entry("empty", "F32", "[0,5]", 0),
    ];
    let header = format!(r#"{{"__metadata__":{{"a":"b"}},{}}}"#, entries.join(","));
    // a header of such a length begins as a pickle does
    let header = format!("{header}{}", " ".repeat(0x380 - header.len()));
    fs::write(&path, safetensors(&header, &one)).unwrap();
    let file = TensorFile::open(&path).unwrap();
    assert_eq!((file.format(), file.tensors().len()), (Format::Safetensors, 7));
    assert_eq!(file.read("f32").unwrap(), [1.0]);
    assert_eq!(file.read("bf16").unwrap(), [0.0, 1.0]);
    assert_eq!(file.get("bf16").unwrap().shape, [2, 1]);
    assert_eq!(file.read("f16").unwrap(), [0.0]);
    assert!(file.read("empty").unwrap().is_empty());
    assert!(file.get("counter").unwrap().kind.is_whole());
    assert_eq!(format!("{:#}", file.read("odd").unwrap_err()), "holds F8_E4M3 where F32 is needed");
}

#[test]
fn safetensors_that_claim_more_than_they_have_are_refused() {
    let claims = |kind: &str, shape: &str, end: u64| {
        refused(&safetensors(&format!("{{{}}}", entry("w", kind, shape, end)), &[0; 4]))
    };
    for (said, expected) in [
        (claims("F32", "[5000000000]", 20_000_000_000), "w would take the bytes 0 to 20000000000 of 4"),
        (claims("F32", "[2]", 4), "w is [2] in F32, for which it has 4 bytes"),
        (claims("F32", "[4294967296,4294967296]", 4), "for which it has 4 bytes"),
        (claims("F32", "[-1]", 4), "no whole safetensors file"),
        (claims("F32", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", 4), "17 dimensions"),
        (refused(&safetensors("{}", &[])[..9]), "its header would take 2 bytes of 1 bytes"),
        (refused(&[&u64::MAX.to_le_bytes()[..], b"{}"].concat()), "its header would take"),
        (refused(&safetensors("{not JSON", &[])), "no whole safetensors file"),
        (refused(b""), "neither safetensors nor"),
        (refused(b"some text"), "neither safetensors nor"),
        (refused(b"PK\x03\x04 cut short"), "cut short or damaged"),
        (refused(b"version https://git-lfs.github.com/spec/v1"), "git lfs pull"),
        (refused(b"{}"), "no index of weights"),
    ] {
        assert!(said.contains(expected), "{expected:?} is not in: {said}");
    }
}

#[test]
fn zip_archives_of_something_else_are_refused() {
    use std::io::Write as _;
    use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};
    let archive = |names: &[&str], how: CompressionMethod| {
        let mut writer = ZipWriter::new(std::io::Cursor::new(vec![]));
        for name in names {
            writer.start_file(*name, SimpleFileOptions::default().compression_method(how)).unwrap();
            writer.write_all(b"cos\nsystem\n(S'echo'\ntR.").unwrap();
        }
        refused(&writer.finish().unwrap().into_inner())
    };
    let said = archive(&["a.txt"], CompressionMethod::Stored);
    assert!(said.contains("PyTorch did not write"), "{said}");
    let said = archive(&["model/data.pkl"], CompressionMethod::Stored);
    assert!(said.contains("wants to call os.system"), "{said}");
    let said = archive(&["model/data.pkl"], CompressionMethod::Deflated);
    assert!(said.contains("data.pkl is packed"), "{said}");
}

#[test]
fn shards_are_read_beside_their_index_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let index = |map: &str| {
        fs::write(path("model.safetensors.index.json"), format!(r#"{{"metadata":{{}},"weight_map":{map}}}"#))
    };
    for (name, number) in [("a", 1.0f32), ("b", 2.0)] {
        let header = format!("{{{},{}}}", entry(name, "F32", "[1]", 4), entry("both", "F32", "[1]", 4));
        fs::write(path(&format!("{name}.safetensors")), safetensors(&header, &number.to_le_bytes())).unwrap();
    }
    index(r#"{"a":"a.safetensors","b":"b.safetensors","both":"b.safetensors"}"#).unwrap();
    for opened in [folder.path().to_path_buf(), path("model.safetensors.index.json")] {
        let file = TensorFile::open(&opened).unwrap();
        let read = ["a", "b", "both"].map(|name| file.read(name).unwrap()[0]);
        assert_eq!((file.tensors().len(), read), (3, [1.0, 2.0, 2.0]));
    }
    for (map, expected) in [
        (r#"{"a":"../a.safetensors"}"#, "../a.safetensors, which is not beside it"),
        (r#"{"a":"/etc/passwd"}"#, "not beside it"),
        (r#"{"a":"..\\a"}"#, "not beside it"),
        (r#"{"a":".."}"#, "not beside it"),
        (r#"{"a":"c.safetensors"}"#, "c.safetensors is missing, which the index names"),
        (r#"{"c":"a.safetensors"}"#, "c is not in a.safetensors"),
        (r#"{"a":"model.safetensors.index.json"}"#, "in place of a file of tensors"),
        ("{}", "names no tensors"),
    ] {
        index(map).unwrap();
        let said = refusal(folder.path());
        assert!(said.contains(expected), "{expected:?} is not in: {said}");
    }
}

#[test]
fn a_folder_has_one_file_of_weights_or_says_which() {
    let folder = tempfile::tempdir().unwrap();
    let said = |folder: &Path| message(&within(folder).unwrap_err());
    assert!(said(folder.path()).contains("holds no weights"));
    fs::write(folder.path().join("readme.txt"), "").unwrap();
    fs::write(folder.path().join("one.pth"), "").unwrap();
    assert_eq!(within(folder.path()).unwrap(), folder.path().join("one.pth"));
    fs::write(folder.path().join("two.pth"), "").unwrap();
    assert!(said(folder.path()).contains("choose one, such as one.pth, two.pth"));
    fs::write(folder.path().join("pytorch_model.bin"), "").unwrap();
    assert_eq!(within(folder.path()).unwrap(), folder.path().join("pytorch_model.bin"));
    assert!(message(&TensorFile::open(Path::new("/nowhere")).unwrap_err()).contains("there is no such file"));
}
