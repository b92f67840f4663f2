#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| headstart_fuzz::read(&[
    ("instances_train.json", data),
    ("1.png", headstart_fuzz::PICTURE)
]));
