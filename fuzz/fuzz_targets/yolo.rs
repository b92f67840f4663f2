#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| headstart_fuzz::read(&[
    ("images/1.png", headstart_fuzz::PICTURE),
    ("labels/1.txt", data),
    ("data.yaml", data)
]));
