//! One line per component: declares its module and lists its entry.

/// Declares one module per component and `ALL`, the entries in the order in which the window shows them.
/// Every entry has an `info: ComponentInfo`.
#[macro_export]
macro_rules! registry {
    ($kind:literal, $entry:ty: $($(#[$when:meta])? $module:ident),* $(,)?) => {
        $($(#[$when])? pub mod $module;)*

        #[doc = concat!("Every ", $kind, ", in the order in which the window shows them.")]
        pub static ALL: &[$entry] = &[$($(#[$when])? $module::ENTRY),*];

        #[allow(dead_code, reason = "some registries are only walked through")]
        #[doc = concat!("Looks the ", $kind, " up by its identifier.\n\n# Errors\nWhere there is none: the nearest is named.")]
        pub fn find(id: &str) -> anyhow::Result<&'static $entry> {
            ALL.iter().find(|entry| entry.info.id == id).ok_or_else(|| {
                let known: Vec<_> = ALL.iter().map(|entry| entry.info.id).collect();
                anyhow::anyhow!("Unknown {} {id:?}{}", $kind, $crate::nearest::suggestion(id, &known))
            })
        }
    };
}
