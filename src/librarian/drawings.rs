//! A person's own drawings: kept, removed and shown.
use super::Desk;
use crate::{
    data::handwriting::{self, Kept},
    protocol::{
        Level,
        data::{DataReport, Handwriting, Written},
    },
};
use anyhow::Result;
use std::{path::PathBuf, sync::Arc};

impl Desk {
    pub(super) fn keep_drawing(&mut self, request: u64, label: usize, framed: &[u8]) -> Result<()> {
        let kept = handwriting::keep(&self.home.handwriting(), label, framed);
        let place = kept.as_ref().ok().and_then(Kept::place).map(PathBuf::from);
        kept.iter().filter_map(Kept::remark).for_each(|text| self.notice(Level::Info, text));
        self.show_handwriting();
        self.report(DataReport::Kept { request, place });
        kept.map(drop)
    }

    pub(super) fn remove_drawings(&mut self, places: &[PathBuf]) -> Result<()> {
        let removed = handwriting::remove(&self.home.handwriting(), places);
        self.show_handwriting();
        removed
    }

    pub(super) fn restore_drawings(&mut self, drawings: &[Written]) -> Result<()> {
        let restored = handwriting::restore(&self.home.handwriting(), drawings);
        self.show_handwriting();
        restored
    }

    /// Reports the drawings; those that cannot be read are named once.
    pub(super) fn show_handwriting(&mut self) {
        let folder = self.home.handwriting();
        let drawings = handwriting::read(&folder);
        if self.unreadable != drawings.unreadable {
            self.unreadable.clone_from(&drawings.unreadable);
            drawings.complaint(&folder).into_iter().for_each(|text| self.notice(Level::Warning, text));
        }
        let drawings = drawings.read;
        self.report(DataReport::Handwriting(Arc::new(Handwriting { folder, drawings })));
    }
}
