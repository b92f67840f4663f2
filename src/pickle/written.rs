//! Numbers and texts of pickles, as they are written in lines.
use super::{DAMAGED, Value};
use anyhow::{Context as _, Result, bail, ensure};
use std::borrow::Cow;

pub fn decimal(line: &[u8]) -> Result<u64> {
    std::str::from_utf8(line).ok().and_then(|text| text.parse().ok()).context(DAMAGED)
}

/// A whole number in digits; 00 and 01 are truth values.
pub fn whole<'a>(line: &[u8]) -> Result<Value<'a>> {
    let text = std::str::from_utf8(line).context(DAMAGED)?.trim_end_matches('L');
    Ok(match text {
        "00" => Value::Bool(false),
        "01" => Value::Bool(true),
        _ => Value::Int(text.parse().context(DAMAGED)?),
    })
}

/// Text in UTF-8, in which Python also keeps halves of letters that UTF-8 cannot.
pub fn text(bytes: &[u8]) -> Value<'_> {
    Value::Text(String::from_utf8_lossy(bytes))
}

/// A text of Python 2 as it is written in a program.
pub fn quoted(line: &[u8]) -> Result<Vec<u8>> {
    let quote = *line.first().context(DAMAGED)?;
    ensure!(line.len() >= 2 && matches!(quote, b'\'' | b'"') && line.ends_with(&[quote]), DAMAGED);
    let mut inner = line[1..line.len() - 1].iter();
    let mut bytes = vec![];
    while let Some(byte) = inner.next() {
        if *byte != b'\\' {
            bytes.push(*byte);
            continue;
        }
        bytes.push(match inner.next().context(DAMAGED)? {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'x' => {
                let digits = [*inner.next().context(DAMAGED)?, *inner.next().context(DAMAGED)?];
                u8::from_str_radix(std::str::from_utf8(&digits).context(DAMAGED)?, 16).context(DAMAGED)?
            }
            same @ (b'\\' | b'\'' | b'"') => *same,
            _ => bail!(DAMAGED),
        });
    }
    Ok(bytes)
}

/// Text of Latin letters, with others as `\u` and four digits, or `\U` and eight.
pub fn escaped(line: &[u8]) -> Result<Cow<'_, str>> {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let digits = match (byte, after.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => {
                text.push(char::from(*byte));
                continue;
            }
        };
        let (number, after) = after[1..].split_at_checked(digits).context(DAMAGED)?;
        let number = std::str::from_utf8(number).ok().and_then(|text| u32::from_str_radix(text, 16).ok());
        text.push(number.and_then(char::from_u32).context(DAMAGED)?);
        rest = after;
    }
    Ok(Cow::Owned(text))
}
