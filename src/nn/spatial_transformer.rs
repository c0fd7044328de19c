//! A spatial transformer before a network (M. Jaderberg et al.: "Spatial Transformer Networks", NeurIPS 2015), as JMedSeg
//! wraps its networks: `y = net(sample(x, θ(x)))`, an affine map θ of the plane for each picture, the identity at first.
//!
//! As there, what comes out is not turned back: the network learns to label the picture as it was, and θ stays near the
//! identity.

use super::{
    Outputs,
    blocks::{Bins, Layer, Linear, Named, Sequential, adaptive_avg_pool, batch_norm, op, same_conv},
};
use burn::{
    module::Module,
    tensor::{
        Device, Tensor, TensorData,
        activation::relu,
        ops::{GridSampleOptions, GridSamplePaddingMode, InterpolateMode},
    },
};

/// The option of every network of slices that puts a transformer before it.
pub const OPTION: &str = "spatial_transformer";
/// What the names of the network behind a transformer begin with.
pub const INNER: &str = "convnet.";
/// Bytes that a pixel takes beside the network's own: the last convolution's 64 channels, its 32 input channels as nine
/// neighbours each.
pub const BYTES_PER_PIXEL: usize = 4 * (2 * 64 + 9 * 32);

/// Channels of the localisation network's convolutions, all at the input's size.
const FILTERS: [usize; 4] = [8, 16, 32, 64];

/// A network, alone or behind a transformer.
#[derive(Module, Debug)]
pub enum Whole<M: Module> {
    Plain(M),
    Transformed(Transformed<M>),
}

#[derive(Module, Debug)]
pub struct Transformed<M: Module> {
    convnet: M,
    loc: Sequential,
    /// `fc_loc.0` and `fc_loc.2`.
    fc_loc: Named<Linear>,
}

impl<M: Module> Whole<M> {
    /// `channels` of the input, where a transformer is wanted.
    pub fn new(network: M, transformer: Option<usize>, device: &Device) -> Self {
        match transformer {
            None => Whole::Plain(network),
            Some(channels) => Whole::Transformed(Transformed::new(network, channels, device)),
        }
    }

    /// The outputs of the network for `[batch, channels, …]`.
    pub fn forward<const D: usize>(
        &self,
        input: Tensor<D>,
        network: impl FnOnce(&M, Tensor<D>) -> Outputs<D>,
    ) -> Outputs<D> {
        match self {
            Whole::Plain(inner) => network(inner, input),
            Whole::Transformed(whole) => {
                let dims = input.dims();
                // Of slices: there is no transformer for volumes.
                let warped = whole.warped(input.reshape([dims[0], dims[1], dims[D - 2], dims[D - 1]]));
                network(&whole.convnet, warped.reshape(dims))
            }
        }
    }
}

impl<M: Module> Transformed<M> {
    fn new(convnet: M, channels: usize, device: &Device) -> Self {
        let inputs = [channels, FILTERS[0], FILTERS[1], FILTERS[2]];
        let block = |(input, output): (usize, usize)| -> [Layer; 3] {
            [same_conv([input, output], 3, device).into(), batch_norm(output, device).into(), op(relu)]
        };
        Self {
            convnet,
            loc: Sequential::new(inputs.into_iter().zip(FILTERS).flat_map(block)),
            fc_loc: Named::new([
                ("fc_loc.0", Linear::new([4 * FILTERS[3], 32], true, device)),
                ("fc_loc.2", Linear::new([32, 6], true, device)),
            ]),
        }
    }

    fn warped(&self, input: Tensor<4>) -> Tensor<4> {
        let theta = theta(&self.loc, &self.fc_loc, input.clone());
        sampled(input, theta)
    }
}

/// The affine map of each picture, `[batch, 2, 3]`, the row of x before that of y.
fn theta(loc: &Sequential, fc_loc: &[Linear], input: Tensor<4>) -> Tensor<3> {
    let found = adaptive_avg_pool(loc.forward(input), [2, 2], Bins::Covering);
    let batch = found.dims()[0];
    let found = fc_loc[0].forward(found.reshape([batch, 4 * FILTERS[3]]));
    fc_loc[1].forward(relu(found)).reshape([batch, 2, 3])
}

/// The input where θ leads each pixel's centre, both from -1 to 1 between the outer edges; bilinear, 0 beyond the edge.
fn sampled(input: Tensor<4>, theta: Tensor<3>) -> Tensor<4> {
    let [batch, _, height, width] = input.dims();
    let centre = |i: usize, n: usize| (2 * i + 1) as f32 / n as f32 - 1.0;
    let places = (0..height)
        .flat_map(|row| (0..width).flat_map(move |column| [centre(column, width), centre(row, height), 1.0]));
    let data = TensorData::new(places.collect::<Vec<f32>>(), [1, height * width, 3]);
    let places = Tensor::<3>::from_data(data, &theta.device());
    let grid = places.expand([batch, height * width, 3]).matmul(theta.swap_dims(1, 2));
    let options =
        GridSampleOptions::new(InterpolateMode::Bilinear).with_padding_mode(GridSamplePaddingMode::Zeros);
    input.grid_sample_2d(grid.reshape([batch, height, width, 2]), options.with_align_corners(false))
}

/// What a parameter of the transformer starts from where it is not the standard: its last layer gives the identity.
pub fn initial(name: &str, count: usize) -> Option<Vec<f32>> {
    match name {
        "fc_loc.2.weight" => Some(vec![0.0; count]),
        "fc_loc.2.bias" => Some(vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        label::LabelTable,
        nn::{
            Channels, ComputeDevice, InputSpec, Model, ModelCard, NamedTensor, NamedTensors,
            loss::{Loss, Targets},
            parameters::{load_strict, parameters_of},
            parity::{fill, fill_input},
            train::Optimizer,
        },
        testing::vectors,
        volume::Modality,
    };
    use serde_json::{Value, json};

    fn close(got: Tensor<1>, want: &Value, what: &str) {
        let got = got.into_data().try_to_vec::<f32>().unwrap();
        for sample in want["samples"].as_array().unwrap() {
            let (i, want) = (sample[0].as_u64().unwrap() as usize, sample[1].as_f64().unwrap());
            assert!((f64::from(got[i]) - want).abs() < 2e-5, "{what} {i}: {} for {want}", got[i]);
        }
        let mean = got.iter().map(|v| f64::from(*v)).sum::<f64>() / got.len() as f64;
        assert!((mean - want["mean"].as_f64().unwrap()).abs() < 1e-5, "{what}: mean {mean}");
    }

    #[test]
    fn the_transformer_is_jmedsegs() {
        let Some(v) = vectors("jmedseg/stn.json") else { return };
        let device = Device::flex();
        // Behind it a network that does nothing.
        let empty = Transformed::new(Sequential::new([]), 3, &device);
        let parameters = parameters_of(&empty);
        let count = |p: &[usize]| p.iter().product::<usize>();
        let trainable: usize = parameters.iter().filter(|p| p.trainable).map(|p| count(&p.shape)).sum();
        assert_eq!(trainable as u64, v["param_count"].as_u64().unwrap());
        let tensors: NamedTensors = parameters
            .into_iter()
            .map(|p| {
                let mut values = fill(&p.name, &p.shape, 1.0);
                if p.name == "fc_loc.2.bias" {
                    values.iter_mut().zip([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]).for_each(|(v, one)| *v += one);
                }
                (p.name, NamedTensor { shape: p.shape, values })
            })
            .collect();
        let filled = load_strict(empty, &tensors).unwrap().valid();
        let input = TensorData::new(fill_input("input", 2 * 3 * 64 * 64), [2, 3, 64, 64]);
        let input = Tensor::<4>::from_data(input, &device);
        let pooled = adaptive_avg_pool(filled.loc.forward(input.clone()), [2, 2], Bins::Covering);
        close(pooled.reshape([512]), &v["loc_out"], "localisation");
        let theta =
            theta(&filled.loc, &filled.fc_loc, input.clone()).into_data().try_to_vec::<f32>().unwrap();
        for (got, want) in theta.iter().zip(v["theta"].as_array().unwrap()) {
            assert!((f64::from(*got) - want.as_f64().unwrap()).abs() < 2e-6, "{got} for {want}");
        }
        close(filled.warped(input).reshape([2 * 3 * 64 * 64]), &v["outputs"][0], "output");
    }

    fn model(config: Value) -> Model {
        let input = InputSpec::unit(Channels::Rgb);
        let card = ModelCard::new("jmedseg/unet", config, input, LabelTable::named(&["a"]), Modality::Other);
        Model::build(card, 5, &ComputeDevice::cpu("test")).unwrap()
    }

    fn input() -> Tensor<4> {
        let values = fill_input("input", 2 * 3 * 32 * 32);
        Tensor::from_data(TensorData::new(values, [2, 3, 32, 32]), &Device::flex())
    }

    fn outputs(model: &Model) -> Vec<f32> {
        model.network().infer(input()).logits.into_data().try_to_vec().unwrap()
    }

    #[test]
    fn a_network_behind_a_new_transformer_does_what_it_did_and_then_learns() {
        let plain = model(json!({"feature_scale": 16}));
        let mut built = model(json!({"feature_scale": 16, OPTION: true}));
        let put_before = plain.transformed().unwrap();
        for wrapped in [&built, &put_before] {
            assert_eq!(wrapped.network().param_count(), plain.network().param_count() + 33_190);
            assert_eq!(wrapped.card.config[OPTION], true);
            for (a, b) in outputs(wrapped).iter().zip(outputs(&plain)) {
                assert!((a - b).abs() < 1e-4, "{a} for {b}");
            }
        }
        let head = built.network().head();
        let targets = Targets::new(&[1; 2 * 32 * 32], [2, 32, 32], head, &Device::flex().autodiff());
        let loss = Loss::parse("ce").unwrap();
        let mut optimizer_step = Optimizer::default().init();
        for _ in 0..2 {
            let mut loss = |outputs: &Outputs| loss.compute(outputs, &targets);
            built.network_mut().train_step(input(), &mut loss, &mut optimizer_step, 1e-2, 1).unwrap();
        }
        let (before, after) = (put_before.network().tensors().unwrap(), built.network().tensors().unwrap());
        for name in ["fc_loc.2.bias", "fc_loc.2.weight", "loc.0.weight", "convnet.inc.double_conv.0.weight"] {
            assert!(before[name] != after[name], "{name} has not moved");
        }
        let again = Model::from_bytes(&built.to_bytes().unwrap(), built.device()).unwrap();
        assert_eq!(again.card.config[OPTION], true);
        assert_eq!(outputs(&again), outputs(&built));
    }

    #[test]
    fn the_option_is_a_switch_of_networks_of_slices() {
        let volumes = crate::nn::find("flare/unet").unwrap();
        let error = volumes.ends(&json!({OPTION: true})).unwrap_err().to_string();
        assert!(error.contains("is for networks of slices"), "{error}");
        let spec = crate::nn::find("jmedseg/unet").unwrap();
        assert!(spec.ends(&json!({OPTION: 3})).unwrap_err().to_string().contains("true or false"));
        assert!(spec.ends(&json!({OPTION: false})).is_ok());
    }
}
