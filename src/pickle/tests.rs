//! Pickles as Python writes them, and as those do who want to harm.
use super::*;

fn read(bytes: &[u8]) -> Result<Pickle<'_>> {
    super::read(bytes, &["numpy.dtype"])
}

fn refused(bytes: &[u8]) -> String {
    format!("{:#}", read(bytes).unwrap_err())
}

/// A value as Python would show it.
fn shown(pickle: &Pickle, value: &Value) -> String {
    let list = |items: &[Place]| {
        items.iter().map(|place| shown(pickle, pickle.get(*place))).collect::<Vec<_>>().join(", ")
    };
    match value {
        Value::None => "None".into(),
        Value::Bool(is_true) => format!("{is_true}"),
        Value::Int(number) => format!("{number}"),
        Value::Float(number) => format!("{number:?}"),
        Value::Bytes(bytes) => format!("b{:?}", String::from_utf8_lossy(bytes)),
        Value::Text(text) => format!("{text:?}"),
        Value::List(items) => format!("[{}]", list(items)),
        Value::Tuple(items) => format!("({})", list(items)),
        Value::Dict(entries) => {
            let entries = entries.iter().map(|(key, value)| {
                format!("{}: {}", shown(pickle, pickle.get(*key)), shown(pickle, pickle.get(*value)))
            });
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Global(name) => name.to_string(),
        Value::Object(object) => {
            let state = object.state.map(|state| format!(" = {}", shown(pickle, pickle.get(state))));
            format!(
                "{}{}{}",
                object.of,
                shown(pickle, pickle.get(object.arguments)),
                state.unwrap_or_default()
            )
        }
        Value::Persistent(name) => format!("@{}", shown(pickle, pickle.get(*name))),
    }
}

/// Written by tests/data/formats.py, in each protocol: a dictionary of every kind of value, with a list that is there twice.
#[test]
fn every_protocol_gives_the_same_values() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/pickles");
    let expected = r#"{"none": None, "truths": [true, false], "whole": [0, -1, 255, 65535, -2147483648, 9223372036854775807], "real": 1.5, "text": "aé\n☃", "bytes": b"a\n", "tuples": ((), (1), (1, 2), (1, 2, 3), (1, 2, 3, 4)), "empty": [[], {}], "shared": [[7], [7]], "ordered": {"a": 1}}"#;
    for protocol in 0..=5 {
        let bytes = std::fs::read(format!("{folder}/{protocol}.pickle")).unwrap();
        let pickle = read(&bytes).unwrap_or_else(|error| panic!("{protocol}: {error:#}"));
        assert_eq!(shown(&pickle, pickle.root()), expected, "{protocol}");
        assert_eq!(pickle.len, bytes.len());
        let real = pickle.entry(pickle.root(), "real");
        assert_eq!(real, Some(&Value::Float(1.5)));
        // what follows is no part of it
        assert_eq!(read(&[&bytes[..], b"more"].concat()).unwrap().len, bytes.len());
        // cut anywhere, it is refused
        assert!((0..bytes.len()).all(|end| read(&bytes[..end]).is_err()), "{protocol}");
    }
}

#[test]
fn classes_are_names_and_only_those_that_are_allowed() {
    let pickle = read(b"cnumpy\ndtype\n(S'u1'\nI00\nI01\ntR(I3\nS'|'\ntb.").unwrap();
    assert_eq!(shown(&pickle, pickle.root()), "numpy.dtype(b\"u1\", false, true) = (3, b\"|\")");
    let pickle = read(b"(Pstored\nK\x01Qt.").unwrap();
    assert_eq!(shown(&pickle, pickle.root()), "(@b\"stored\", @1)");
    for wild in [
        &b"cos\nsystem\n(S'echo'\ntR."[..],
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04echo\x85R.",
        b"cos\nsystem\n.",
    ] {
        let said = refused(wild);
        assert!(
            said.contains("wants to call os.system") && said.contains("a source that you trust"),
            "{said}"
        );
    }
    // an instance by its class, and an extension by its number
    for other in [&b"(ios\nsystem\n."[..], b"(cos\nsystem\no.", b"\x82\x01."] {
        assert!(read(other).is_err());
    }
    assert!(refused(b"K\x01K\x02R.").contains("damaged"));
    assert!(refused(b"cnumpy\ndtype\nK\x02R.").contains("damaged"));
}

#[test]
fn lengths_that_lie_take_nothing() {
    for wild in [
        &b"T\xff\xff\xff\x7fab."[..],
        b"X\xff\xff\xff\xffab.",
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\xffab.",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7fab.",
        b"\x8b\xff\xff\xff\x7f.",
        b"S'ab.",
    ] {
        assert!(refused(wild).contains("cut short"), "{wild:?}");
    }
    for odd in [
        &b"."[..],
        b"0.",
        b"e.",
        b"(.",
        b"h\x07.",
        b"]K\x01K\x02s.",
        b"}K\x01a.",
        b"(K\x01d.",
        b"\x80\x09.",
        b"\xff.",
    ] {
        assert!(read(odd).is_err(), "{odd:?}");
    }
    // what lies below a mark is out of reach
    assert!(read(b"K\x01(0.").is_err());
    assert!(refused(b"L123456789012345678901234567890L\n.").contains("damaged"));
    assert!(refused(b"\x8a\x09\x01\x01\x01\x01\x01\x01\x01\x01\x01.").contains("more than eight bytes"));
}

#[test]
fn nothing_is_nested_too_deeply_or_within_itself() {
    let nested = |depth: usize| [vec![b']'; depth], vec![b'a'; depth - 1], vec![b'.']].concat();
    assert!(read(&nested(400)).is_ok());
    for depth in [600, 10_000, 1_000_000] {
        assert!(refused(&nested(depth)).contains("nested more deeply"), "{depth}");
        let tuples = [vec![b')'], vec![0x85; depth], vec![b'.']].concat();
        assert!(refused(&tuples).contains("nested more deeply"), "{depth}");
    }
    assert!(refused(b"]q\x00h\x00a.").contains("nested more deeply"));
    // each list holds the one before twice: as a tree it would be without end
    let mut doubled = vec![b']', b'q', 0];
    for place in 1..200u8 {
        doubled.extend([b']', b'h', place - 1, b'a', b'h', place - 1, b'a', b'q', place]);
    }
    doubled.push(b'.');
    assert!(read(&doubled).is_ok());
    // a text that is made into bytes again and again
    let mut made = b"c_codecs\nencode\nq\x00X\xe8\x03\x00\x00".to_vec();
    made.extend([b'a'; 1000]);
    made.extend(b"\x85q\x01");
    (0..5000).for_each(|_| made.extend(b"h\x00h\x01R"));
    made.push(b'.');
    assert!(refused(&made).contains("damaged"));
}

/// Bytes changed, cut off and put in, thousands of times: never a panic, and what is read is no longer than what there is.
#[test]
fn damaged_pickles_are_survived() {
    use crate::rng::rng;
    use rand::RngExt as _;
    let mut rng = rng(1, "damaged pickles", 0);
    for protocol in 0..=5 {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/pickles");
        let whole = std::fs::read(format!("{folder}/{protocol}.pickle")).unwrap();
        for turn in 0..5000 {
            let mut bytes = whole.clone();
            for _ in 0..=turn % 3 {
                let place = rng.random_range(0..bytes.len());
                let other = turn % bytes.len();
                match turn % 4 {
                    0 | 1 => bytes[place] = rng.random(),
                    2 => drop(bytes.splice(place..place, [rng.random(), b'h', 0])),
                    _ => bytes.swap(place, other),
                }
            }
            if let Ok(pickle) = read(&bytes) {
                assert!(pickle.len <= bytes.len());
            }
        }
    }
}
