//! Several networks of the edema system as one: the weighted mean of their probabilities, for the masks and for the
//! findings. The system's best entries are the mean of U-Net++ and U-Net.

use super::{
    layers,
    unet::{Unet, UnetConfig},
    unet_nested::{NestedConfig, UnetNested},
};
use crate::nn::{
    Config, Head, Init, InitSite, InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
};
use burn::{
    module::Module,
    tensor::{
        Device, Tensor,
        activation::{log_sigmoid, log_softmax},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The networks that can be fused, by their ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    #[default]
    #[serde(rename = "edema/unet")]
    Unet,
    #[serde(rename = "edema/unet_nested")]
    Nested,
    #[serde(rename = "edema/unet_nested_dilated")]
    Dilated,
}

/// One of the networks: its share of the mean, and its options as in its own configuration.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MemberConfig {
    network: Kind,
    /// Above 0. Weights count by their share of the sum of all.
    weight: f64,
    feature_scale: usize,
    is_batchnorm: bool,
    /// Of no meaning for `edema/unet`.
    is_ds: bool,
    dropout: f64,
}

impl Default for MemberConfig {
    fn default() -> Self {
        let NestedConfig { feature_scale, is_batchnorm, is_ds, dropout, .. } = NestedConfig::default();
        Self { network: Kind::default(), weight: 1.0, feature_scale, is_batchnorm, is_ds, dropout }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FusionConfig {
    in_channels: usize,
    /// Background included.
    n_classes: usize,
    /// The parameters of the first are named `members.0.…`, and so on.
    members: Vec<MemberConfig>,
}

impl Default for FusionConfig {
    fn default() -> Self {
        let published = |network| MemberConfig { network, weight: 0.5, ..MemberConfig::default() };
        Self { in_channels: 3, n_classes: 4, members: vec![published(Kind::Nested), published(Kind::Unet)] }
    }
}

pub static SPEC: ModelSpec = ModelSpec {
    id: "edema/fusion",
    title: "Mean of several edema networks",
    paper: "Retinal edema system, AI Challenger 2018",
    family: "edema",
    input: InputRule::multiple_of(16),
    published: Published::LogProbabilities,
    as_published: || json!({}),
    probe_config: || {
        json!({ "members": [
            { "network": "edema/unet_nested", "weight": 0.6, "feature_scale": 16 },
            { "network": "edema/unet", "weight": 0.2, "feature_scale": 16 },
        ] })
    },
    make: Make::slices::<Fusion>(),
};

impl Config for FusionConfig {
    fn check(&self) -> Result<(), String> {
        if self.members.is_empty() {
            return Err("members must name at least one network".to_owned());
        }
        for member in &self.members {
            layers::check(self.in_channels, self.n_classes, member.feature_scale, member.dropout)?;
            if !(member.weight > 0.0 && member.weight.is_finite()) {
                return Err("the weight of a member must be above 0".to_owned());
            }
        }
        Ok(())
    }

    fn channels(&self) -> usize {
        self.in_channels
    }

    fn head(&self) -> Head {
        Head::Softmax { classes: self.n_classes }
    }
}

impl FusionConfig {
    fn unet(&self, member: &MemberConfig) -> UnetConfig {
        let &FusionConfig { in_channels, n_classes, .. } = self;
        let &MemberConfig { feature_scale, is_batchnorm, dropout, .. } = member;
        UnetConfig { in_channels, n_classes, feature_scale, is_batchnorm, dropout }
    }

    fn nested(&self, member: &MemberConfig) -> NestedConfig {
        let &FusionConfig { in_channels, n_classes, .. } = self;
        let &MemberConfig { feature_scale, is_batchnorm, is_ds, dropout, .. } = member;
        NestedConfig { in_channels, n_classes, feature_scale, is_batchnorm, is_ds, dropout }
    }
}

#[derive(Module, Debug)]
enum Member {
    Unet(Unet),
    Nested(UnetNested<false>),
    Dilated(UnetNested<true>),
}

impl Member {
    fn forward(&self, input: Tensor<4>) -> Outputs {
        match self {
            Member::Unet(network) => network.forward(input),
            Member::Nested(network) => network.forward(input),
            Member::Dilated(network) => network.forward(input),
        }
    }
}

#[derive(Module, Debug)]
struct Fusion {
    members: Vec<Member>,
    /// Their weights' shares.
    #[module(skip)]
    shares: Vec<f64>,
}

impl SegmentationModule for Fusion {
    type Config = FusionConfig;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &FusionConfig, device: &Device) -> Self {
        let sum: f64 = config.members.iter().map(|member| member.weight).sum();
        let build = |member: &MemberConfig| match member.network {
            Kind::Unet => Member::Unet(Unet::new(&config.unet(member), device)),
            Kind::Nested => Member::Nested(UnetNested::new(&config.nested(member), device)),
            Kind::Dilated => Member::Dilated(UnetNested::new(&config.nested(member), device)),
        };
        Self {
            members: config.members.iter().map(build).collect(),
            shares: config.members.iter().map(|member| member.weight / sum).collect(),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]` and detection logits `[N, classes - 1]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let members: Vec<Outputs> = self.members.iter().map(|member| member.forward(input.clone())).collect();
        mean(members, &self.shares)
    }

    fn bytes_per_pixel(config: &FusionConfig) -> usize {
        let one = |member: &MemberConfig| match member.network {
            Kind::Unet => Unet::bytes_per_pixel(&config.unet(member)),
            Kind::Nested => UnetNested::<false>::bytes_per_pixel(&config.nested(member)),
            Kind::Dilated => UnetNested::<true>::bytes_per_pixel(&config.nested(member)),
        };
        // One after the other, with the mean so far beside it.
        config.members.iter().map(one).max().unwrap_or_default() + 4 * config.n_classes
    }

    fn initial(site: &InitSite<'_>) -> Init {
        layers::initial(site)
    }
}

/// The mean of the members' probabilities by their shares, as logits. In logarithms throughout, so that what is nearly
/// certain stays told apart.
fn mean(members: Vec<Outputs>, shares: &[f64]) -> Outputs {
    let (mut classes, mut present, mut absent) = (vec![], vec![], vec![]);
    for (Outputs { logits, detection, .. }, share) in members.into_iter().zip(shares) {
        classes.push(log_softmax(logits, 1) + share.ln());
        if let Some(found) = detection {
            present.push(log_sigmoid(found.clone()) + share.ln());
            absent.push(log_sigmoid(found.neg()) + share.ln());
        }
    }
    // A softmax and a sigmoid give the mean back: its logarithm and ln(p / (1 - p)).
    let detection = log_sum::<2, 3>(present) - log_sum::<2, 3>(absent);
    Outputs { detection: Some(detection), ..Outputs::of(log_sum::<4, 5>(classes)) }
}

/// `ln Σ exp` over tensors of `D` dimensions; `E` is `D + 1`.
fn log_sum<const D: usize, const E: usize>(parts: Vec<Tensor<D>>) -> Tensor<D> {
    let all = Tensor::stack::<E>(parts, 0);
    let largest = all.clone().max_dim(0);
    ((all - largest.clone()).exp().sum_dim(0).log() + largest).squeeze_dim(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{
        TensorData,
        activation::{sigmoid, softmax},
    };
    use serde_json::Value;

    fn tensor<const D: usize>(value: &Value) -> Tensor<D> {
        let read = |key: &str| value[key].as_array().unwrap().iter().map(|v| v.as_f64().unwrap());
        let shape: Vec<usize> = read("shape").map(|n| n as usize).collect();
        let data: Vec<f32> = read("data").map(|v| v as f32).collect();
        Tensor::from_data(TensorData::new(data, shape), &Device::flex())
    }

    fn worst<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> f32 {
        (a - b).abs().max().try_into_scalar().unwrap()
    }

    /// Against the reference's evaluation script, which takes half of each.
    #[test]
    fn the_published_fusion_is_reproduced() {
        let Some(vectors) = crate::testing::vectors("edema_polyp_vessel/losses.json") else { return };
        let case = &vectors["seed0"]["fusion"];
        let member = |name: &str| {
            let p = tensor::<2>(&case[format!("cls_{name}")]);
            let found = p.clone().log() - (p.neg() + 1.0).log();
            Outputs { detection: Some(found), ..Outputs::of(tensor(&case[format!("logp_{name}")])) }
        };
        let fused = mean(vec![member("nested"), member("unet")], &[0.5, 0.5]);
        assert!(worst(softmax(fused.logits, 1), tensor(&case["prob"])) < 1e-6);
        assert!(worst(sigmoid(fused.detection.unwrap()), tensor(&case["cls"])) < 1e-6);
    }

    #[test]
    fn shares_follow_the_weights_and_certain_members_stay_finite() {
        let of = |logit: f32| {
            let logits = Tensor::<4>::from_floats([[[[0.0]], [[logit]]]], &Device::flex());
            Outputs {
                detection: Some(Tensor::from_floats([[logit]], &Device::flex())),
                ..Outputs::of(logits)
            }
        };
        // Probabilities 0 and 1 but for e⁻¹⁰⁰: what is left are the shares, 3 to 1.
        let fused = mean(vec![of(100.0), of(-100.0)], &[0.75, 0.25]);
        let logit: f32 = fused.detection.unwrap().try_into_scalar().unwrap();
        assert!((logit - 3.0f32.ln()).abs() < 1e-6, "{logit}");
        let classes = fused.logits.try_into_vec_as::<f32>().unwrap();
        assert!((classes[1] - classes[0] - 3.0f32.ln()).abs() < 1e-6, "{classes:?}");
        // Both certain: the logit is as large as theirs.
        let logit: f32 =
            mean(vec![of(100.0), of(100.0)], &[0.5, 0.5]).detection.unwrap().try_into_scalar().unwrap();
        assert!((logit - 100.0).abs() < 1e-4, "{logit}");
    }
}
