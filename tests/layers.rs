//! Dependencies run strictly downwards, as ARCHITECTURE.md draws them.
use std::{fs, path::Path};

/// From the top down: a module may name those after it, and itself.
const LAYERS: [&[&str]; 21] = [
    &["main"],
    &["cli", "ui"],
    &["session"],
    &["librarian"],
    &["engine"],
    &["objectives"],
    &["models"],
    &["ops"],
    &["kernels"],
    &["export"],
    &["runs"],
    &["data"],
    &["listing"],
    &["protocol"],
    &["presets"],
    &["embedding", "evaluation", "experiment", "explanation", "inside", "noise", "rates"],
    &["spec"],
    &["metrics", "weights"],
    &["disk", "registry", "rng", "service"],
    &["sample"],
    &["errors", "nearest", "pickle", "shape"],
];

/// Modules among the lowest layers that are not plain data.
const TOOLS: [&str; 6] = ["disk", "errors", "nearest", "registry", "rng", "service"];

#[test]
fn nothing_imports_anything_above_it() {
    let mut checked = 0;
    visit(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut |path, text| {
        let relative = path.strip_prefix(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap();
        let own = relative.iter().next().unwrap().to_string_lossy().replace(".rs", "");
        // Tests may use layers above.
        if own == "lib" || relative.ends_with("tests.rs") {
            return;
        }
        let level = level(&own).unwrap_or_else(|| panic!("{own} has no layer"));
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        for name in named_modules(code) {
            let used = self::level(&name).unwrap_or(usize::MAX);
            let sibling = used == level && name != own;
            assert!(used >= level && !sibling, "{} names {name}, which is not below it", relative.display());
            checked += 1;
        }
        if level >= self::level("protocol").unwrap() && !TOOLS.contains(&own.as_str()) {
            let pointer = code.lines().find(|line| is_function_pointer(line));
            assert_eq!(pointer, None, "{} is plain data, and holds a function", relative.display());
        }
        for (word, homes) in [
            ("candle_", &["engine", "objectives", "models", "ops"][..]),
            ("egui", &["ui", "main"]),
            ("tracing", &["cli", "session"]),
            ("unsafe {", &["kernels", "main"]),
        ] {
            assert!(
                !code.contains(word) || homes.contains(&own.as_str()),
                "{} names {word}",
                relative.display()
            );
        }
    });
    assert!(checked > 50, "only {checked} imports were found: does this test still read them?");
}

/// What works with any kind of data, files and folders: how runs are described, trained, kept, shown and compared.
const ANY_DATA: [&str; 18] = [
    "engine/active_run",
    "engine/divergence",
    "engine/optimizers",
    "engine/outbox",
    "engine/resumption",
    "engine/schedules",
    "engine/trainer",
    "evaluation",
    "experiment",
    "listing",
    "presets",
    "protocol",
    "rng",
    "runs",
    "service",
    "session",
    "spec",
    "disk",
];

/// Those among them that name images, and why they must.
const OF_IMAGES: [(&str, &str); 2] = [
    ("protocol/visual.rs", "what is seen of a data set has a height, a width and bytes"),
    ("runs/log.rs", "logs of older versions count `images_per_sec`"),
];

#[test]
fn what_works_with_any_data_names_no_image() {
    let source = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    let (mut checked, mut naming) = (0, vec![]);
    visit(source, &mut |path, text| {
        let relative = path.strip_prefix(source).unwrap().to_string_lossy().replace('\\', "/");
        let is_of =
            |part: &&str| relative == format!("{part}.rs") || relative.starts_with(&format!("{part}/"));
        // Tests need some data, which may be images.
        if !ANY_DATA.iter().any(is_of) || relative.ends_with("tests.rs") {
            return;
        }
        checked += 1;
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap().to_lowercase();
        if ["image", "picture", "pixel"].iter().any(|word| code.contains(word)) {
            naming.push(relative);
        }
    });
    naming.sort();
    assert_eq!(naming, OF_IMAGES.map(|(file, _)| file));
    assert!(checked > 50, "only {checked} files were found: have they moved?");
}

/// Whether a line declares a field that holds a function, by which plain data would call upwards. A function that is passed
/// as an argument is allowed.
fn is_function_pointer(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    if code.contains("fn ") {
        return false;
    }
    ["fn(", "dyn Fn"].iter().any(|word| {
        code.match_indices(word)
            .any(|(at, _)| !code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_'))
    })
}

#[test]
fn functions_in_plain_data_are_found() {
    for held in ["    pub stages: fn(&Choice) -> Option<usize>,", "    wake: Box<dyn Fn() + Send>,"] {
        assert!(is_function_pointer(held), "{held}");
    }
    for free in
        ["    pub fn stages(&self) -> usize {", "    // a fn(x) of old", "    let known = define_fn(1);"]
    {
        assert!(!is_function_pointer(free), "{free}");
    }
}

fn level(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// The top-level modules that follow `crate::` or `headstart::`, grouped imports included.
fn named_modules(code: &str) -> Vec<String> {
    let mut found = vec![];
    for start in ["crate::", "headstart::"] {
        for (at, _) in code.match_indices(start) {
            found.extend(names(&code[at + start.len()..]));
        }
    }
    found.retain(|name| level(name).is_some());
    found
}

fn names(rest: &str) -> Vec<String> {
    let word =
        |text: &str| text.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect::<String>();
    let Some(group) = rest.strip_prefix('{') else { return vec![word(rest)] };
    let (mut depth, mut names, mut at_start) = (1, vec![], true);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => at_start = true,
            _ if c.is_whitespace() => {}
            _ if at_start => {
                names.push(word(&group[at..]));
                at_start = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names
}

fn visit(folder: &Path, each: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, each);
        } else {
            each(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}
