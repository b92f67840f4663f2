#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| headstart_fuzz::read(&[
    ("JPEGImages/1.png", headstart_fuzz::PICTURE),
    ("Annotations/1.xml", data)
]));
