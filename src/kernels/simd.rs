//! One vector type per instruction set, chosen while the program runs.
//!
//! A kernel is a struct whose [`Kernel::run`] is compiled once per [`SimdLevel`], each time with that level's instructions
//! enabled, so a build for the oldest x86-64 loses nothing. [`SimdLevel::run`] picks the copy.
//!
//! Long, as it holds the vectors of every instruction set side by side, which have to agree.

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::sync::OnceLock;

/// Work that is compiled once per instruction set.
pub trait Kernel {
    /// The result of the work.
    type Output;

    /// Does the work with vectors `V`; `ROWS` × 2 of them are held in registers by the tiles of `tile.rs`.
    /// Implementations are `#[inline(always)]`, or the instructions are not enabled inside.
    fn run<V: Vector, const ROWS: usize>(self) -> Self::Output;
}

/// A vector of `LANES` numbers.
///
/// The types are private to this file and only [`SimdLevel::run`] names them, after it has asked the processor: that is
/// why the arithmetic is safe to call.
pub trait Vector: Copy {
    /// Numbers in a vector.
    const LANES: usize;

    /// `value` in every lane.
    fn splat(value: f32) -> Self;
    /// `self + other`, lane by lane.
    fn add(self, other: Self) -> Self;
    /// `self − other`, lane by lane.
    fn sub(self, other: Self) -> Self;
    /// `self · other`, lane by lane.
    fn mul(self, other: Self) -> Self;
    /// `self * factor + term`.
    fn mul_add(self, factor: Self, term: Self) -> Self;
    /// The larger; `other` where either is NaN.
    fn max(self, other: Self) -> Self;
    /// The smaller; `other` where either is NaN.
    fn min(self, other: Self) -> Self;
    /// # Safety
    /// `from` is valid for reading `LANES` numbers; it need not be aligned.
    unsafe fn load(from: *const f32) -> Self;
    /// # Safety
    /// `to` is valid for writing `LANES` numbers; it need not be aligned.
    unsafe fn store(self, to: *mut f32);

    /// The first numbers of a slice, zeros after its end.
    #[inline(always)]
    fn read(from: &[f32]) -> Self {
        if from.len() >= Self::LANES {
            // SAFETY: the slice is long enough.
            return unsafe { Self::load(from.as_ptr()) };
        }
        let mut all = [0.0; MAX_LANES];
        all[..from.len()].copy_from_slice(from);
        // SAFETY: `all` holds a vector of any level.
        unsafe { Self::load(all.as_ptr()) }
    }

    /// Fills the start of a slice, as much of it as there is.
    #[inline(always)]
    fn write(self, to: &mut [f32]) {
        // SAFETY: only numbers are written.
        self.fill(unsafe { &mut *(to as *mut [f32] as *mut [MaybeUninit<f32>]) });
    }

    /// [`write`](Self::write), to numbers that may not be initialised.
    #[inline(always)]
    fn fill(self, to: &mut [MaybeUninit<f32>]) {
        if to.len() >= Self::LANES {
            // SAFETY: the slice is long enough.
            return unsafe { self.store(to.as_mut_ptr().cast()) };
        }
        let mut all = [0.0; MAX_LANES];
        // SAFETY: `all` has room for a vector of any level.
        unsafe { self.store(all.as_mut_ptr()) };
        to.write_copy_of_slice(&all[..to.len()]);
    }
}

/// Lanes of the widest vector.
pub const MAX_LANES: usize = 16;

/// Asks for the cache line of the first number, which will be read soon, where the processor can be asked.
#[inline(always)]
pub fn prefetch(numbers: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: every x86-64 has the instruction, which reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(numbers.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = numbers;
}

/// An instruction set, from the slowest to the fastest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimdLevel {
    /// Vectors that the compiler makes of plain arrays, on any machine.
    Portable,
    /// ARM's, which every 64-bit ARM has.
    Neon,
    /// AVX2 with fused multiply-add.
    Avx2,
    /// AVX-512 with its BW, DQ and VL extensions.
    Avx512,
}

impl SimdLevel {
    const ALL: [SimdLevel; 4] = [SimdLevel::Portable, SimdLevel::Neon, SimdLevel::Avx2, SimdLevel::Avx512];

    /// The level in use on this thread: the one inside [`SimdLevel::with`], or `HEADSTART_SIMD` (`portable`, `neon`,
    /// `avx2`, `avx512`) where the machine has it, or the fastest there is.
    pub fn current() -> SimdLevel {
        static DEFAULT: OnceLock<SimdLevel> = OnceLock::new();
        FORCED.get().unwrap_or_else(|| {
            *DEFAULT.get_or_init(|| {
                let wanted = std::env::var("HEADSTART_SIMD").unwrap_or_default();
                let named = SimdLevel::available().find(|level| level.name() == wanted);
                named.or(SimdLevel::available().last()).unwrap_or(SimdLevel::Portable)
            })
        })
    }

    /// Every level this machine has, the fastest last.
    pub fn available() -> impl Iterator<Item = SimdLevel> {
        SimdLevel::ALL.into_iter().filter(|level| level.is_available())
    }

    /// Runs `work` with every kernel that this thread starts held to this level, until it returns or panics.
    pub fn with<R>(self, work: impl FnOnce() -> R) -> R {
        struct Restore(Option<SimdLevel>);
        impl Drop for Restore {
            fn drop(&mut self) {
                FORCED.set(self.0);
            }
        }
        let _restore = Restore(FORCED.replace(Some(self)));
        work()
    }

    /// Numbers in one vector.
    pub fn lanes(self) -> usize {
        match self {
            SimdLevel::Portable | SimdLevel::Neon => 4,
            SimdLevel::Avx2 => 8,
            SimdLevel::Avx512 => 16,
        }
    }

    /// Runs the kernel's copy for this level.
    ///
    /// # Panics
    /// When the machine lacks the level.
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        assert!(self.is_available(), "this machine has no {self:?}");
        match self {
            // SAFETY: the machine has these instructions, as was just checked.
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx512 => unsafe { x86::run_avx512(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx2 => unsafe { x86::run_avx2(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            SimdLevel::Neon => unsafe { arm::run_neon(kernel) },
            _ => kernel.run::<Portable, 4>(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            SimdLevel::Portable => "portable",
            SimdLevel::Neon => "neon",
            SimdLevel::Avx2 => "avx2",
            SimdLevel::Avx512 => "avx512",
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn is_available(self) -> bool {
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        match self {
            SimdLevel::Portable => true,
            SimdLevel::Neon => false,
            SimdLevel::Avx2 => avx2,
            SimdLevel::Avx512 => {
                let rest = is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512dq");
                avx2 && rest && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl")
            }
        }
    }

    #[cfg(target_arch = "aarch64")]
    fn is_available(self) -> bool {
        match self {
            SimdLevel::Portable => true,
            SimdLevel::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            SimdLevel::Avx2 | SimdLevel::Avx512 => false,
        }
    }

    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    fn is_available(self) -> bool {
        self == SimdLevel::Portable
    }
}

thread_local! {
    static FORCED: Cell<Option<SimdLevel>> = const { Cell::new(None) };
}

/// Four numbers in an array: what every compiler turns into the vectors of its target.
#[derive(Clone, Copy)]
struct Portable([f32; 4]);

impl Portable {
    #[inline(always)]
    fn zip(mut self, other: Self, of: impl Fn(f32, f32) -> f32) -> Self {
        for lane in 0..4 {
            self.0[lane] = of(self.0[lane], other.0[lane]);
        }
        self
    }
}

impl Vector for Portable {
    const LANES: usize = 4;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Portable([value; 4])
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |x, y| x + y)
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |x, y| x - y)
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |x, y| x * y)
    }

    #[inline(always)]
    fn mul_add(mut self, factor: Self, term: Self) -> Self {
        for lane in 0..4 {
            self.0[lane] = self.0[lane] * factor.0[lane] + term.0[lane];
        }
        self
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        self.zip(other, |x, y| if x > y { x } else { y })
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        self.zip(other, |x, y| if x < y { x } else { y })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller vouches for the four numbers.
        Portable(unsafe { from.cast::<[f32; 4]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller vouches for the four numbers.
        unsafe { to.cast::<[f32; 4]>().write_unaligned(self.0) }
    }
}

/// Implements [`Vector`] for one register type by its load, store, splat, sum, difference, product, fused multiply-add,
/// maximum and minimum.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! vector {
    ($name:ident, $register:ty, $lanes:literal, $load:path, $store:path, $splat:path, $add:path, $sub:path, $mul:path, $mul_add:expr, $max:path, $min:path) => {
        #[derive(Clone, Copy)]
        struct $name($register);

        impl Vector for $name {
            const LANES: usize = $lanes;

            #[inline(always)]
            fn splat(value: f32) -> Self {
                // SAFETY: only `SimdLevel::run` names this type, after checking for its instructions.
                $name(unsafe { $splat(value) })
            }

            #[inline(always)]
            fn add(self, other: Self) -> Self {
                // SAFETY: as in `splat`.
                $name(unsafe { $add(self.0, other.0) })
            }

            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                // SAFETY: as in `splat`.
                $name(unsafe { $sub(self.0, other.0) })
            }

            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                // SAFETY: as in `splat`.
                $name(unsafe { $mul(self.0, other.0) })
            }

            #[inline(always)]
            fn mul_add(self, factor: Self, term: Self) -> Self {
                // SAFETY: as in `splat`.
                $name(unsafe { $mul_add(self.0, factor.0, term.0) })
            }

            #[inline(always)]
            fn max(self, other: Self) -> Self {
                // SAFETY: as in `splat`.
                $name(unsafe { $max(self.0, other.0) })
            }

            #[inline(always)]
            fn min(self, other: Self) -> Self {
                // SAFETY: as in `splat`.
                $name(unsafe { $min(self.0, other.0) })
            }

            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                // SAFETY: as in `splat`; the caller vouches for the numbers.
                $name(unsafe { $load(from) })
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                // SAFETY: as in `splat`; the caller vouches for the numbers.
                unsafe { $store(to, self.0) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Kernel, Vector};
    use std::arch::x86_64::*;

    vector!(
        Avx2,
        __m256,
        8,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_set1_ps,
        _mm256_add_ps,
        _mm256_sub_ps,
        _mm256_mul_ps,
        _mm256_fmadd_ps,
        _mm256_max_ps,
        _mm256_min_ps
    );
    vector!(
        Avx512,
        __m512,
        16,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_set1_ps,
        _mm512_add_ps,
        _mm512_sub_ps,
        _mm512_mul_ps,
        _mm512_fmadd_ps,
        _mm512_max_ps,
        _mm512_min_ps
    );

    #[target_feature(enable = "avx2,fma")]
    pub fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
        kernel.run::<Avx2, 6>()
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    pub fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
        kernel.run::<Avx512, 14>()
    }
}

#[cfg(target_arch = "aarch64")]
mod arm {
    use super::{Kernel, Vector};
    use std::arch::aarch64::*;

    vector!(
        Neon,
        float32x4_t,
        4,
        vld1q_f32,
        vst1q_f32,
        vdupq_n_f32,
        vaddq_f32,
        vsubq_f32,
        vmulq_f32,
        |x, y, sum| vfmaq_f32(sum, x, y),
        vmaxq_f32,
        vminq_f32
    );

    #[target_feature(enable = "neon")]
    pub fn run_neon<K: Kernel>(kernel: K) -> K::Output {
        kernel.run::<Neon, 8>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Lanes;

    impl Kernel for Lanes {
        type Output = (usize, Vec<f32>);

        #[inline(always)]
        fn run<V: Vector, const ROWS: usize>(self) -> Self::Output {
            let numbers: Vec<f32> = (0..V::LANES).map(|lane| lane as f32 - 2.0).collect();
            let mut out = vec![0.0; V::LANES];
            // SAFETY: both hold `LANES` numbers.
            unsafe {
                let vector = V::load(numbers.as_ptr());
                vector
                    .mul_add(V::splat(2.0), V::splat(1.0))
                    .max(V::splat(0.0))
                    .min(V::splat(9.0))
                    .store(out.as_mut_ptr());
            }
            (V::LANES, out)
        }
    }

    #[test]
    fn every_level_computes_the_same() {
        for level in SimdLevel::available() {
            let (lanes, out) = level.run(Lanes);
            assert_eq!(lanes, level.lanes());
            let expected: Vec<f32> =
                (0..lanes).map(|lane| (2.0 * (lane as f32 - 2.0) + 1.0).clamp(0.0, 9.0)).collect();
            assert_eq!(out, expected, "{level:?}");
        }
    }

    #[test]
    fn a_level_is_held_inside_with_alone() {
        let before = SimdLevel::current();
        assert_eq!(SimdLevel::Portable.with(SimdLevel::current), SimdLevel::Portable);
        assert_eq!(SimdLevel::current(), before);
        let work = || SimdLevel::Portable.with(|| panic!("as a kernel does on a wrong shape"));
        assert!(std::panic::catch_unwind(work).is_err());
        assert_eq!(SimdLevel::current(), before);
    }
}
