use super::TrainError;
use crate::{
    label::{Label, LabelTable, is_nameless},
    nn::{Head, InputSpec, Model},
};
use burn::tensor::{Tensor, TensorData};

/// A trained model whose logits another one learns from, for the other's batches.
pub(super) struct Teacher {
    model: Model,
    student: Head,
    /// From the student's standardised values to the teacher's, `x·factor + offset`, each `[1, channels, 1, 1]`.
    scale: [Tensor<4>; 2],
}

impl Teacher {
    /// Refuses a teacher that would see other images than the student, of patches of `[width, height]`, or names other
    /// classes. Mean and deviation may differ.
    pub fn new(model: Model, student: &Model, size: [usize; 2]) -> Result<Self, TrainError> {
        let network = model.network();
        let (own, its) = (&student.card.input, &model.card.input);
        let plain = |input: &InputSpec| InputSpec { mean: vec![], std: vec![], ..input.clone() };
        let reason = if model.card.is_untrained() {
            Some("it has learned nothing yet".to_owned())
        } else if !network.spec().segments() {
            Some("it labels no pixels".to_owned())
        } else if network.channels() != student.network().channels() || own.channels != its.channels {
            Some(format!("it takes {} and the other {}", channels(its), channels(own)))
        } else if model.card.classes() != student.card.classes() {
            let classes = [&model, student].map(|m| m.card.classes());
            Some(format!(
                "it knows {} classes, background included, and the other {}",
                classes[0], classes[1]
            ))
        } else if let Some(what) = other_names(&model.card.labels, &student.card.labels) {
            Some(what)
        } else if translated(network.head(), student.network().head()).is_none() {
            Some(format!(
                "its logits are {:?} and the other's {:?}",
                network.head(),
                student.network().head()
            ))
        } else if plain(own) != plain(its) {
            Some("it windows or scales the images in another way (see `input` of both cards)".to_owned())
        } else {
            let fits =
                |n: &usize| network.input().side(*n) == *n && network.input().most.is_none_or(|m| *n <= m);
            size.iter().find(|n| !fits(n)).map(|n| {
                let rule = network.input();
                let most = rule.most.map_or(String::new(), |most| format!(", {most} at most"));
                format!(
                    "a patch has sides of {} and {} pixels and it takes multiples of {}, at least {}{most}; {n} is none: \
                     choose another --patch",
                    size[0], size[1], rule.multiple_of, rule.least
                )
            })
        };
        if let Some(reason) = reason {
            let (teacher, network) = (model.card.title.clone(), student.card.title.clone());
            return Err(TrainError::Teacher { teacher, network, reason });
        }
        let count = network.channels();
        let at = |values: &[f32], c: usize, otherwise: f32| values.get(c).copied().unwrap_or(otherwise);
        let row = |value: &dyn Fn(usize) -> f32| {
            let values: Vec<f32> = (0..count).map(value).collect();
            Tensor::from_data(TensorData::new(values, [1, count, 1, 1]), model.device().burn())
        };
        let factor = row(&|c| at(&own.std, c, 1.0) / at(&its.std, c, 1.0));
        let offset = row(&|c| (at(&own.mean, c, 0.0) - at(&its.mean, c, 0.0)) / at(&its.std, c, 1.0));
        Ok(Self { student: student.network().head(), scale: [factor, offset], model })
    }

    /// The teacher's logits for a batch as the student sees it, in the student's channels, on the batch's device.
    pub fn logits(&self, input: Tensor<4>) -> Tensor<4> {
        let [factor, offset] = self.scale.clone();
        let device = input.device();
        let input = input.to_device(self.model.device().burn());
        let logits = self.model.network().infer(input * factor + offset).logits.to_device(&device);
        match translated(self.model.network().head(), self.student) {
            Some(translate) => translate(logits),
            None => logits,
        }
    }
}

/// What differs where class by class the labels have other names. One that is only called by its number may be any.
fn other_names(its: &LabelTable, own: &LabelTable) -> Option<String> {
    let agree = |(a, b): (&Label, &Label)| a.name == b.name || is_nameless(&a.name) || is_nameless(&b.name);
    let names = |table: &LabelTable| table.iter().map(|l| l.name.as_str()).collect::<Vec<_>>().join(", ");
    (!its.iter().zip(own.iter()).all(agree))
        .then(|| format!("its classes are {} and the other's {}, in this order", names(its), names(own)))
}

fn channels(input: &InputSpec) -> String {
    format!("{} channels ({:?})", input.channels.count(), input.channels)
}

/// From the logits of one head to those of another that mean the same: a softmax over two classes is the sigmoid of their
/// difference.
fn translated(from: Head, to: Head) -> Option<fn(Tensor<4>) -> Tensor<4>> {
    match (from, to) {
        (from, to) if from == to => Some(|logits| logits),
        (Head::Softmax { classes: 2 }, Head::Sigmoid) => {
            Some(|logits| logits.clone().narrow(1, 1, 1) - logits.narrow(1, 0, 1))
        }
        (Head::Sigmoid, Head::Softmax { classes: 2 }) => {
            Some(|logit| Tensor::cat(vec![logit.clone().div_scalar(-2.0), logit.div_scalar(2.0)], 1))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{
        ComputeDevice, ModelCard,
        train::{
            Loss, TrainConfig, TrainSession,
            tests::{config, model, run, sample},
        },
    };
    use burn::tensor::{Device, activation};
    use serde_json::json;

    /// Of the network in `card`, as if it had been trained.
    fn trained(change: impl FnOnce(&mut ModelCard)) -> Model {
        let mut card = ModelCard { version: "abc".into(), trained_on: "eyes".into(), ..model().card };
        change(&mut card);
        Model::build(card, 99, &ComputeDevice::cpu("test")).unwrap()
    }

    fn session(loss: &str, teacher: Option<Model>) -> Result<TrainSession, TrainError> {
        let config = TrainConfig { loss: Loss::parse(loss).unwrap(), steps: 16, ..config() };
        TrainSession::new(model(), config, vec![sample(1)], vec![]).unwrap().with_teacher(teacher)
    }

    #[test]
    fn a_student_comes_to_say_what_its_teacher_says() {
        let mut session = session("mse", Some(trained(|_| ()))).unwrap();
        let (losses, _) = run(&mut session);
        let mean = |l: &[f32]| l.iter().sum::<f32>() / l.len() as f32;
        assert!(mean(&losses[12..]) < 0.5 * mean(&losses[..4]), "{losses:?}");
        assert_eq!(session.into_model().unwrap().card.teacher.as_deref(), Some("abc"));
    }

    #[test]
    fn a_teacher_that_cannot_teach_is_refused_with_the_reason() {
        let told = |loss: &str, teacher| session(loss, teacher).map(|_| ()).unwrap_err().to_string();
        assert!(told("ce + kl", None).contains("--teacher"));
        assert!(told("ce", Some(trained(|_| ()))).contains("--distill"));
        let refused = |change: fn(&mut ModelCard)| told("kl", Some(trained(change)));
        assert!(refused(|card| card.trained_on.clear()).contains("learned nothing"));
        assert!(refused(|card| card.input.longer_side = Some(40)).contains("scales"));
        let coloured = refused(|card| {
            card.config = json!({"in_channels": 3, "start_neurons": 4});
            card.input = InputSpec::unit(crate::nn::Channels::Rgb);
        });
        assert!(coloured.contains("3 channels (Rgb)"), "{coloured}");
        let classes = refused(|card| {
            (card.network, card.config) =
                ("edema/unet".into(), json!({"in_channels": 1, "n_classes": 3, "feature_scale": 16}));
            card.labels = crate::label::LabelTable::named(&["a", "b"]);
        });
        assert!(classes.contains("3 classes") && classes.contains("the other 2"), "{classes}");
        let names = refused(|card| card.labels = crate::label::LabelTable::named(&["spleen"]));
        assert!(names.contains("its classes are spleen"), "{names}");
        let sides = refused(|card| {
            (card.network, card.config) =
                ("jmedseg/segnet".into(), json!({"in_channels": 1, "feature_scale": 16}));
        });
        assert!(sides.contains("--patch"), "{sides}");
    }

    #[test]
    fn a_resumed_run_has_the_same_teacher() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let whole = run(&mut session("ce + kl(2)", Some(trained(|_| ()))).unwrap()).0;
        let mut first = session("ce + kl(2)", Some(trained(|_| ()))).unwrap();
        let mut losses = vec![];
        while losses.len() < 5 {
            if let crate::nn::train::TrainEvent::Step { loss, .. } = first.step().unwrap() {
                losses.push(loss);
            }
        }
        first.checkpoint(&path).unwrap();
        let resume = |teacher| {
            TrainSession::resume(model(), &path, vec![sample(1)], vec![]).unwrap().with_teacher(Some(teacher))
        };
        losses.extend(run(&mut resume(trained(|_| ())).unwrap()).0);
        assert_eq!(losses, whole);
        let other = resume(trained(|card| card.version = "def".into())).map(|_| ()).unwrap_err().to_string();
        assert!(other.contains("abc") && other.contains("def"), "{other}");
    }

    /// The same probabilities, and other values of mean and deviation make no difference.
    #[test]
    fn logits_mean_the_same_in_the_students_channels() {
        let device = Device::flex();
        let values = |t: Tensor<4>| t.into_data().try_to_vec::<f32>().unwrap();
        let logit = Tensor::<4>::from_data([[[[-1.5f32, 0.25, 3.0]]]], &device);
        let (one, two) = (Head::Sigmoid, Head::Softmax { classes: 2 });
        let both = translated(one, two).unwrap()(logit.clone());
        let foreground = activation::softmax(both.clone(), 1).narrow(1, 1, 1);
        for (a, b) in values(foreground).iter().zip(values(activation::sigmoid(logit.clone()))) {
            assert!((a - b).abs() < 1e-6);
        }
        assert_eq!(values(translated(two, one).unwrap()(both)), values(logit));
        assert!(translated(Head::Softmax { classes: 3 }, two).is_none());

        let input = || Tensor::<4>::random([1, 1, 32, 32], burn::tensor::Distribution::Default, &device);
        let seen = input();
        let same = Teacher::new(trained(|_| ()), &model(), [32, 32]).unwrap();
        let scaled = |card: &mut ModelCard| (card.input.mean, card.input.std) = (vec![0.25], vec![0.5]);
        let other = Teacher::new(trained(scaled), &model(), [32, 32]).unwrap();
        // The student's standardised x stands for 0.5 + 0.25·x; for the other it is (0.25 + 0.25·x)/0.5.
        let got = values(other.logits(seen.clone()));
        let want = values(same.logits(seen.mul_scalar(0.5) + 0.5));
        for (a, b) in got.iter().zip(want) {
            assert!((a - b).abs() < 1e-5, "{a} for {b}");
        }
    }
}
