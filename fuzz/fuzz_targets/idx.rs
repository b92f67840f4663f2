#![no_main]
//! The first byte says which of the four files the others are.

const NAMES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];
const WHOLE: [&[u8]; 4] = [
    &[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 255],
    &[0, 0, 8, 1, 0, 0, 0, 2, 0, 1],
    &[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 255],
    &[0, 0, 8, 1, 0, 0, 0, 2, 0, 1],
];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let mut files: Vec<_> = NAMES.into_iter().zip(WHOLE).collect();
    files[usize::from(*first) % 4].1 = rest;
    headstart_fuzz::read(&files);
});
