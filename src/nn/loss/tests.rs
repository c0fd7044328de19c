use super::*;
use crate::nn::Head;
use burn::tensor::{Device, TensorData};
use serde_json::Value;

fn device() -> Device {
    Device::flex().autodiff()
}

fn leaf<const D: usize>(values: &[f32], shape: [usize; D]) -> Tensor<D> {
    Tensor::<D>::from_data(TensorData::new(values.to_vec(), shape), &device()).require_grad()
}

fn scalar(t: &Tensor<1>) -> f64 {
    f64::from(t.clone().into_scalar::<f32>())
}

/// Numbers without a pattern, from -2 to 2.
fn spread(n: usize, salt: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 7919 + salt * 104_729 + 17) % 4001) as f32 / 1000.0 - 2.0).collect()
}

struct Array {
    shape: Vec<usize>,
    data: Vec<f64>,
}

fn array(v: &Value) -> Array {
    let numbers = |v: &Value| -> Vec<f64> {
        v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect()
    };
    Array { shape: numbers(&v["shape"]).into_iter().map(|n| n as usize).collect(), data: numbers(&v["data"]) }
}

fn vectors() -> Option<Value> {
    let root = std::env::var("FOVEA_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
    let path = format!("{root}/parity/vectors/edema_polyp_vessel/losses.json");
    match std::fs::read(&path) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).unwrap()),
        Err(_) => {
            crate::testing::skipped(format_args!("{path} is not here"));
            None
        }
    }
}

fn close(got: f64, want: f64, what: &str) {
    assert!((got - want).abs() <= 2e-6 * (1.0 + want.abs()), "{what}: {got} for {want}");
}

/// A case of the edema system's loss vectors.
struct Case {
    name: String,
    logits: Tensor<4>,
    detection: Tensor<2>,
    targets: Targets,
    unknown: bool,
}

fn case(v: &Value) -> Case {
    let f32s = |a: &Array| a.data.iter().map(|&x| x as f32).collect::<Vec<f32>>();
    let (logits, cls, truth) = (array(&v["logits"]), array(&v["cls_logits"]), array(&v["target"]));
    let [n, c, h, w] = logits.shape[..] else { panic!("rank") };
    let classes: Vec<u16> = truth.data.iter().map(|&x| x as u16).collect();
    let mut targets = Targets::new(&classes, [n, h, w], Head::Softmax { classes: c }, &device());
    // The reference gives the detection target by itself; here it follows from the pixels.
    targets.presence = leaf(&f32s(&array(&v["cls_target"])), [n, c - 1]);
    targets.presence_known = Tensor::ones([n, c - 1], &device());
    targets.presence_count = (n * (c - 1)) as u64;
    Case {
        name: v["name"].as_str().unwrap().to_owned(),
        logits: leaf(&f32s(&logits), [n, c, h, w]),
        detection: leaf(&f32s(&cls), [n, c - 1]),
        targets,
        unknown: classes.contains(&IGNORE),
    }
}

#[test]
fn the_edema_systems_losses_and_gradients_are_reproduced() {
    let Some(vectors) = vectors() else { return };
    let cases = vectors["seed0"]["seg_losses"].as_array().unwrap();
    assert_eq!(cases.len(), 5);
    for (v, (sum, exponential)) in cases.iter().flat_map(|v| [(v, ("mix_3", false)), (v, ("mix_33", true))]) {
        let Case { name, logits, detection, targets, unknown } = case(v);
        let outputs = Outputs { detection: Some(detection.clone()), ..Outputs::of(logits.clone()) };
        let loss = Loss::edema(exponential);
        let term = |i: usize| Loss { terms: vec![loss.terms[i].clone()] }.compute(&outputs, &targets);
        let want = |key: &str| v[sum][key].as_f64().unwrap();
        close(scalar(&term(0)), want("wce"), &format!("{name} {sum} wce"));
        close(scalar(&term(2)), want("bce"), &format!("{name} {sum} bce"));
        if unknown {
            // The reference lets pixels labelled 255 count in Σ p of the Dice; here they count for nothing.
            assert!((scalar(&term(1)) - want("dice_term")).abs() > 1e-3, "{name}: the rules differ");
            continue;
        }
        if v[sum]["grad_has_nan"] == Value::Bool(true) {
            // At D = 1 the reference's gradient is not a number; here it is 0 and the loss all but 0.
            let total = loss.compute(&outputs, &targets);
            let grads = total.backward();
            let g = logits.grad(&grads).unwrap().into_data().try_to_vec::<f32>().unwrap();
            assert!(g.iter().all(|x| x.is_finite()), "{name} {sum}");
            assert!((scalar(&term(1)) - want("dice_term")).abs() < 1e-3, "{name} {sum}");
            continue;
        }
        let tiny = 5e-4 * f64::from(u8::from(exponential && want("dice_term") < 1e-3));
        assert!((scalar(&term(1)) - want("dice_term")).abs() < 2e-6 + tiny, "{name} {sum} dice");
        let total = loss.compute(&outputs, &targets);
        assert!((scalar(&total) - want("total")).abs() < 6e-6 + tiny, "{name} {sum} total");
        let grads = total.backward();
        let got = logits.grad(&grads).unwrap().into_data().try_to_vec::<f32>().unwrap();
        let l1: f64 = got.iter().map(|g| f64::from(g.abs())).sum();
        assert!((l1 - want("grad_logits_l1")).abs() < 2e-5 + 20.0 * tiny, "{name} {sum}: {l1}");
        for (g, w) in got.iter().zip(array(&v[sum]["grad_logits_first16"]).data) {
            assert!((f64::from(*g) - w).abs() < 1e-6 + tiny, "{name} {sum}: {g} for {w}");
        }
        let got = detection.grad(&grads).unwrap().into_data().try_to_vec::<f32>().unwrap();
        for (g, w) in got.iter().zip(array(&v[sum]["grad_cls_logits"]).data) {
            assert!((f64::from(*g) - w).abs() < 1e-6, "{name} {sum}: {g} for {w}");
        }
    }
}

#[test]
fn the_polyp_systems_cross_entropy_is_reproduced() {
    let Some(vectors) = vectors() else { return };
    for v in vectors["seed3"]["losses"].as_array().unwrap() {
        let (logits, truth) = (array(&v["logits"]), array(&v["target"]));
        let [n, c, h, w] = logits.shape[..] else { panic!("rank") };
        let values: Vec<f32> = logits.data.iter().map(|&x| x as f32).collect();
        let classes: Vec<u16> = truth.data.iter().map(|&x| x as u16).collect();
        let outputs = Outputs::of(leaf(&values, [n, c, h, w]));
        let targets = Targets::new(&classes, [n, h, w], Head::Softmax { classes: c }, &device());
        let loss = Loss::new([(1.0, Term::CrossEntropy { class_weights: vec![] })]);
        let want = v["ce"]["value"].as_f64().unwrap();
        close(scalar(&loss.compute(&outputs, &targets)), want, v["name"].as_str().unwrap());
    }
}

fn all_terms() -> Vec<Loss> {
    vec![
        Loss::new([(1.0, Term::CrossEntropy { class_weights: vec![0.5, 2.0, 3.0] })]),
        Loss::new([(0.7, Term::SoftDice { smooth: 1.0 })]),
        Loss::new([(1.0, Term::LogDice { gamma: 0.3 })]),
        Loss::standard(),
    ]
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let classes: Vec<u16> = (0..24).map(|i| [0, 1, 2, 1, IGNORE, 0][i % 6]).collect();
    for (head, channels) in [(Head::Softmax { classes: 3 }, 3), (Head::Sigmoid, 1)] {
        let classes: Vec<u16> = match head {
            Head::Sigmoid => classes.iter().map(|&c| if c == 2 { 1 } else { c }).collect(),
            Head::Softmax { .. } => classes.clone(),
        };
        let targets = Targets::new(&classes, [2, 3, 4], head, &device());
        let start = spread(2 * channels * 12, 3);
        let findings = spread(2 * (head.classes() - 1), 5);
        let value = |values: &[f32], loss: &Loss| {
            let logits = leaf(values, [2, channels, 3, 4]);
            let detection = leaf(&findings, [2, head.classes() - 1]);
            let outputs = Outputs { detection: Some(detection), ..Outputs::of(logits.clone()) };
            (loss.compute(&outputs, &targets), logits)
        };
        for loss in all_terms() {
            let (total, logits) = value(&start, &loss);
            let grads = total.backward();
            let got = logits.grad(&grads).unwrap().into_data().try_to_vec::<f32>().unwrap();
            for i in 0..start.len() {
                let h = 0.02;
                let at = |d: f32| {
                    let mut moved = start.clone();
                    moved[i] += d;
                    scalar(&value(&moved, &loss).0)
                };
                let slope = (at(h) - at(-h)) / f64::from(2.0 * h);
                assert!(
                    (slope - f64::from(got[i])).abs() < 3e-4,
                    "{head:?} {loss:?} {i}: {} for {slope}",
                    got[i]
                );
            }
        }
    }
}

#[test]
fn pixels_that_are_not_known_change_nothing() {
    let known: Vec<u16> = (0..32).map(|i| if i % 3 == 0 { IGNORE } else { (i % 2) as u16 }).collect();
    let head = Head::Sigmoid;
    let targets = Targets::new(&known, [1, 4, 8], head, &device());
    assert_eq!(targets.known_pixels(), known.iter().filter(|&&c| c != IGNORE).count() as u64);
    let one = spread(32, 1);
    let mut other = one.clone();
    for (v, &c) in other.iter_mut().zip(&known) {
        if c == IGNORE {
            *v = 5.0 - *v;
        }
    }
    for loss in all_terms() {
        let run = |values: &[f32]| {
            let logits = leaf(values, [1, 1, 4, 8]);
            let total = loss.compute(&Outputs::of(logits.clone()), &targets);
            let grads = total.backward();
            (scalar(&total), logits.grad(&grads).unwrap().into_data().try_to_vec::<f32>().unwrap())
        };
        let ((a, grad_a), (b, grad_b)) = (run(&one), run(&other));
        assert_eq!(a, b, "{loss:?}");
        for ((ga, gb), &c) in grad_a.iter().zip(&grad_b).zip(&known) {
            assert_eq!(ga, gb);
            assert!(c != IGNORE || *ga == 0.0, "no gradient where nothing is known");
        }
    }
}

#[test]
fn a_batch_without_a_known_pixel_has_no_loss_and_no_gradient() {
    let targets = Targets::new(&[IGNORE; 8], [2, 2, 2], Head::Softmax { classes: 3 }, &device());
    for loss in all_terms() {
        let logits = leaf(&spread(24, 2), [2, 3, 2, 2]);
        let detection = leaf(&spread(4, 9), [2, 2]);
        let outputs = Outputs { detection: Some(detection), ..Outputs::of(logits.clone()) };
        let total = loss.compute(&outputs, &targets);
        assert_eq!(scalar(&total), 0.0, "{loss:?}");
        let grads = total.backward();
        let g = logits.grad(&grads).unwrap().into_data().try_to_vec::<f32>().unwrap();
        assert!(g.iter().all(|&x| x == 0.0), "{loss:?}");
    }
}

#[test]
fn absence_of_a_class_is_known_only_where_every_pixel_is() {
    let classes = [0, 1, IGNORE, 0, /* second slice */ 0, 0, 2, 2];
    let targets = Targets::new(&classes, [2, 2, 2], Head::Softmax { classes: 3 }, &device());
    let values = |t: &Tensor<2>| t.clone().into_data().try_to_vec::<f32>().unwrap();
    assert_eq!(values(&targets.presence), [1.0, 0.0, 0.0, 1.0]);
    assert_eq!(values(&targets.presence_known), [1.0, 0.0, 1.0, 1.0]);
    assert_eq!(targets.presence_count, 3);
}
