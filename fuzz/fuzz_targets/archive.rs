#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    headstart_fuzz::read(&[("set.zip", data)]);
    headstart_fuzz::read(&[("set.tar", data)]);
});
