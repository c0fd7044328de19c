//! The blocks that have published fixtures of their own.

use super::{SpatialAttention, UpConv, keras_up, up_conv};
use crate::nn::{
    ComputeDevice, NamedTensor, NamedTensors,
    models::{
        edema::layers::{DilatedConv, UpBlock},
        polyp::{
            ducknet::Duck,
            layers::{Activation, UpUnit},
            resunetpp::{Aspp, Attention, SqueezeExcite},
        },
    },
    parameters::{count_trainable, load_strict},
};
use burn::{
    module::Module,
    tensor::{Device, Tensor, TensorData},
};
use serde_json::Value;

/// Outputs and trainable numbers.
type Ran = Result<(Vec<NamedTensor>, usize), String>;
/// Builds a block, loads it strictly and runs it.
pub type BlockCheck = fn(Case<'_>) -> Ran;

/// The configuration, the tensors and the inputs that a fixture gives a block.
pub struct Case<'a> {
    config: &'a Value,
    tensors: &'a NamedTensors,
    inputs: Vec<Tensor<4>>,
    device: &'a Device,
}

/// The block of a fixture's network name.
pub fn find(name: &str) -> Option<BlockCheck> {
    Some(match name {
        "edema/blocks/unetConv2_dilation" => dilation,
        "edema/blocks/unetUp" => unet_up,
        "polyp/blocks/ASPP" => aspp,
        "polyp/blocks/DUCK" => duck,
        "polyp/blocks/DeConvBNAct" => deconv,
        "polyp/blocks/RPP_Attention" => gate,
        "polyp/blocks/SEBlock" => squeeze_excite,
        "vessel/blocks/spatial_attention" => spatial_attention,
        "vessel/blocks/keras_deconv_same" => keras_deconv,
        _ => return None,
    })
}

impl<'a> Case<'a> {
    pub fn new(
        config: &'a Value,
        tensors: &'a NamedTensors,
        inputs: Vec<(Vec<usize>, Vec<f32>)>,
        device: &'a ComputeDevice,
    ) -> Result<Self, String> {
        let tensor = |(shape, values): (Vec<usize>, Vec<f32>)| {
            let dims: [usize; 4] = shape.try_into().map_err(|s| format!("an input has shape {s:?}"))?;
            Ok(Tensor::from_data(TensorData::new(values, dims), device.burn()))
        };
        let inputs = inputs.into_iter().map(tensor).collect::<Result<_, String>>()?;
        Ok(Self { config, tensors, inputs, device: device.burn() })
    }

    fn size(&self, key: &str) -> Result<usize, String> {
        let value = self.config.get(key).and_then(Value::as_u64);
        value.map(|n| n as usize).ok_or_else(|| format!("the configuration lacks \"{key}\""))
    }

    /// Runs the block on the first input and the others.
    fn run<M: Module>(
        mut self,
        module: M,
        forward: impl FnOnce(&M, Tensor<4>, Vec<Tensor<4>>) -> Tensor<4>,
    ) -> Ran {
        if self.inputs.is_empty() {
            return Err("no input".to_owned());
        }
        let first = self.inputs.remove(0);
        let module = load_strict(module, self.tensors).map_err(|differences| differences.join("; "))?;
        Ok((vec![NamedTensor::read(forward(&module, first, self.inputs))?], count_trainable(&module)))
    }
}

fn dilation(case: Case<'_>) -> Ran {
    let block = DilatedConv::new(case.size("in")?, true, case.device);
    case.run(block, |block, x, _| block.forward(x))
}

fn unet_up(case: Case<'_>) -> Ran {
    let block = UpBlock::new(case.size("in")?, case.size("out")?, case.size("n_concat")? - 1, case.device);
    case.run(block, |block, low, skips| block.forward(low, skips))
}

fn aspp(case: Case<'_>) -> Ran {
    let dilations = case.config.get("dilations").and_then(Value::as_array).into_iter().flatten();
    let dilations: Vec<usize> = dilations.filter_map(Value::as_u64).map(|n| n as usize).collect();
    let block = Aspp::new(case.size("in")?, case.size("out")?, &dilations, Activation::Relu, case.device);
    case.run(block, |block, x, _| block.forward(x))
}

fn duck(case: Case<'_>) -> Ran {
    let [input, output, filter] = [case.size("in")?, case.size("out")?, case.size("filter_size")?];
    let block = Duck::new(input, output, filter, Activation::Relu, case.device);
    case.run(block, |block, x, _| block.forward(x))
}

fn deconv(case: Case<'_>) -> Ran {
    let [input, output, scale] = [case.size("in")?, case.size("out")?, case.size("scale")?];
    let block = UpUnit::new(input, output, scale, Activation::Relu, case.device);
    case.run(block, |block, x, _| block.forward(x))
}

fn gate(case: Case<'_>) -> Ran {
    let [input, gate, hidden] = [case.size("in")?, case.size("gate")?, case.size("hid")?];
    let block = Attention::new(input, gate, hidden, Activation::Relu, case.device);
    case.run(block, |block, x, gates| gates.into_iter().fold(x, |x, gate| block.forward(x, gate)))
}

fn squeeze_excite(case: Case<'_>) -> Ran {
    let [channels, reduction] = [case.size("channels")?, case.size("reduction")?];
    let block = SqueezeExcite::new(channels, reduction, Activation::Relu, case.device);
    case.run(block, |block, x, _| block.forward(x))
}

/// The fixture's names have the block inside a module `attn`.
#[derive(Module, Debug)]
struct Attn {
    attn: SpatialAttention,
}

fn spatial_attention(case: Case<'_>) -> Ran {
    let block = Attn { attn: SpatialAttention::new(case.size("kernel")?, case.device) };
    case.run(block, |block, x, _| block.attn.forward(x))
}

#[derive(Module, Debug)]
struct Deconv {
    deconv: UpConv,
}

fn keras_deconv(case: Case<'_>) -> Ran {
    let channels = [case.size("in")?, case.size("out")?];
    let block = Deconv { deconv: up_conv(channels, case.size("k")?, 0, case.device) };
    case.run(block, |block, x, _| keras_up(&block.deconv, x))
}
