//! Contrastive pretraining: a layer of a network learns, without labels, to tell the views of one slice from all others (K. He
//! et al.: "Momentum Contrast for Unsupervised Visual Representation Learning", CVPR 2020), as JMedSeg's `run_ssl.py` sets
//! out to.
//!
//! What is corrected here: the keys come from a moving average of the network and carry no gradient (one network made both, and
//! learned through both); the projection learns (it kept its random first values); keys that do not fit before the bank's end
//! continue at its beginning (they were dropped).
//!
//! The loss does not say how good the features are, so no step is called the best. In the runs that were watched it fell
//! and rose again, perhaps because keys are easier to tell apart when the network that makes them changes fast.

use super::{OptimizerStep, TrainError};
use crate::nn::{
    NamedTensor, NamedTensors, Network, NetworkError, Outputs,
    blocks::{Bins, Linear, adaptive_avg_pool, tap},
    parameters::{blend, load_strict, name_hash, replace, tensors_of},
};
use burn::{
    module::{Module, ParamId},
    optim::GradientsParams,
    tensor::{
        Device, Tensor, TensorData,
        activation::{log_softmax, relu},
    },
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// What a layer learns by contrast; the defaults are JMedSeg's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Contrast {
    /// Name of a module of the network; the rectified output of the last convolution or norm in it is what is compared.
    pub layer: String,
    /// Numbers that a view becomes.
    pub width: usize,
    /// Keys of earlier batches that are remembered.
    pub bank: usize,
    pub temperature: f32,
}

impl Default for Contrast {
    fn default() -> Self {
        Self { layer: String::new(), width: 128, bank: 1024, temperature: 0.07 }
    }
}

/// From a layer's features to a point on a sphere.
#[derive(Module, Debug)]
struct Projection {
    fc: Linear,
}

/// Features are pooled to this many rows and columns.
const POOLED: usize = 2;

impl Projection {
    /// `[batch, channels, height, width]` to `[batch, width]`, each of length 1.
    fn forward(&self, features: Tensor<4>) -> Tensor<2> {
        let pooled = adaptive_avg_pool(relu(features), [POOLED; 2], Bins::Covering);
        let [batch, channels, ..] = pooled.dims();
        unit(self.fc.forward(relu(pooled.reshape([batch, channels * POOLED * POOLED]))), 1)
    }
}

/// Vectors along `dim` at length 1.
fn unit(vectors: Tensor<2>, dim: usize) -> Tensor<2> {
    let squares = (vectors.clone() * vectors.clone()).sum_dim(dim);
    vectors / (squares + 1e-12).sqrt()
}

/// The logits of InfoNCE (A. van den Oord et al.: "Representation Learning with Contrastive Predictive Coding", 2018):
/// queries `[batch, width]` against their own keys first and then against the bank `[width, keys]`.
fn logits(queries: Tensor<2>, keys: Tensor<2>, bank: Tensor<2>, temperature: f32) -> Tensor<2> {
    let own = (queries.clone() * keys).sum_dim(1);
    Tensor::cat(vec![own, queries.matmul(bank)], 1).div_scalar(temperature)
}

/// Mean cross-entropy of the own keys, `[1]`.
fn info_nce(logits: Tensor<2>) -> Tensor<1> {
    log_softmax(logits, 1).narrow(1, 0, 1).mean().neg()
}

/// The state of a pretraining beside the network, its average and its optimiser.
pub struct Contrastive {
    config: Contrast,
    /// The weight of the layer that is watched.
    layer: ParamId,
    projection: Projection,
    /// Of the keys: the moving average.
    slow: Projection,
    /// Of the projection.
    pub optimizer_step: OptimizerStep,
    /// `[width, keys]`, each column of length 1.
    bank: Tensor<2>,
    /// Where the next key goes.
    place: usize,
}

impl Contrastive {
    pub fn new(
        config: Contrast,
        network: &dyn Network,
        optimizer_step: OptimizerStep,
        seed: u64,
    ) -> Result<Self, TrainError> {
        let layer = find_layer(&config.layer, network)?;
        let device = network.device().burn();
        let side = network.input().side(1);
        tap::watch(layer);
        network.infer(Tensor::zeros([1, network.channels(), side, side], device));
        let Some(features) = tap::taken() else {
            return Err(TrainError::Layer(format!("{} gives no picture of features", config.layer)));
        };
        let inputs = features.dims()[1] * POOLED * POOLED;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        // PyTorch's rule for linear layers.
        let bound = 1.0 / (inputs as f32).sqrt();
        let empty = Projection { fc: Linear::new([inputs, config.width], true, device) };
        let projection = replace(empty, |_, shape| {
            let count = shape.iter().product();
            Some((0..count).map(|_| rng.random_range(-bound..bound)).collect())
        })
        .valid();
        let mut normal = || (0..12).map(|_| rng.random::<f32>()).sum::<f32>() - 6.0;
        let bank: Vec<f32> = (0..config.width * config.bank).map(|_| normal()).collect();
        let bank = Tensor::from_data(TensorData::new(bank, [config.width, config.bank]), device);
        let (slow, bank) = (projection.clone(), unit(bank, 0));
        Ok(Self { config, layer, projection, slow, optimizer_step, bank, place: 0 })
    }

    /// One step: `input` holds the queries' views and then the keys'. The loss before it. `decay` is that of the average.
    pub fn step(
        &mut self,
        network: &mut dyn Network,
        input: Tensor<4>,
        optimizer: &mut OptimizerStep,
        lr: f64,
        seed: u64,
        decay: f64,
    ) -> Result<f32, NetworkError> {
        let n = input.dims()[0] / 2;
        let silent = || NetworkError::Device(format!("the layer {} gave nothing", self.config.layer));
        let mut slow = network.averaged().ok_or_else(silent)?;
        tap::watch(self.layer);
        // By the statistics of its batch, as the queries are by those of theirs.
        slow.forward_training(input.clone().narrow(0, n, n), seed);
        let keys = self.slow.forward(tap::taken().ok_or_else(silent)?.without_autodiff());
        let temperature = self.config.temperature;
        let (projection, bank, optimizer_step) = (&mut self.projection, &self.bank, &mut self.optimizer_step);
        let missing = std::cell::Cell::new(false);
        let mut loss = |outputs: &Outputs| {
            let Some(features) = tap::taken() else {
                missing.set(true);
                return outputs.logits.clone().mean();
            };
            let (keys, bank) = (keys.clone().autodiff(), bank.clone().autodiff());
            let of = |projection: &Projection, features| {
                info_nce(logits(projection.forward(features), keys.clone(), bank.clone(), temperature))
            };
            // The projection takes a step of its own, by the gradient for the same features; the network learns through it
            // as it was before.
            let learning = projection.clone().train();
            let constant = learning.clone();
            let own = of(&learning, features.clone().without_autodiff().autodiff());
            let gradients = GradientsParams::from_grads(own.backward(), &learning);
            *projection = optimizer_step.step(lr, learning, gradients).valid();
            of(&constant, features)
        };
        tap::watch(self.layer);
        let value = network.train_step(input.narrow(0, 0, n), &mut loss, optimizer, lr, seed)?;
        if missing.get() {
            return Err(silent());
        }
        self.slow = blend(self.slow.clone(), &self.projection, decay);
        self.remember(keys);
        Ok(value)
    }

    /// Puts keys `[batch, width]` into the bank, over the oldest.
    fn remember(&mut self, keys: Tensor<2>) {
        let all = self.config.bank;
        let keys = keys.transpose();
        for i in 0..keys.dims()[1] {
            let place = [0..self.config.width, self.place..self.place + 1];
            self.bank = self.bank.clone().slice_assign(place, keys.clone().narrow(1, i, 1));
            self.place = (self.place + 1) % all;
        }
    }

    /// All that a checkpoint needs beside the projection's optimiser.
    pub fn tensors(&self) -> Result<NamedTensors, NetworkError> {
        let mut all = NamedTensors::new();
        for (which, projection) in [("projection", &self.projection), ("slow", &self.slow)] {
            let tensors = tensors_of(projection)?.into_iter();
            all.extend(tensors.map(|(name, tensor)| (format!("{which}.{name}"), tensor)));
        }
        let bank = self.bank.clone().try_into_vec_as::<f32>();
        let values = bank.map_err(|e| NetworkError::Device(e.to_string()))?;
        let shape = vec![self.config.width, self.config.bank];
        all.insert("bank".to_owned(), NamedTensor { shape, values });
        let place = NamedTensor { shape: vec![1], values: vec![self.place as f32] };
        all.insert("place".to_owned(), place);
        Ok(all)
    }

    /// Goes on from [`Self::tensors`]; false where they are not those of this pretraining.
    pub fn restore(&mut self, tensors: &NamedTensors) -> bool {
        let of = |which: &str| -> NamedTensors {
            let own = |(name, tensor): (&String, &NamedTensor)| {
                Some((name.strip_prefix(which)?.to_owned(), tensor.clone()))
            };
            tensors.iter().filter_map(own).collect()
        };
        let projection = |old: &Projection, which| load_strict(old.clone().valid(), &of(which)).ok();
        let found = (projection(&self.projection, "projection."), projection(&self.slow, "slow."));
        let (Some(bank), Some(place)) = (tensors.get("bank"), tensors.get("place")) else { return false };
        let ((Some(fast), Some(slow)), [place]) = (found, &place.values[..]) else { return false };
        if bank.shape != [self.config.width, self.config.bank] || *place as usize >= self.config.bank {
            return false;
        }
        let device: Device = self.bank.device();
        let shape = [self.config.width, self.config.bank];
        self.bank = Tensor::from_data(TensorData::new(bank.values.clone(), shape), &device);
        (self.projection, self.slow, self.place) = (fast, slow, *place as usize);
        true
    }
}

/// The last convolution or norm in the module of that name.
fn find_layer(name: &str, network: &dyn Network) -> Result<ParamId, TrainError> {
    let parameters = network.parameters();
    let is_layer = |shape: &[usize]| matches!(shape.len(), 1 | 4);
    let inside = |parameter: &str| {
        parameter.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))
            && parameter.ends_with(".weight")
    };
    let found = parameters.iter().rfind(|p| inside(&p.name) && is_layer(&p.shape));
    found.map(|p| ParamId::from(name_hash(&p.name))).ok_or_else(|| {
        let mut known: Vec<&str> = vec![];
        for p in parameters.iter().filter(|p| is_layer(&p.shape)) {
            let first = p.name.split('.').next().unwrap_or_default();
            if known.last() != Some(&first) {
                known.push(first);
            }
        }
        TrainError::Layer(format!(
            "there is no layer \"{name}\"; there are {} and what is in them",
            known.join(", ")
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        nn::{
            ComputeDevice, Model, find, parity,
            train::{
                Augment, Crop, Schedule, TrainConfig, TrainEvent, TrainSession,
                tests::{config, model, run, sample},
            },
        },
        testing::{shared, vectors},
    };
    use serde_json::Value;

    fn numbers(v: &Value) -> Vec<f32> {
        v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect()
    }

    fn matrix(values: Vec<f32>, shape: [usize; 2]) -> Tensor<2> {
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    fn values<const D: usize>(t: Tensor<D>) -> Vec<f32> {
        t.without_autodiff().into_data().try_to_vec().unwrap()
    }

    fn close(got: &[f32], want: &[f32], within: f32, what: &str) {
        assert_eq!(got.len(), want.len(), "{what}");
        for (g, w) in got.iter().zip(want) {
            assert!((g - w).abs() < within * (1.0 + w.abs()), "{what}: {g} for {w}");
        }
    }

    #[test]
    fn the_loss_is_jmedsegs_and_the_bank_goes_on_at_its_beginning() {
        let Some(v) = vectors("jmedseg/losses.json") else { return };
        let v = &v["infonce"];
        let row = |key: &str| unit(matrix(numbers(&v[key]), [3, 4]), 1);
        let bank = unit(matrix(numbers(&v["queue_raw_dim4_K5"]), [4, 5]), 0);
        let keys = row("k_raw");
        let found = logits(row("q_raw"), keys.clone(), bank.clone(), v["T"].as_f64().unwrap() as f32);
        close(&values(found.clone()), &numbers(&v["logits"]), 1e-6, "logits");
        close(&values(info_nce(found)), &[v["loss"].as_f64().unwrap() as f32], 1e-6, "loss");

        let device = Device::flex();
        let projection = Projection { fc: Linear::new([1, 4], true, &device) };
        let mut contrast = Contrastive {
            config: Contrast { width: 4, bank: 5, ..Contrast::default() },
            layer: ParamId::from(0),
            slow: projection.clone(),
            projection,
            optimizer_step: super::super::Optimizer::default().init(),
            bank,
            place: v["enqueue"]["ptr_before"].as_u64().unwrap() as usize,
        };
        contrast.remember(keys.clone());
        // The reference drops the third key; here it is the first column.
        let (mut want, key) = (numbers(&v["enqueue"]["queue_after"]), values(keys));
        (0..4).for_each(|i| want[5 * i] = key[8 + i]);
        close(&values(contrast.bank), &want, 1e-6, "bank");
        assert_eq!(contrast.place, 1);
    }

    #[test]
    fn the_layers_features_and_logits_are_jmedsegs() {
        let Some(v) = vectors("jmedseg/ssl_moco.json") else { return };
        let Some(fixture) = shared("parity/networks/jmedseg/unet.json") else { return };
        let device = ComputeDevice::cpu("test");
        let mut network = find("jmedseg/unet").unwrap().build::<4>(&Value::Null, 0, &device).unwrap();
        network.load(&parity::tensors(&fixture).unwrap()).unwrap();
        let layer = find_layer("down4", network.as_ref()).unwrap();
        let empty = Projection { fc: Linear::new([2048, 128], true, device.burn()) };
        let filled = |name: &str, shape: &[usize]| {
            Some(parity::fill(&name.replace("fc.", "project.fc.1."), shape, 1.0))
        };
        let projection = replace(empty, filled).valid();
        let bank = unit(matrix(parity::fill_input("queue", 128 * 1024), [128, 1024]), 0);
        let input = |name: &str| {
            let data = TensorData::new(parity::fill_input(name, 2 * 3 * 64 * 64), [2, 3, 64, 64]);
            Tensor::<4>::from_data(data, device.burn())
        };
        for (mode, within) in [("eval", 2e-5), ("train", 2e-4)] {
            let mut sphere = |name: &str| {
                tap::watch(layer);
                match mode {
                    "eval" => network.infer(input(name)),
                    _ => network.forward_training(input(name), 1),
                };
                projection.forward(tap::taken().unwrap().without_autodiff())
            };
            let (queries, keys) = (sphere("ssl_q"), sphere("ssl_k"));
            let found = logits(queries, keys, bank.clone(), 0.07);
            let (want, got) = (&v["modes"][mode], values(found.clone()));
            close(&[got[0], got[1025]], &numbers(&want["logits_col0"]), within, mode);
            for sample in want["logits"]["samples"].as_array().unwrap() {
                let [i, want] = [0, 1].map(|k| sample[k].as_f64().unwrap());
                close(&[got[i as usize]], &[want as f32], 5.0 * within, mode);
            }
            let loss = values(info_nce(found))[0];
            assert!((f64::from(loss) - want["loss"].as_f64().unwrap()).abs() < 1e-5, "{mode}: {loss}");
        }
    }

    fn pretraining(steps: u64) -> TrainConfig {
        TrainConfig {
            steps,
            batch: 4,
            crop: Crop::Whole,
            schedule: Schedule::Constant,
            augment: Augment { flip_x: 0.5, brightness: 0.1, contrast: 0.2, ..Augment::default() },
            pretrain: Some(Contrast { layer: "mid".into(), bank: 16, width: 16, ..Contrast::default() }),
            validate_every: 10,
            ..config()
        }
    }

    fn begun(config: TrainConfig) -> Result<TrainSession, TrainError> {
        TrainSession::new(model(), config, (1..9).map(sample).collect(), vec![sample(9)])
    }

    #[test]
    fn views_of_one_slice_come_to_be_told_from_the_others() {
        let mut session = begun(pretraining(60)).unwrap();
        let (losses, validated) = run(&mut session);
        assert!(validated.is_empty(), "there is no Dice to speak of");
        assert_eq!(session.curve().len(), 6);
        let mean = |l: &[f32]| l.iter().sum::<f32>() / l.len() as f32;
        // The bank is full of real keys after 4 steps; chance is ln 17.
        assert!(mean(&losses[50..]) < mean(&losses[4..14]) - 0.1, "{losses:?}");
        let model: Model = session.into_model().unwrap();
        assert!(model.card.metrics.is_empty());
    }

    #[test]
    fn a_resumed_pretraining_is_the_one_that_never_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let mut whole = begun(pretraining(9)).unwrap();
        let expected = run(&mut whole).0;
        let mut first = begun(pretraining(9)).unwrap();
        let mut losses = vec![];
        while losses.len() < 5 {
            if let TrainEvent::Step { loss, .. } = first.step().unwrap() {
                losses.push(loss);
            }
        }
        first.checkpoint(&path).unwrap();
        let samples = (1..9).map(sample).collect();
        let mut second = TrainSession::resume(model(), &path, samples, vec![sample(9)]).unwrap();
        losses.extend(run(&mut second).0);
        assert_eq!(losses, expected);
        let weights = |session: TrainSession| session.into_model().unwrap().network().tensors().unwrap();
        assert!(weights(second) == weights(whole));
    }

    #[test]
    fn a_layer_that_is_not_there_is_refused_with_those_that_are() {
        let pretrain = Some(Contrast { layer: "down9".into(), ..Contrast::default() });
        let told = begun(TrainConfig { pretrain, ..pretraining(1) }).map(|_| ()).unwrap_err().to_string();
        assert!(told.contains("down9") && told.contains("enc3, mid"), "{told}");
    }
}
