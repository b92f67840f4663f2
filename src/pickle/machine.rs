//! The machine that a pickle is a program for.
use super::{
    written::{decimal, escaped, quoted, text, whole},
    *,
};

const CUT: &str = "it is cut short: get it again";
/// More instructions than this are refused.
const MAX_STEPS: usize = 4 * MAX_VALUES;
/// Makes bytes of a text, where a pickle has no instruction for bytes.
const ENCODE: &str = "_codecs.encode";
/// A dictionary.
const ORDERED: &str = "collections.OrderedDict";

struct Machine<'a, 'b> {
    rest: &'a [u8],
    allowed: &'b [&'b str],
    values: Vec<Value<'a>>,
    stack: Vec<Place>,
    /// How high the stack was at each mark.
    marks: Vec<usize>,
    memo: HashMap<u64, Place>,
    /// Bytes that may still be made of texts.
    room: usize,
}

/// Runs a pickle.
pub fn run<'a>(bytes: &'a [u8], allowed: &[&str]) -> Result<Pickle<'a>> {
    let mut machine = Machine {
        rest: bytes,
        allowed,
        values: vec![],
        stack: vec![],
        marks: vec![],
        memo: HashMap::new(),
        room: 2 * bytes.len(),
    };
    for _ in 0..MAX_STEPS {
        let code = machine.byte()?;
        if code == op::STOP {
            let root = machine.pop()?;
            let len = bytes.len() - machine.rest.len();
            return Ok(Pickle { values: machine.values, root, len });
        }
        machine.step(code)?;
    }
    bail!("it has more than {MAX_STEPS} instructions: choose a smaller one")
}

impl<'a> Machine<'a, '_> {
    fn step(&mut self, code: u8) -> Result<()> {
        match code {
            op::PROTO => {
                let version = self.byte()?;
                ensure!(version <= 5, "it is of the unknown protocol {version}: write it with protocol 4");
            }
            op::FRAME => drop(self.take(8)?),
            op::MARK => self.marks.push(self.stack.len()),
            op::POP => drop(self.pop()?),
            op::POP_MARK => drop(self.marked()?),
            op::DUP => self.stack.push(*self.stack.last().context(DAMAGED)?),
            op::PUT | op::BINPUT | op::LONG_BINPUT | op::MEMOIZE => self.put(code)?,
            op::GET | op::BINGET | op::LONG_BINGET => self.fetch(code)?,
            op::EMPTY_LIST | op::EMPTY_SET => self.push(Value::List(vec![]))?,
            op::EMPTY_TUPLE => self.push(Value::Tuple(vec![]))?,
            op::EMPTY_DICT => self.push(Value::Dict(vec![]))?,
            op::LIST | op::FROZENSET | op::TUPLE | op::DICT => self.collect(code)?,
            op::TUPLE1 | op::TUPLE2 | op::TUPLE3 => {
                let at = self.floor(usize::from(code - op::TUPLE1) + 1)?;
                let items = self.stack.split_off(at);
                self.push(Value::Tuple(items))?;
            }
            op::APPEND | op::APPENDS | op::ADDITEMS | op::SETITEM | op::SETITEMS => self.fill(code)?,
            op::GLOBAL | op::STACK_GLOBAL => self.name(code)?,
            op::REDUCE | op::NEWOBJ => self.call()?,
            op::BUILD => self.build()?,
            op::PERSID => {
                let name = self.line()?;
                self.push(Value::Bytes(name.into()))?;
                let name = self.pop()?;
                self.push(Value::Persistent(name))?;
            }
            op::BINPERSID => {
                let name = self.pop()?;
                self.push(Value::Persistent(name))?;
            }
            _ => {
                let value = self.plain(code)?;
                self.push(value)?;
            }
        }
        Ok(())
    }

    /// A number, a text, or another value with nothing within.
    fn plain(&mut self, code: u8) -> Result<Value<'a>> {
        Ok(match code {
            op::NONE => Value::None,
            op::NEWTRUE => Value::Bool(true),
            op::NEWFALSE => Value::Bool(false),
            op::BININT => {
                let bytes = self.take(4)?;
                Value::Int(i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]).into())
            }
            op::BININT1 => Value::Int(self.number(1)? as i64),
            op::BININT2 => Value::Int(self.number(2)? as i64),
            op::LONG1 => self.long(1)?,
            op::LONG4 => self.long(4)?,
            op::INT | op::LONG => whole(self.line()?)?,
            op::FLOAT => {
                let text = std::str::from_utf8(self.line()?).context(DAMAGED)?;
                Value::Float(text.trim().parse().context(DAMAGED)?)
            }
            op::BINFLOAT => Value::Float(f64::from_bits(self.number(8)?.swap_bytes())),
            op::STRING => Value::Bytes(quoted(self.line()?)?.into()),
            op::UNICODE => Value::Text(escaped(self.line()?)?),
            op::BINSTRING | op::BINBYTES => Value::Bytes(self.counted(4)?.into()),
            op::SHORT_BINSTRING | op::SHORT_BINBYTES => Value::Bytes(self.counted(1)?.into()),
            op::BINBYTES8 | op::BYTEARRAY8 => Value::Bytes(self.counted(8)?.into()),
            op::SHORT_BINUNICODE => text(self.counted(1)?),
            op::BINUNICODE => text(self.counted(4)?),
            op::BINUNICODE8 => text(self.counted(8)?),
            _ => bail!(
                "it holds the instruction {code:#04x}, which no data needs: get it from where it is published"
            ),
        })
    }

    fn byte(&mut self) -> Result<u8> {
        let (first, rest) = self.rest.split_first().context(CUT)?;
        self.rest = rest;
        Ok(*first)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count).context(CUT)?;
        self.rest = rest;
        Ok(taken)
    }

    /// A little-endian number of so many bytes.
    fn number(&mut self, bytes: usize) -> Result<u64> {
        Ok(self.take(bytes)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// Bytes after their number, which has so many bytes.
    fn counted(&mut self, bytes: usize) -> Result<&'a [u8]> {
        let count = usize::try_from(self.number(bytes)?).ok().context(CUT)?;
        self.take(count)
    }

    fn line(&mut self) -> Result<&'a [u8]> {
        let end = self.rest.iter().position(|byte| *byte == b'\n').context(CUT)?;
        let line = self.take(end)?;
        self.byte()?;
        Ok(line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// A whole number as its bytes, in the complement of two.
    fn long(&mut self, bytes: usize) -> Result<Value<'a>> {
        let bytes = self.counted(bytes)?;
        ensure!(bytes.len() <= 8, "it holds a number of more than eight bytes, which no label has");
        let is_negative = bytes.last().is_some_and(|byte| *byte >= 0x80);
        let start = if is_negative { -1i64 } else { 0 };
        Ok(Value::Int(bytes.iter().rev().fold(start, |number, byte| number << 8 | i64::from(*byte))))
    }

    fn add(&mut self, value: Value<'a>) -> Result<Place> {
        ensure!(
            self.values.len() < MAX_VALUES,
            "it holds more than {MAX_VALUES} values: choose a smaller one"
        );
        self.values.push(value);
        Ok(Place(self.values.len() - 1))
    }

    fn push(&mut self, value: Value<'a>) -> Result<()> {
        let place = self.add(value)?;
        self.stack.push(place);
        Ok(())
    }

    /// Where on the stack its topmost values begin, of which none lies below a mark.
    fn floor(&self, count: usize) -> Result<usize> {
        let at = self.stack.len().checked_sub(count).context(DAMAGED)?;
        ensure!(self.marks.last().is_none_or(|mark| *mark <= at), DAMAGED);
        Ok(at)
    }

    fn pop(&mut self) -> Result<Place> {
        self.floor(1)?;
        self.stack.pop().context(DAMAGED)
    }

    /// What lies above the last mark.
    fn marked(&mut self) -> Result<Vec<Place>> {
        let mark = self.marks.pop().context(DAMAGED)?;
        ensure!(mark <= self.stack.len(), DAMAGED);
        Ok(self.stack.split_off(mark))
    }

    fn put(&mut self, code: u8) -> Result<()> {
        let key = match code {
            op::MEMOIZE => self.memo.len() as u64,
            op::PUT => decimal(self.line()?)?,
            op::BINPUT => self.number(1)?,
            _ => self.number(4)?,
        };
        let top = *self.stack.last().context(DAMAGED)?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn fetch(&mut self, code: u8) -> Result<()> {
        let key = match code {
            op::GET => decimal(self.line()?)?,
            op::BINGET => self.number(1)?,
            _ => self.number(4)?,
        };
        self.stack.push(*self.memo.get(&key).context(DAMAGED)?);
        Ok(())
    }

    fn collect(&mut self, code: u8) -> Result<()> {
        let items = self.marked()?;
        let value = match code {
            op::TUPLE => Value::Tuple(items),
            op::DICT => Value::Dict(pairs(&items)?),
            _ => Value::List(items),
        };
        self.push(value)
    }

    /// Puts values into the list or dictionary below them.
    fn fill(&mut self, code: u8) -> Result<()> {
        let items = match code {
            op::APPEND => vec![self.pop()?],
            op::SETITEM => {
                let at = self.floor(2)?;
                self.stack.split_off(at)
            }
            _ => self.marked()?,
        };
        self.floor(1)?;
        let own = *self.stack.last().context(DAMAGED)?;
        match (&mut self.values[own.0], code) {
            (Value::List(list), op::APPEND | op::APPENDS | op::ADDITEMS) => list.extend(items),
            (Value::Dict(entries), op::SETITEM | op::SETITEMS) => entries.extend(pairs(&items)?),
            _ => bail!(DAMAGED),
        }
        Ok(())
    }

    /// A class or function, of which only those are known that are allowed.
    fn name(&mut self, code: u8) -> Result<()> {
        let name = if code == op::GLOBAL {
            let (module, name) = (self.line()?, self.line()?);
            format!("{}.{}", String::from_utf8_lossy(module), String::from_utf8_lossy(name))
        } else {
            let (name, module) = (self.pop()?, self.pop()?);
            let text = |place: Place| match &self.values[place.0] {
                Value::Text(text) => Ok(text.clone()),
                _ => bail!(DAMAGED),
            };
            format!("{}.{}", text(module)?, text(name)?)
        };
        let is_known = [ENCODE, ORDERED].contains(&name.as_str()) || self.allowed.contains(&name.as_str());
        ensure!(
            is_known,
            "it wants to call {name}, which data does not need, so it was not opened: get it from a source that you trust"
        );
        self.push(Value::Global(name.into()))
    }

    fn call(&mut self) -> Result<()> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let Value::Global(of) = &self.values[function.0] else { bail!(DAMAGED) };
        let Value::Tuple(given) = &self.values[arguments.0] else { bail!(DAMAGED) };
        let value = match &**of {
            ORDERED if given.is_empty() => Value::Dict(vec![]),
            ENCODE => {
                let text = given.first().map(|place| &self.values[place.0]);
                let Some(Value::Text(text)) = text else { bail!(DAMAGED) };
                self.room = self.room.checked_sub(text.len()).context(DAMAGED)?;
                let bytes: Option<Vec<u8>> =
                    text.chars().map(|letter| u8::try_from(u32::from(letter)).ok()).collect();
                Value::Bytes(bytes.context(DAMAGED)?.into())
            }
            _ => Value::Object(Box::new(Object { of: of.clone(), arguments, state: None })),
        };
        self.push(value)
    }

    /// Gives an object its state. What else an ordered dictionary knows of itself is no entry of it.
    fn build(&mut self) -> Result<()> {
        let state = self.pop()?;
        self.floor(1)?;
        let own = *self.stack.last().context(DAMAGED)?;
        match &mut self.values[own.0] {
            Value::Object(object) => object.state = Some(state),
            Value::Dict(_) => {}
            _ => bail!(DAMAGED),
        }
        Ok(())
    }
}

fn pairs(items: &[Place]) -> Result<Vec<(Place, Place)>> {
    ensure!(items.len().is_multiple_of(2), DAMAGED);
    Ok(items.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
}
