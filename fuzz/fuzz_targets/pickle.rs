#![no_main]
//! Pickles by themselves: reading one ends, takes no more than its length says, and never panics.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(pickle) = headstart::pickle::read(data, &["numpy.dtype"]) {
        assert!(pickle.len <= data.len());
        drop(pickle.entry(pickle.root(), "data").cloned());
    }
});
