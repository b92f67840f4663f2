#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| headstart_fuzz::read(&[
    ("a/1.png", data),
    ("b/1.png", headstart_fuzz::PICTURE),
    ("b/2.png", headstart_fuzz::PICTURE)
]));
