//! `example`: the network that comes with the program, as a run.
use super::{Common, Outcome, output::line};
use crate::{runs::Home, session::catalog};
use anyhow::Result;
use serde_json::json;

pub fn install(common: &Common) -> Result<Outcome> {
    let home = Home::open(super::home(common)?)?;
    let known = home.shipped(&catalog())?;
    let is_new = known.is_none();
    let run = known.map_or_else(|| home.install_shipped(), Ok)?;
    if common.json {
        line(json!({ "run": run, "folder": home.folder(&run).path, "is_new": is_new }));
    } else {
        line(format!("{run}{}", if is_new { "" } else { ", which is there already" }));
        line(format!("It reads digits: headstart predict {run} IMAGE"));
    }
    Ok(Outcome::Done)
}
