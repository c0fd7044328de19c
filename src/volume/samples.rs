use std::{
    any::Any,
    ops::Deref,
    sync::{Arc, Weak},
};

/// Samples in the type that the file stores them in; never widened on load.
#[derive(Clone, Debug)]
pub enum Samples {
    U8(Shared<u8>),
    I16(Shared<i16>),
    U16(Shared<u16>),
    F32(Shared<f32>),
    Rgb8(Shared<[u8; 3]>),
}

/// Values that are shared and never change. Unlike `Arc<[T]>` made of a vector as it lies: a large image is not in memory
/// twice, not even for a moment.
#[derive(Debug)]
pub struct Shared<T>(Arc<Vec<T>>);

impl<T: Send + Sync + 'static> Shared<T> {
    /// The place in memory, which no other values take while this is held.
    pub fn place(&self) -> Weak<dyn Any + Send + Sync> {
        let place: Arc<dyn Any + Send + Sync> = Arc::<Vec<T>>::clone(&self.0);
        Arc::downgrade(&place)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Shared<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        self[..] == other[..]
    }
}

impl<T> From<Vec<T>> for Shared<T> {
    fn from(values: Vec<T>) -> Self {
        Self(Arc::new(values))
    }
}

impl<T, const N: usize> From<[T; N]> for Shared<T> {
    fn from(values: [T; N]) -> Self {
        Vec::from(values).into()
    }
}

impl<T> FromIterator<T> for Shared<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Vec::from_iter(values).into()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleKind {
    U8,
    I16,
    U16,
    F32,
    Rgb8,
}

impl SampleKind {
    pub fn channels(self) -> usize {
        if self == SampleKind::Rgb8 { 3 } else { 1 }
    }

    /// The name that `fovea info` prints.
    pub fn name(self) -> &'static str {
        match self {
            SampleKind::U8 => "uint8",
            SampleKind::I16 => "int16",
            SampleKind::U16 => "uint16",
            SampleKind::F32 => "float32",
            SampleKind::Rgb8 => "rgb8",
        }
    }
}

impl Samples {
    pub fn kind(&self) -> SampleKind {
        match self {
            Samples::U8(_) => SampleKind::U8,
            Samples::I16(_) => SampleKind::I16,
            Samples::U16(_) => SampleKind::U16,
            Samples::F32(_) => SampleKind::F32,
            Samples::Rgb8(_) => SampleKind::Rgb8,
        }
    }

    /// Number of voxels.
    pub fn len(&self) -> usize {
        match self {
            Samples::U8(s) => s.len(),
            Samples::I16(s) => s.len(),
            Samples::U16(s) => s.len(),
            Samples::F32(s) => s.len(),
            Samples::Rgb8(s) => s.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn byte_len(&self) -> usize {
        self.len()
            * match self.kind() {
                SampleKind::U8 => 1,
                SampleKind::I16 | SampleKind::U16 => 2,
                SampleKind::F32 => 4,
                SampleKind::Rgb8 => 3,
            }
    }

    /// The raw sample; for colour its luma (ITU-R BT.601).
    pub fn scalar(&self, i: usize) -> f32 {
        match self {
            Samples::U8(s) => f32::from(s[i]),
            Samples::I16(s) => f32::from(s[i]),
            Samples::U16(s) => f32::from(s[i]),
            Samples::F32(s) => s[i],
            Samples::Rgb8(s) => luma(s[i]),
        }
    }
}

/// How bright a colour is (ITU-R BT.601), 0 to 255.
pub(super) fn luma(color: [u8; 3]) -> f32 {
    let [r, g, b] = color.map(f32::from);
    0.299 * r + 0.587 * g + 0.114 * b
}
