#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| headstart_fuzz::read(&[
    ("x_train.npy", data),
    ("y_train.npy", data)
]));
