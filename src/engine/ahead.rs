//! Batches made ahead of the network, so that it never waits for a picture.

use crate::nn::train::{Batches, Supply};
use crossbeam_channel::bounded;
use std::ops::Range;
use std::sync::Arc;

/// Batches that wait, beside the one that is being made.
const AHEAD: usize = 2;

/// Starts a thread that makes the batches of `steps`, in order, and ends after the last or once the supply is dropped. None
/// where there can be no thread; the run then makes its own.
pub(super) fn supply(batches: Arc<Batches>, steps: Range<u64>) -> Option<Supply> {
    let (sender, receiver) = bounded(AHEAD);
    let make = move || {
        for step in steps {
            if sender.send(batches.of_step(step)).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("batches".to_owned()).spawn(make).ok()?;
    Some(Box::new(move || receiver.recv().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::train::{TrainConfig, TrainEvent, TrainSample, TrainSession};
    use crate::nn::{ComputeDevice, Model, ModelCard};
    use crate::phantom::{self, Look};
    use crate::volume::Modality;
    use serde_json::json;

    #[test]
    fn a_run_is_the_same_whoever_makes_its_batches() {
        let losses = |ahead: bool| {
            let p = phantom::oct_sized(1, Look::Standard, [32, 32, 4]);
            let modality = Modality::Oct;
            let input = TrainConfig::input_for(modality);
            let classes = p.labels.len() + 1;
            // UNet++ has no dropout before its logits, and so needs nobody's generator.
            let network = json!({"in_channels": 3, "n_classes": classes, "feature_scale": 16});
            let card = ModelCard::new("edema/unet_nested", network, input, p.labels.clone(), modality);
            let samples = |z| {
                TrainSample::from_mask(format!("{z}"), p.volume.clone(), z, &p.truth, None, &card).unwrap()
            };
            let samples = (0..4).map(samples).collect();
            let config = TrainConfig { steps: 5, batch: 2, patch: 32, ..TrainConfig::for_modality(modality) };
            let model = Model::build(card.clone(), 3, &ComputeDevice::cpu("test")).unwrap();
            let mut session = TrainSession::new(model, config, samples, vec![]).unwrap();
            let (first, last) = session.steps();
            if ahead {
                // Of fewer steps than there are: the last is the run's own.
                session.set_supply(supply(session.batches(), first..last - 1).unwrap());
            }
            let mut losses = vec![];
            loop {
                match session.step().unwrap() {
                    TrainEvent::Step { loss, .. } => losses.push(loss),
                    TrainEvent::Finished => return losses,
                    _ => {}
                }
            }
        };
        let (ahead, own) = (losses(true), losses(false));
        assert_eq!((ahead.len(), &ahead), (5, &own));
    }
}
