//! One model of several trained ones.

use super::{ComputeDevice, Model, ModelCard, ModelError, NamedTensors};
use serde_json::{Value, json};

/// The weighted mean of models of the edema system as one model (`edema/fusion`). They must take the same input and name
/// the same labels; the card is the first one's where it says nothing of the fusion itself.
pub fn fuse(models: &[Model], weights: &[f64], device: &ComputeDevice) -> Result<Model, ModelError> {
    let refuse = |reason: String| Err(ModelError::Card(reason));
    let Some(first) = models.first().map(|model| &model.card) else {
        return refuse("a fusion is of at least one model".to_owned());
    };
    if weights.len() != models.len() {
        return refuse(format!("{} weights for {} models", weights.len(), models.len()));
    }
    let (mut members, mut tensors) = (vec![], NamedTensors::new());
    for (i, (model, weight)) in models.iter().zip(weights).enumerate() {
        let card = &model.card;
        if card.input != first.input || card.labels != first.labels {
            return refuse(format!("\"{}\" and \"{}\" differ in input or labels", first.title, card.title));
        }
        let mut member = json!({ "network": card.network, "weight": weight });
        for (key, value) in card.config.as_object().into_iter().flatten() {
            // The two ends are the fusion's own.
            if key != "in_channels" && key != "n_classes" {
                member[key] = value.clone();
            }
        }
        members.push(member);
        let named = model.network().tensors()?.into_iter();
        tensors.extend(named.map(|(name, tensor)| (format!("members.{i}.{name}"), tensor)));
    }
    let mut card = first.clone();
    card.network = "edema/fusion".to_owned();
    card.config = json!({
        "in_channels": first.config["in_channels"],
        "n_classes": first.config["n_classes"],
        "members": Value::Array(members),
    });
    card.title = joined(models, " + ", |card| &card.title);
    card.trained_on = joined(models, "; ", |card| &card.trained_on);
    card.licence = joined(models, "; ", |card| &card.licence);
    card.notice = joined(models, "; ", |card| &card.notice);
    card.parent = None;
    card.metrics.clear();
    let mut model = Model::build(card, 0, device)?;
    model.network_mut().load(&tensors)?;
    Ok(model)
}

/// What the cards say, each thing once.
fn joined(models: &[Model], separator: &str, of: fn(&ModelCard) -> &String) -> String {
    let mut all: Vec<&str> = vec![];
    for text in models.iter().map(|model| of(&model.card).as_str()) {
        if !text.is_empty() && !all.contains(&text) {
            all.push(text);
        }
    }
    all.join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        label::LabelTable,
        nn::{Channels, InputSpec, parity::fill_input},
        volume::Modality,
    };
    use burn::tensor::{Tensor, TensorData, activation::softmax};

    fn member(network: &str, title: &str, seed: u64) -> Model {
        let card = ModelCard {
            volume: None,
            version: String::new(),
            title: title.to_owned(),
            network: network.to_owned(),
            config: json!({ "feature_scale": 32, "n_classes": 3 }),
            input: InputSpec::unit(Channels::Rgb),
            labels: LabelTable::named(&["a", "b"]),
            modality: Modality::Oct,
            trained_on: "phantoms".to_owned(),
            licence: String::new(),
            parent: None,
            teacher: None,
            metrics: Default::default(),
            notice: String::new(),
            command: String::new(),
            created: String::new(),
        };
        Model::build(card, seed, &ComputeDevice::cpu("test")).unwrap()
    }

    #[test]
    fn a_fusion_gives_the_mean_of_its_members_probabilities() {
        let device = ComputeDevice::cpu("test");
        let models = [
            member("edema/unet", "A", 1),
            member("edema/unet_nested_dilated", "B", 2),
            member("edema/unet", "C", 3),
        ];
        let fused = fuse(&models, &[1.0, 2.0, 5.0], &device).unwrap();
        assert_eq!((fused.card.title.as_str(), fused.card.trained_on.as_str()), ("A + B + C", "phantoms"));
        let values = fill_input("input", 3 * 32 * 48);
        let input = Tensor::<4>::from_data(TensorData::new(values, [1, 3, 32, 48]), device.burn());
        let of = |model: &Model| softmax(model.network().infer(input.clone()).logits, 1);
        let mean = of(&models[0]) * 0.125 + of(&models[1]) * 0.25 + of(&models[2]) * 0.625;
        let off: f32 = (of(&fused) - mean).abs().max().try_into_scalar().unwrap();
        assert!(off < 1e-6, "{off}");
    }

    #[test]
    fn what_cannot_be_fused_is_refused() {
        let device = ComputeDevice::cpu("test");
        let mut other = member("edema/unet", "B", 2);
        other.card.labels = LabelTable::named(&["a", "c"]);
        let refusal =
            |models: &[Model], weights: &[f64]| fuse(models, weights, &device).err().unwrap().to_string();
        let models = [member("edema/unet", "A", 1), other];
        assert!(refusal(&models, &[0.5, 0.5]).contains("\"A\" and \"B\" differ"));
        assert!(refusal(&models[..1], &[0.5, 0.5]).contains("2 weights for 1 models"));
        assert!(refusal(&models[..1], &[0.0]).contains("above 0"));
        let reason = refusal(&[member("edema/resnet18_cls", "R", 1)], &[1.0]);
        assert!(reason.contains("edema/resnet18_cls"), "{reason}");
    }
}
