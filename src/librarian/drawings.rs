//! A person's own drawings: kept, removed and shown.
use super::Desk;
use crate::{
    data::handwriting,
    protocol::{
        Level,
        data::{DataReport, Handwriting},
    },
};
use anyhow::Result;
use std::{path::Path, sync::Arc};

impl Desk {
    pub(super) fn keep_drawing(&mut self, label: usize, framed: &[u8]) -> Result<()> {
        let kept = handwriting::keep(&self.home.handwriting(), label, framed)?;
        kept.remark().into_iter().for_each(|text| self.notice(Level::Info, text));
        self.show_handwriting();
        Ok(())
    }

    pub(super) fn remove_drawing(&mut self, place: &Path) -> Result<()> {
        handwriting::remove(&self.home.handwriting(), place)?;
        self.show_handwriting();
        Ok(())
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
