#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| headstart_fuzz::read(&[
    ("labels.csv", data),
    ("1.png", headstart_fuzz::PICTURE)
]));
