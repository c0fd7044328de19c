//! Numbers of a foreign file as f32: element types, strides, order.

use super::ImportError;
use crate::{memory, nn::NamedTensor};
use burn::tensor::{bf16, f16};

/// Types of elements in weights files, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    F64,
    F32,
    F16,
    Bf16,
    I64,
    I32,
    I16,
    I8,
    U8,
    Bool,
}

impl Element {
    pub fn bytes(self) -> usize {
        match self {
            Element::F64 | Element::I64 => 8,
            Element::F32 | Element::I32 => 4,
            Element::F16 | Element::Bf16 | Element::I16 => 2,
            Element::I8 | Element::U8 | Element::Bool => 1,
        }
    }

    /// Of `torch.FloatStorage` and its kin.
    pub fn of_storage(class: &str) -> Option<Self> {
        Some(match class.strip_prefix("torch.")?.strip_suffix("Storage")? {
            "Double" => Element::F64,
            "Float" => Element::F32,
            "Half" => Element::F16,
            "BFloat16" => Element::Bf16,
            "Long" => Element::I64,
            "Int" => Element::I32,
            "Short" => Element::I16,
            "Char" => Element::I8,
            "Byte" => Element::U8,
            "Bool" => Element::Bool,
            _ => return None,
        })
    }

    /// Of numpy's `f4` and its kin.
    pub fn of_numpy(code: &str) -> Option<Self> {
        Some(match code {
            "f8" => Element::F64,
            "f4" => Element::F32,
            "f2" => Element::F16,
            "i8" => Element::I64,
            "i4" => Element::I32,
            "i2" => Element::I16,
            "i1" => Element::I8,
            "u1" => Element::U8,
            "b1" => Element::Bool,
            _ => return None,
        })
    }

    fn read(self, bytes: &[u8]) -> f32 {
        fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
            std::array::from_fn(|i| bytes[i])
        }
        match self {
            Element::F64 => f64::from_le_bytes(array(bytes)) as f32,
            Element::F32 => f32::from_le_bytes(array(bytes)),
            Element::F16 => f16::from_le_bytes(array(bytes)).to_f32(),
            Element::Bf16 => bf16::from_le_bytes(array(bytes)).to_f32(),
            Element::I64 => i64::from_le_bytes(array(bytes)) as f32,
            Element::I32 => i32::from_le_bytes(array(bytes)) as f32,
            Element::I16 => f32::from(i16::from_le_bytes(array(bytes))),
            Element::I8 => f32::from(bytes[0] as i8),
            Element::U8 | Element::Bool => f32::from(bytes[0]),
        }
    }
}

/// A view into raw elements: where it starts, its shape and strides, in elements.
pub(super) struct View {
    pub element: Element,
    pub offset: usize,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
}

impl View {
    /// Row-major strides of a shape.
    pub fn row_major(shape: &[usize]) -> Vec<usize> {
        let mut strides = vec![1usize; shape.len()];
        for axis in (1..shape.len()).rev() {
            strides[axis - 1] = strides[axis].saturating_mul(shape[axis]);
        }
        strides
    }

    /// The values, row-major.
    pub fn read(&self, name: &str, raw: &[u8]) -> Result<NamedTensor, ImportError> {
        let broken = |what: &str| ImportError::Tensor { name: name.to_owned(), reason: what.to_owned() };
        let size = self.element.bytes();
        let available = raw.len() / size;
        if self.shape.len() != self.strides.len() {
            return Err(broken("its shape and its strides do not fit"));
        }
        let count = self.shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
        let count = count.ok_or_else(|| broken("its shape is impossible"))?;
        if count == 0 {
            return Ok(NamedTensor { shape: self.shape.clone(), values: vec![] });
        }
        let reach = self
            .shape
            .iter()
            .zip(&self.strides)
            .try_fold(self.offset, |at, (&n, &stride)| at.checked_add((n - 1).checked_mul(stride)?));
        if reach.is_none_or(|last| last >= available) {
            return Err(broken("it reaches beyond its data; the file is truncated or damaged"));
        }
        // A view may repeat elements (stride 0), but weights do not; without this a small file could ask for any memory.
        if count > available {
            return Err(broken("it has more elements than its data"));
        }
        let mut values = memory::reserve(count as u128).map_err(|e| broken(&e.to_string()))?;
        let mut index = vec![0; self.shape.len()];
        let mut at = self.offset;
        for _ in 0..count {
            values.push(self.element.read(&raw[at * size..]));
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                at += self.strides[axis];
                if index[axis] < self.shape[axis] {
                    break;
                }
                at -= self.strides[axis] * self.shape[axis];
                index[axis] = 0;
            }
        }
        Ok(NamedTensor { shape: self.shape.clone(), values })
    }
}
