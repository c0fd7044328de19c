//! What the networks of the edema system share.

use crate::nn::{
    Init, InitSite,
    blocks::{BatchNorm, Conv, Dropout, UpConv, batch_norm, conv, global_max, same_conv, up_conv},
    models::ends,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};

/// Filters of the five levels.
pub fn filters(feature_scale: usize) -> [usize; 5] {
    [64, 128, 256, 512, 1024].map(|n| n / feature_scale)
}

/// Says what is wrong with a configuration, if anything is.
pub fn check(in_channels: usize, n_classes: usize, feature_scale: usize, dropout: f64) -> Result<(), String> {
    ends(in_channels, n_classes)?;
    if !(0.0..1.0).contains(&dropout) {
        return Err("dropout must be from 0 to below 1".to_owned());
    }
    if !(1..=64).contains(&feature_scale) {
        return Err("feature_scale must be from 1 to 64".to_owned());
    }
    Ok(())
}

/// Convolution, batch norm (where the network has it), ReLU.
type Unit = (Conv, Option<BatchNorm>);

fn unit(input: usize, output: usize, dilation: usize, with_norm: bool, device: &Device) -> Unit {
    let norm = with_norm.then(|| batch_norm(output, device));
    (conv(input, output, 3).dilation(dilation).same().init(device), norm)
}

fn run_unit((conv, norm): &Unit, x: Tensor<4>) -> Tensor<4> {
    let x = conv.forward(x);
    relu(match norm {
        Some(norm) => norm.forward(x),
        None => x,
    })
}

#[derive(Module, Debug)]
pub struct DoubleConv {
    conv1: Unit,
    conv2: Unit,
}

impl DoubleConv {
    pub fn new(input: usize, output: usize, with_norm: bool, device: &Device) -> Self {
        Self {
            conv1: unit(input, output, 1, with_norm, device),
            conv2: unit(output, output, 1, with_norm, device),
        }
    }

    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        run_unit(&self.conv2, run_unit(&self.conv1, x))
    }
}

/// Four units of dilation 1, 2, 4 and 8 one after the other; their input and what each gives are added.
#[derive(Module, Debug)]
pub struct DilatedConv {
    conv1: Unit,
    conv2: Unit,
    conv3: Unit,
    conv4: Unit,
}

impl DilatedConv {
    pub fn new(channels: usize, with_norm: bool, device: &Device) -> Self {
        let unit = |dilation| unit(channels, channels, dilation, with_norm, device);
        Self { conv1: unit(1), conv2: unit(2), conv3: unit(4), conv4: unit(8) }
    }

    /// `[batch, channels, height, width]` to the same shape.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let units = [&self.conv1, &self.conv2, &self.conv3, &self.conv4];
        let (sum, _) = units.into_iter().fold((input.clone(), input), |(sum, x), unit| {
            let x = run_unit(unit, x);
            (sum + x.clone(), x)
        });
        sum
    }
}

/// Transposed convolution 4×4, concatenation `[up, skips…]`, double convolution without batch norm.
#[derive(Module, Debug)]
pub struct UpBlock {
    // The reference registers the convolutions first.
    conv: DoubleConv,
    up: UpConv,
}

impl UpBlock {
    /// From `input` to `output` channels with `skips` skip connections of `output` channels each.
    pub fn new(input: usize, output: usize, skips: usize, device: &Device) -> Self {
        Self {
            conv: DoubleConv::new(output * (skips + 1), output, false, device),
            up: up_conv([input, output], 4, 1, device),
        }
    }

    /// `low` is half the size of the skips.
    pub fn forward(&self, low: Tensor<4>, skips: Vec<Tensor<4>>) -> Tensor<4> {
        let mut all = vec![self.up.forward(low)];
        all.extend(skips);
        self.conv.forward(Tensor::cat(all, 1))
    }
}

/// The slice-level findings: dropout, convolution 1×1, maximum over the slice. (The team's slides say mean, its code does
/// this.)
pub type Detection = (Dropout, Conv);

/// The reference writes 256 channels down, so that only feature_scale 4 runs; here they follow the network.
pub fn detection(channels: usize, findings: usize, dropout: f64, device: &Device) -> Detection {
    (Dropout::new(dropout), same_conv([channels, findings], 1, device))
}

/// `[batch, channels, height, width]` to findings before the sigmoid, `[batch, findings]`.
pub fn detect((dropout, conv): &Detection, x: Tensor<4>) -> Tensor<2> {
    let found = conv.forward(dropout.forward(x));
    let [batch, findings, _, _] = found.dims();
    global_max(found).reshape([batch, findings])
}

/// Kaiming normal over fan-in for convolutions, batch norm around 1, biases as PyTorch leaves them.
pub fn initial(site: &InitSite<'_>) -> Init {
    let weight = site.name.ends_with("weight");
    match (site.shape.len(), site.fan_in) {
        (4, fan_in) => Init::Normal { mean: 0.0, std: (2.0 / fan_in as f64).sqrt() },
        (_, 0) if weight => Init::Normal { mean: 1.0, std: 0.02 },
        (_, 0) => Init::Constant(0.0),
        (_, fan_in) => Init::Uniform(1.0 / (fan_in as f64).sqrt()),
    }
}
