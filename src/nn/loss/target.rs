use crate::nn::Head;
use burn::tensor::{Device, Tensor, TensorData};

/// The class of a pixel whose class is not known.
pub const IGNORE: u16 = 255;

/// What a batch should come out as, on the network's device.
#[derive(Clone, Debug)]
pub struct Targets {
    pub(super) head: Head,
    /// `[N, K, H, W]`: softmax networks one channel a class, sigmoid networks the foreground; 0 in every channel where the
    /// class is not known.
    pub(super) one_hot: Tensor<4>,
    /// `[N, 1, H, W]`: 1 where the class is known.
    pub(super) known: Tensor<4>,
    /// Known pixels of each class, background first.
    pub(super) counts: Vec<u64>,
    /// `[N, F]` with F = classes − 1: which classes occur.
    pub(super) presence: Tensor<2>,
    /// `[N, F]`: 1 where that is known.
    pub(super) presence_known: Tensor<2>,
    pub(super) presence_count: u64,
}

impl Targets {
    /// From classes `[N, H, W]`; every class that the head does not have counts as not known, as [`IGNORE`] does.
    ///
    /// # Panics
    /// Where `classes` is not `n·height·width` long, which is a mistake of the caller.
    pub fn new(classes: &[u16], [n, height, width]: [usize; 3], head: Head, device: &Device) -> Self {
        let pixels = height * width;
        assert_eq!(classes.len(), n * pixels, "one class a pixel");
        let (channels, total) = (head.channels(), head.classes());
        let mut one_hot = vec![0.0f32; n * channels * pixels];
        let mut known = vec![0.0f32; n * pixels];
        let mut counts = vec![0u64; total];
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
                counts[class] += 1;
                if class > 0 {
                    presence[item * findings + class - 1] = 1.0;
                }
                let channel = match head {
                    Head::Softmax { .. } => Some(class),
                    Head::Sigmoid => (class == 1).then_some(0),
                };
                if let Some(channel) = channel {
                    one_hot[(item * channels + channel) * pixels + i] = 1.0;
                }
            }
            if !complete {
                let these = item * findings..(item + 1) * findings;
                presence_known[these.clone()].copy_from_slice(&presence[these]);
            }
        }
        let presence_count = presence_known.iter().filter(|&&k| k > 0.0).count() as u64;
        let tensor4 = |values, channels| {
            Tensor::from_data(TensorData::new(values, [n, channels, height, width]), device)
        };
        let tensor2 = |values| Tensor::from_data(TensorData::new(values, [n, findings]), device);
        Self {
            head,
            one_hot: tensor4(one_hot, channels),
            known: tensor4(known, 1),
            counts,
            presence: tensor2(presence),
            presence_known: tensor2(presence_known),
            presence_count,
        }
    }

    /// Pixels whose class is known.
    pub fn known_pixels(&self) -> u64 {
        self.counts.iter().sum()
    }
}
