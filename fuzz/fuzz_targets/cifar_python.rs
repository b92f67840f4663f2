#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| headstart_fuzz::read(&[
    ("data_batch_1", data),
    ("batches.meta", data)
]));
