//! Event files of TensorBoard: a record for each point, in protocol buffers
//! (tensorboard/compat/proto/event.proto and summary.proto), framed as TFRecords.
use crate::{disk::unwritten, metrics::Point};
use anyhow::Result;
use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

/// An event file that is being written.
pub struct EventFile {
    path: PathBuf,
    file: BufWriter<File>,
}

impl EventFile {
    /// Makes the file of a run in its own folder within `logdir`. `began` is in seconds since 1970.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn create(logdir: &Path, run: &str, began: f64) -> Result<Self> {
        let folder = logdir.join(run);
        let path = folder.join(format!("events.out.tfevents.{:010}.headstart", began as u64));
        let made = fs::create_dir_all(&folder).and_then(|()| File::create(&path));
        let file = made.map_err(|error| unwritten("Could not write the event file", &path, error))?;
        let mut events = Self { path, file: BufWriter::new(file) };
        let version = Message::new().text(3, "brain.Event:2");
        events.write(began, 0, version)?;
        Ok(events)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends a point of a curve, as the tag `loss/train`. `time` is in seconds since 1970.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn point(&mut self, time: f64, point: &Point) -> Result<()> {
        let tag = format!("{}/{}", point.metric, point.split.id());
        let value = Message::new().text(1, &tag).float(2, point.value as f32);
        self.write(time, point.step, summary(value))
    }

    /// Appends a picture, which is given as PNG.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn picture(
        &mut self,
        time: f64,
        step: u64,
        tag: &str,
        [width, height]: [u32; 2],
        png: &[u8],
    ) -> Result<()> {
        let image =
            Message::new().number(1, height.into()).number(2, width.into()).number(3, 3).bytes(4, png);
        self.write(time, step, summary(Message::new().text(1, tag).message(4, &image)))
    }

    /// Appends the hyperparameters, for TensorBoard's HParams (tensorboard/plugins/hparams/plugin_data.proto).
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn hyperparameters<'a>(
        &mut self,
        began: f64,
        name: &str,
        values: impl IntoIterator<Item = (String, f64)>,
        chosen: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<()> {
        let entry = |key: &str, value: &Message| Message::new().text(1, key).message(2, value);
        let mut start = Message::new();
        for (key, id) in chosen {
            start = start.message(1, &entry(key, &Message::new().text(3, id)));
        }
        for (key, value) in values {
            start = start.message(1, &entry(&key, &Message::new().double(2, value)));
        }
        let start = start.text(4, name).double(5, began);
        let content = Message::new().message(3, &start);
        let plugin = Message::new().text(1, "hparams").bytes(2, &content.0);
        // a tensor of no floats
        let shape = Message::new().message(2, &Message::new().number(1, 0));
        let tensor = Message::new().number(1, 1).message(2, &shape);
        let metadata = Message::new().message(1, &plugin);
        let value =
            Message::new().text(1, "_hparams_/session_start_info").message(8, &tensor).message(9, &metadata);
        self.write(began, 0, summary(value))
    }

    /// Hands what is written to the system, so that TensorBoard sees it.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn flush(&mut self) -> Result<()> {
        self.file.flush().map_err(|error| unwritten("Could not write the event file", &self.path, error))
    }

    fn write(&mut self, time: f64, step: u64, event: Message) -> Result<()> {
        let event = Message::new().double(1, time).number(2, step).and(event);
        let written = self.file.write_all(&record(&event.0));
        written.map_err(|error| unwritten("Could not write the event file", &self.path, error))
    }
}

/// A summary of one value, within an event.
fn summary(value: Message) -> Message {
    Message::new().message(5, &Message::new().message(1, &value))
}

/// A TFRecord: length and data, each with its checksum.
fn record(data: &[u8]) -> Vec<u8> {
    let masked =
        |bytes: &[u8]| crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes();
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &masked(&length), data, &masked(data)].concat()
}

/// A message of protocol buffers, as bytes.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn new() -> Self {
        Self::default()
    }

    fn number(mut self, field: u8, value: u64) -> Self {
        self.0.push(field << 3);
        self.varint(value);
        self
    }

    fn double(mut self, field: u8, value: f64) -> Self {
        self.0.push(field << 3 | 1);
        self.0.extend(value.to_le_bytes());
        self
    }

    fn float(mut self, field: u8, value: f32) -> Self {
        self.0.push(field << 3 | 5);
        self.0.extend(value.to_le_bytes());
        self
    }

    fn bytes(mut self, field: u8, bytes: &[u8]) -> Self {
        self.0.push(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }

    fn text(self, field: u8, text: &str) -> Self {
        self.bytes(field, text.as_bytes())
    }

    fn message(self, field: u8, inner: &Message) -> Self {
        self.bytes(field, &inner.0)
    }

    /// The fields of both.
    fn and(mut self, other: Message) -> Self {
        self.0.extend(other.0);
        self
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{LOSS, Split};

    /// As TensorBoard's own writer has them:
    ///
    /// ```python
    /// from tensorboard.compat.proto.event_pb2 import Event
    /// from tensorboard.compat.proto.summary_pb2 import Summary
    /// from tensorboard.summary.writer.record_writer import RecordWriter
    /// import io
    /// class File(io.BytesIO):
    ///     def close(self): pass
    /// file = File(); writer = RecordWriter(file)
    /// writer.write(Event(wall_time=1.5, step=300, summary=Summary(value=[Summary.Value(tag="loss/train", simple_value=0.25)])).SerializeToString())
    /// print(file.getvalue().hex())
    /// ```
    const BY_TENSORBOARD: &str =
        "2100000000000000017becf609000000000000f83f10ac022a130a110a0a6c6f73732f747261696e150000803e6c5611a4";

    #[test]
    fn a_point_is_written_as_tensorboard_writes_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut events = EventFile::create(folder.path(), "run", 1.5).unwrap();
        events.flush().unwrap();
        let before = fs::read(events.path()).unwrap().len();
        events.point(1.5, &Point { step: 300, split: Split::Train, metric: LOSS, value: 0.25 }).unwrap();
        events.flush().unwrap();
        let bytes = fs::read(events.path()).unwrap().split_off(before);
        assert_eq!(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), BY_TENSORBOARD);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_an_error_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("run"), "no folder").unwrap();
        let error = EventFile::create(folder.path(), "run", 0.0).err().unwrap();
        assert!(format!("{error:#}").contains("Could not write the event file"), "{error:#}");
    }
}
