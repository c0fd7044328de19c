//! The blocks that have published fixtures of their own.

use super::{SpatialAttention, UpConv, keras_up, up_conv};
use crate::nn::{
    ComputeDevice, NamedTensor, NamedTensors,
    models::edema::unet::UpBlock,
    parameters::{count_trainable, load_strict},
    parity::read,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor, TensorData},
};
use serde_json::Value;

type Inputs = Vec<(Vec<usize>, Vec<f32>)>;
/// Builds a block, loads it strictly and runs it: outputs and trainable numbers.
pub type Run = fn(&Value, &NamedTensors, Inputs, &ComputeDevice) -> Result<(Vec<NamedTensor>, usize), String>;

/// The block of a fixture's network name.
pub fn find(name: &str) -> Option<Run> {
    match name {
        "edema/blocks/unetUp" => Some(unet_up),
        "vessel/blocks/spatial_attention" => Some(spatial_attention),
        "vessel/blocks/keras_deconv_same" => Some(keras_deconv),
        _ => None,
    }
}

fn size(config: &Value, key: &str) -> Result<usize, String> {
    let value = config.get(key).and_then(Value::as_u64);
    value.map(|n| n as usize).ok_or_else(|| format!("the configuration lacks \"{key}\""))
}

fn inputs(all: Inputs, device: &Device) -> Result<Vec<Tensor<4>>, String> {
    all.into_iter()
        .map(|(shape, values)| {
            let dims: [usize; 4] = shape.try_into().map_err(|s| format!("an input has shape {s:?}"))?;
            Ok(Tensor::from_data(TensorData::new(values, dims), device))
        })
        .collect()
}

fn run<M: Module>(
    module: M,
    tensors: &NamedTensors,
    forward: impl FnOnce(&M) -> Tensor<4>,
) -> Result<(Vec<NamedTensor>, usize), String> {
    let module = load_strict(module, tensors).map_err(|differences| differences.join("; "))?;
    Ok((vec![read(forward(&module))?], count_trainable(&module)))
}

fn unet_up(
    config: &Value,
    tensors: &NamedTensors,
    given: Inputs,
    device: &ComputeDevice,
) -> Result<(Vec<NamedTensor>, usize), String> {
    let skips = size(config, "n_concat")? - 1;
    let block = UpBlock::new(size(config, "in")?, size(config, "out")?, skips, device.burn());
    let mut given = inputs(given, device.burn())?;
    let skips = given.split_off(1);
    let low = given.pop().ok_or("no input")?;
    run(block, tensors, |block| block.forward(low, skips))
}

/// The fixture's names have the block inside a module `attn`.
#[derive(Module, Debug)]
struct Attention {
    attn: SpatialAttention,
}

fn spatial_attention(
    config: &Value,
    tensors: &NamedTensors,
    given: Inputs,
    device: &ComputeDevice,
) -> Result<(Vec<NamedTensor>, usize), String> {
    let block = Attention { attn: SpatialAttention::new(size(config, "kernel")?, device.burn()) };
    let input = inputs(given, device.burn())?.pop().ok_or("no input")?;
    run(block, tensors, |block| block.attn.forward(input))
}

#[derive(Module, Debug)]
struct Deconv {
    deconv: UpConv,
}

fn keras_deconv(
    config: &Value,
    tensors: &NamedTensors,
    given: Inputs,
    device: &ComputeDevice,
) -> Result<(Vec<NamedTensor>, usize), String> {
    let channels = [size(config, "in")?, size(config, "out")?];
    let block = Deconv { deconv: up_conv(channels, size(config, "k")?, 0, device.burn()) };
    let input = inputs(given, device.burn())?.pop().ok_or("no input")?;
    run(block, tensors, |block| keras_up(&block.deconv, input))
}
