//! What numbers are stored as.
use std::fmt;

/// What the numbers of a tensor are stored as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Double precision.
    F64,
    /// Single precision.
    F32,
    /// Half precision.
    F16,
    /// The upper half of single precision.
    Bf16,
    /// Something else, by its name in safetensors: whole numbers, or what no network here computes with.
    Other(Box<str>),
}

/// Kinds of whole numbers by PyTorch's and safetensors' names, and their bytes.
const WHOLE: [(&str, &str, u64); 9] = [
    ("Long", "I64", 8),
    ("Int", "I32", 4),
    ("Short", "I16", 2),
    ("Char", "I8", 1),
    ("Byte", "U8", 1),
    ("Bool", "BOOL", 1),
    ("UInt16", "U16", 2),
    ("UInt32", "U32", 4),
    ("UInt64", "U64", 8),
];

impl Kind {
    /// By its name in safetensors.
    pub(super) fn of_safetensors(name: &str) -> Self {
        match name {
            "F64" => Self::F64,
            "F32" => Self::F32,
            "F16" => Self::F16,
            "BF16" => Self::Bf16,
            other => Self::Other(other.into()),
        }
    }

    /// By the name of PyTorch's storage, such as `torch.FloatStorage`.
    pub(super) fn of_storage(class: &str) -> Option<Self> {
        let name = class.strip_prefix("torch.")?.strip_suffix("Storage")?;
        Some(match name.trim_start_matches("cuda.") {
            "Double" => Self::F64,
            "Float" => Self::F32,
            "Half" => Self::F16,
            "BFloat16" => Self::Bf16,
            other => Self::Other(WHOLE.iter().find(|(pytorch, ..)| *pytorch == other)?.1.into()),
        })
    }

    /// Whether weights can be made of them.
    pub fn is_float(&self) -> bool {
        !matches!(self, Self::Other(_))
    }

    /// Whether they are whole numbers, as counters are.
    pub fn is_whole(&self) -> bool {
        matches!(self, Self::Other(name) if WHOLE.iter().any(|(_, whole, _)| *whole == &**name))
    }

    /// Bytes of a number, where that is known.
    pub(super) fn width(&self) -> Option<u64> {
        match self {
            Self::F64 => Some(8),
            Self::F32 => Some(4),
            Self::F16 | Self::Bf16 => Some(2),
            Self::Other(name) => {
                WHOLE.iter().find(|(_, whole, _)| *whole == &**name).map(|(.., width)| *width)
            }
        }
    }

    /// Floating-point numbers from their bytes.
    pub(super) fn decode(&self, mut bytes: Vec<u8>, is_big_endian: bool) -> Vec<f32> {
        let width = self.width().unwrap_or(1) as usize;
        if is_big_endian {
            bytes.chunks_exact_mut(width).for_each(<[u8]>::reverse);
        }
        let number = |chunk: &[u8]| match *chunk {
            [a, b, c, d, e, f, g, h] => f64::from_le_bytes([a, b, c, d, e, f, g, h]) as f32,
            [a, b, c, d] => f32::from_le_bytes([a, b, c, d]),
            [a, b] if *self == Self::Bf16 => f32::from_le_bytes([0, 0, a, b]),
            [a, b] => half(u16::from_le_bytes([a, b])),
            _ => f32::NAN,
        };
        bytes.chunks_exact(width).map(number).collect()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F64 => "F64",
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
            Self::Other(name) => name,
        })
    }
}

/// IEEE 754's half precision: a sign, five bits of exponent, ten of fraction.
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    sign * match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f32.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_the_numbers_that_they_stand_for() {
        for (bits, number) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_95),
            (0x0001, 5.960_464_5e-8),
            (0x03ff, 6.097_555e-5),
            (0x0400, 6.103_515_6e-5),
            (0x7bff, 65504.0),
            (0x7c00, f32::INFINITY),
            (0x8000, 0.0),
        ] {
            assert_eq!(half(bits), number, "{bits:#x}");
        }
        assert!(half(0x7c01).is_nan());
    }

    #[test]
    fn kinds_have_one_name_each() {
        for (class, kind) in [
            ("torch.FloatStorage", "F32"),
            ("torch.cuda.HalfStorage", "F16"),
            ("torch.BFloat16Storage", "BF16"),
            ("torch.LongStorage", "I64"),
        ] {
            assert_eq!(Kind::of_storage(class).unwrap().to_string(), kind);
        }
        assert_eq!(Kind::of_storage("torch.QInt8Storage"), None);
        assert_eq!(Kind::of_storage("os.system"), None);
        let fp8 = Kind::of_safetensors("F8_E4M3");
        assert!(!fp8.is_float() && !fp8.is_whole() && Kind::of_safetensors("I8").is_whole());
        assert_eq!(Kind::F32.decode(vec![0x3f, 0x80, 0, 0], true), [1.0]);
        assert_eq!(Kind::F64.decode(1.5f64.to_le_bytes().to_vec(), false), [1.5]);
        assert_eq!(Kind::Bf16.decode(vec![0x80, 0x3f], false), [1.0]);
    }
}
