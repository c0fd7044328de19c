use crate::nn::Head;
use burn::tensor::{Device, Tensor, TensorData};
use std::sync::Arc;

/// The class of a pixel whose class is not known.
pub const IGNORE: u16 = 255;

/// What a batch should come out as, on the network's device. Space may have any rank: it is laid out as rows and columns,
/// the first dimensions together, so that the terms of a loss need not ask.
#[derive(Clone, Debug)]
pub struct Targets {
    head: Head,
    /// Height and width, or depth, height and width.
    pub(super) space: Vec<usize>,
    /// Softmax over the channels; else every channel has a sigmoid of its own.
    pub(super) softmax: bool,
    /// `[N, K, R, C]`: which pixels belong to a channel's class. Softmax networks have one channel a class, sigmoid networks
    /// none for the background; 0 in every channel where the class is not known.
    pub(super) truth: Tensor<4>,
    /// `[N, 1, R, C]`: 1 where the class is known.
    pub(super) known: Tensor<4>,
    /// Pixels of each channel's class.
    pub(super) counts: Vec<u64>,
    pub(super) known_count: u64,
    /// `[N, F]` with F = classes − 1: which classes occur.
    pub(super) presence: Tensor<2>,
    /// `[N, F]`: 1 where that is known.
    pub(super) presence_known: Tensor<2>,
    pub(super) presence_count: u64,
    /// Logits of a teacher, `[N, K, R, C]`.
    pub(super) teacher: Option<Tensor<4>>,
    /// `[N, space]`; empty for [`Targets::of_channels`].
    classes: Arc<[u16]>,
}

impl Targets {
    /// From classes `[N, H, W]` or `[N, D, H, W]`; every class that the head does not have counts as not known, as
    /// [`IGNORE`] does.
    ///
    /// # Panics
    /// Where `classes` is not as long as its shape says, which is a mistake of the caller.
    pub fn new<const D: usize>(classes: &[u16], shape: [usize; D], head: Head, device: &Device) -> Self {
        let total = head.classes();
        assert_eq!(classes.len(), shape.iter().product::<usize>(), "one class a pixel");
        let (n, channels, pixels) = (shape[0], head.channels(), shape[1..].iter().product::<usize>());
        let softmax = matches!(head, Head::Softmax { .. });
        let mut truth = vec![0.0f32; n * channels * pixels];
        let mut known = vec![0.0f32; n * pixels];
        let findings = total - 1;
        let mut presence = vec![0.0f32; n * findings];
        let mut presence_known = vec![1.0f32; n * findings];
        for (item, classes) in classes.chunks_exact(pixels.max(1)).enumerate() {
            let mut complete = true;
            for (i, &class) in classes.iter().enumerate() {
                let class = usize::from(class);
                if class >= total {
                    complete = false;
                    continue;
                }
                known[item * pixels + i] = 1.0;
                if class > 0 {
                    presence[item * findings + class - 1] = 1.0;
                }
                let channel = if softmax { Some(class) } else { class.checked_sub(1) };
                if let Some(channel) = channel {
                    truth[(item * channels + channel) * pixels + i] = 1.0;
                }
            }
            if !complete {
                let these = item * findings..(item + 1) * findings;
                presence_known[these.clone()].copy_from_slice(&presence[these]);
            }
        }
        Self {
            presence_count: presence_known.iter().filter(|&&k| k > 0.0).count() as u64,
            presence: Tensor::from_data(TensorData::new(presence, [n, findings]), device),
            presence_known: Tensor::from_data(TensorData::new(presence_known, [n, findings]), device),
            classes: classes.into(),
            ..Self::of_values(&truth, known, &shape, head, device)
        }
    }

    /// From one mask for each channel of the logits, `[N, K, space]` row-major with values 0 and 1, all of it known. Classes
    /// may overlap where each has a sigmoid. There is nothing for a detection head to learn from.
    ///
    /// # Panics
    /// Where `truth` is not as long as its shape says, or K is not the head's, which are mistakes of the caller.
    pub fn of_channels<const D: usize>(
        truth: &[f32],
        shape: [usize; D],
        head: Head,
        device: &Device,
    ) -> Self {
        assert_eq!(truth.len(), shape.iter().product::<usize>(), "one value a channel and pixel");
        assert_eq!(shape[1], head.channels(), "one mask a channel");
        let mut of_pixels = shape.to_vec();
        of_pixels.remove(1);
        let known = vec![1.0; of_pixels.iter().product()];
        Self::of_values(truth, known, &of_pixels, head, device)
    }

    /// `truth` is `[N, K, space]`, `known` and `shape` are `[N, space]`.
    fn of_values(truth: &[f32], known: Vec<f32>, shape: &[usize], head: Head, device: &Device) -> Self {
        let (n, channels, space) = (shape[0], head.channels(), &shape[1..]);
        let [rows, columns] = rows_and_columns(space);
        let mut counts = vec![0; channels];
        for (i, mask) in truth.chunks_exact((rows * columns).max(1)).enumerate() {
            counts[i % channels] += mask.iter().filter(|&&t| t > 0.0).count() as u64;
        }
        Self {
            head,
            space: space.to_vec(),
            softmax: matches!(head, Head::Softmax { .. }),
            counts,
            known_count: known.iter().filter(|&&k| k > 0.0).count() as u64,
            truth: Tensor::from_data(TensorData::new(truth.to_vec(), [n, channels, rows, columns]), device),
            known: Tensor::from_data(TensorData::new(known, [n, 1, rows, columns]), device),
            presence: Tensor::zeros([n, head.classes() - 1], device),
            presence_known: Tensor::zeros([n, head.classes() - 1], device),
            presence_count: 0,
            teacher: None,
            classes: [].into(),
        }
    }

    /// With findings `[N, F]` that are data of their own (1 where a class occurs) and not what the pixels show.
    ///
    /// # Panics
    /// Where their number is not N·F, which is a mistake of the caller.
    pub fn with_findings(self, findings: &[f32]) -> Self {
        let dims = self.presence.dims();
        Self {
            presence: Tensor::from_data(TensorData::new(findings.to_vec(), dims), &self.presence.device()),
            presence_known: self.presence.ones_like(),
            presence_count: findings.len() as u64,
            ..self
        }
    }

    /// With a teacher's logits for the same batch, for the terms that distil.
    pub fn with_teacher<const D: usize>(self, logits: Tensor<D>) -> Self {
        let logits = flat(logits);
        let logits =
            if self.truth.is_autodiff() && !logits.is_autodiff() { logits.autodiff() } else { logits };
        Self { teacher: Some(logits.detach()), ..self }
    }

    /// The same truth for logits of another size, by nearest neighbour: `⌊i·old/new⌋`. `None` where the size differs and the
    /// classes are not at hand.
    pub(super) fn resized(&self, space: &[usize]) -> Option<Self> {
        if space == self.space {
            return Some(Self { teacher: None, ..self.clone() });
        }
        let n = self.truth.dims()[0];
        let [old, new] = [self.space.as_slice(), space].map(|s| s.iter().product::<usize>());
        if self.classes.is_empty() || space.len() != self.space.len() {
            return None;
        }
        let nearest = |mut i: usize| {
            let (mut at, mut stride) = (0, 1);
            for (&from, &to) in self.space.iter().zip(space).rev() {
                at += (i % to) * from / to * stride;
                i /= to;
                stride *= from;
            }
            at
        };
        let classes: Vec<u16> =
            (0..n * new).map(|i| self.classes[i / new * old + nearest(i % new)]).collect();
        let [rows, columns] = rows_and_columns(space);
        let resized = Self::new(&classes, [n, rows, columns], self.head, &self.truth.device());
        Some(Self { space: space.to_vec(), ..resized })
    }

    /// Pixels whose class is known.
    pub fn known_pixels(&self) -> u64 {
        self.known_count
    }
}

/// The last dimension, and all before it as one.
fn rows_and_columns(space: &[usize]) -> [usize; 2] {
    let columns = space.last().copied().unwrap_or(1);
    [space.iter().rev().skip(1).product(), columns]
}

/// `[N, K, space]` of any rank as `[N, K, R, C]`.
pub(super) fn flat<const D: usize>(tensor: Tensor<D>) -> Tensor<4> {
    let dims = tensor.dims();
    let [rows, columns] = rows_and_columns(&dims[2..]);
    tensor.reshape([dims[0], dims[1], rows, columns])
}
