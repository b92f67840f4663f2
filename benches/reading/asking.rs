//! Asks the program about pictures, and counts.
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::{
    fmt::{self, Display},
    path::PathBuf,
    process::Command,
};

/// Above it an answer that is wrong is a wrong answer that was sure of itself.
const SURE: f64 = 0.9;

/// What a run read of some pictures.
#[derive(Default)]
pub struct Asked {
    pictures: usize,
    right: usize,
    /// Wrong, with a confidence above [`SURE`] in every digit, and not flagged.
    surely_wrong: usize,
}

/// The program and its run that are asked.
pub struct Reader {
    pub program: PathBuf,
    /// The run's name.
    pub run: String,
}

impl Reader {
    /// Has pictures read, each of which shows the digits beside it.
    pub fn ask(&self, pictures: &[(PathBuf, String)]) -> Result<Asked> {
        let mut command = Command::new(&self.program);
        command.args(["predict", &self.run, "--json"]).args(pictures.iter().map(|(path, _)| path));
        let output = command.output().context("Could not start the program")?;
        let lines = String::from_utf8(output.stdout)?;
        let answers: Vec<Value> = lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        ensure!(!answers.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut asked = Asked { pictures: pictures.len(), ..Asked::default() };
        for (path, digits) in pictures {
            let path = path.to_string_lossy();
            if let Some(answer) = answers.iter().find(|answer| answer["image"] == path.as_ref()) {
                asked.count(&read(answer), digits);
            }
        }
        Ok(asked)
    }
}

/// The classes that were read, and whether each answer was sure.
fn read(answer: &Value) -> Vec<(&str, bool)> {
    let one = std::slice::from_ref(answer);
    let digits = answer["digits"].as_array().map_or(one, Vec::as_slice);
    let is_sure = |digit: &Value| digit["confidence"].as_f64() > Some(SURE) && digit["outsider"] != true;
    digits.iter().map(|digit| (digit["class"].as_str().unwrap_or_default(), is_sure(digit))).collect()
}

impl Asked {
    fn count(&mut self, read: &[(&str, bool)], digits: &str) {
        let is_right = read.iter().map(|(class, _)| *class).eq(digits.chars().map(|digit| digit.to_string()));
        self.right += usize::from(is_right);
        self.surely_wrong += usize::from(!is_right && read.iter().all(|(_, is_sure)| *is_sure));
    }

    pub fn add(&mut self, other: &Self) {
        self.pictures += other.pictures;
        self.right += other.right;
        self.surely_wrong += other.surely_wrong;
    }
}

impl Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |count: usize| 100.0 * count as f64 / self.pictures as f64;
        write!(
            f,
            "{:5.1} % read right ({} of {}), {:4.1} % wrong above {} % confidence",
            share(self.right),
            self.right,
            self.pictures,
            share(self.surely_wrong),
            100.0 * SURE
        )
    }
}
