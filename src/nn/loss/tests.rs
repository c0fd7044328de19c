use super::*;
use crate::{
    nn::{Head, parity::fill_input},
    testing::vectors,
};
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
    let targets = Targets::new(&classes, [n, h, w], Head::Softmax { classes: c }, &device())
        .with_findings(&f32s(&array(&v["cls_target"])));
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
    let Some(vectors) = vectors("edema_polyp_vessel/losses.json") else { return };
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

/// Loss and gradient of a logits leaf.
fn value_and_gradient<const D: usize>(loss: &Loss, logits: &Tensor<D>, targets: &Targets) -> (f64, Vec<f32>) {
    let total = loss.of_logits(logits.clone(), targets);
    (scalar(&total), gradient(&total, logits))
}

/// All 0 where the loss does not depend on the logits.
fn gradient<const D: usize>(total: &Tensor<1>, logits: &Tensor<D>) -> Vec<f32> {
    let gradient = logits.grad(&total.backward()).unwrap_or_else(|| logits.zeros_like().without_autodiff());
    gradient.into_data().try_to_vec::<f32>().unwrap()
}

fn parse(text: &str) -> Loss {
    Loss::parse(text).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn the_polyp_systems_losses_and_distillation_are_reproduced() {
    let Some(vectors) = vectors("edema_polyp_vessel/losses.json") else { return };
    let cases = vectors["seed3"]["losses"].as_array().unwrap();
    assert_eq!(cases.len(), 4);
    for v in cases {
        let (logits, truth) = (array(&v["logits"]), array(&v["target"]));
        let [n, c, h, w] = logits.shape[..] else { panic!("rank") };
        let f32s = |a: &Array| a.data.iter().map(|&x| x as f32).collect::<Vec<f32>>();
        let classes: Vec<u16> = truth.data.iter().map(|&x| x as u16).collect();
        let teacher = leaf(&f32s(&array(&v["teacher_logits"])), [n, c, h, w]);
        let targets = Targets::new(&classes, [n, h, w], Head::Softmax { classes: c }, &device())
            .with_teacher(teacher.without_autodiff());
        let weights = v["ce_weighted"]["class_weights"].as_array().unwrap();
        let weights: Vec<String> = weights.iter().map(Value::to_string).collect();
        for (key, loss) in [
            ("ce", "ce".to_owned()),
            ("ce_weighted", format!("ce({})", weights.join(","))),
            ("ohem", "ohem".to_owned()),
            ("kd_kl_div_T4", "kl".to_owned()),
            ("kd_kl_div_T1", "kl(1)".to_owned()),
            ("kd_mse_T4", "mse".to_owned()),
        ] {
            let name = format!("{} {key}", v["name"]);
            // The reference distils from pixels without a class too; here they count for nothing.
            if key.starts_with("kd") && classes.contains(&IGNORE) {
                continue;
            }
            let logits = leaf(&f32s(&logits), [n, c, h, w]);
            let (value, gradient) = value_and_gradient(&parse(&loss), &logits, &targets);
            close(value, v[key]["value"].as_f64().unwrap(), &name);
            for (g, w) in gradient.iter().zip(array(&v[key]["grad_first16"]).data) {
                assert!((f64::from(*g) - w).abs() < 1e-7, "{name}: {g} for {w}");
            }
            if let Some(want) = v[key]["grad_abs_sum"].as_f64() {
                close(gradient.iter().map(|g| f64::from(g.abs())).sum(), want, &name);
            }
        }
    }
}

#[test]
fn jmedsegs_losses_and_gradients_are_reproduced() {
    let Some(vectors) = vectors("jmedseg/losses.json") else { return };
    let numbers =
        |v: &Value| -> Vec<f64> { v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect() };
    let f32s = |v: &Value| numbers(v).into_iter().map(|x| x as f32).collect::<Vec<f32>>();
    let classes = |v: &Value| numbers(v).into_iter().map(|x| x as u16).collect::<Vec<u16>>();
    let v = &vectors["losses"];
    let targets = Targets::new(&classes(&v["target"]), [2, 3, 4], Head::Softmax { classes: 2 }, &device());
    let logits = || leaf(&f32s(&v["logits"]), [2, 2, 3, 4]);
    let cases = v["cases"].as_object().unwrap();
    assert_eq!(cases.len(), 7);
    for (name, case) in cases {
        let loss = match name.as_str() {
            "ce_w0.5" => "ce(0.5,0.5)",
            "ce_w0.8" => "ce(0.2,0.8)",
            "ce_w0.2" => "ce(0.8,0.2)",
            "ce_w1.0" => "ce(0,1)",
            "dice" => "flat_dice",
            "iou" => "iou",
            "focal" => "focal",
            other => panic!("{other}"),
        };
        let (value, gradient) = value_and_gradient(&parse(loss), &logits(), &targets);
        close(value, case["value_f64"].as_f64().unwrap(), name);
        assert_eq!(gradient.len(), 48);
        for (g, w) in gradient.iter().zip(numbers(&case["grad"])) {
            assert!((f64::from(*g) - w).abs() < 1e-7, "{name}: {g} for {w}");
        }
    }
    let compound = parse("0.8*ce(0.5,0.5)+0.2*iou").of_logits(logits(), &targets);
    close(scalar(&compound), v["compound_0.8ce_0.2iou_w0.5"].as_f64().unwrap(), "compound");

    let v = &vectors["losses_3class"];
    let targets = Targets::new(&classes(&v["target"]), [1, 2, 3], Head::Softmax { classes: 3 }, &device());
    for (name, loss) in [("dice", "flat_dice"), ("iou", "iou"), ("focal", "focal")] {
        let value = parse(loss).of_logits(leaf(&f32s(&v["logits"]), [1, 3, 2, 3]), &targets);
        close(scalar(&value), v[name].as_f64().unwrap(), name);
    }
}

/// The losses of the FLARE 2021 winner, of volumes `[2, 4, 5, 6, 7]`.
#[test]
fn the_flare_winners_losses_and_gradients_are_reproduced() {
    let Some(vectors) = vectors("flare/metrics.json") else { return };
    const SHAPE: [usize; 5] = [2, 4, 5, 6, 7];
    let logits: Vec<f32> = fill_input("loss.logits", 1680).iter().map(|v| 3.0 * v).collect();
    let regular: Vec<f32> =
        fill_input("loss.target", 1680).iter().map(|v| f32::from(u8::from(*v > 0.3))).collect();
    let mut absent = regular.clone();
    absent.chunks_exact_mut(210).skip(3).step_by(4).for_each(|channel| channel.fill(0.0));
    let with = |term: &str| format!("squared_dice+{term}");
    let losses = [
        ("dice", "squared_dice".to_owned()),
        ("diceAndBce", with("bce")),
        ("diceAndFocal", with("scaled_focal")),
        ("diceAndTopK", with("topk(30,30,30,10)")),
        ("diceAndHausdorff", with("hausdorff")),
    ];
    for (case, truth) in [("regular", regular), ("class3_absent", absent)] {
        let v = &vectors["losses"][case];
        for (activation, head) in
            [("sigmoid", Head::Sigmoids { classes: 5 }), ("softmax", Head::Softmax { classes: 4 })]
        {
            let targets = Targets::of_channels(&truth, SHAPE, head, &device());
            for (name, loss) in &losses {
                let what = format!("{case} {activation} {name}");
                let leaf = leaf(&logits, SHAPE);
                let (value, gradient) = value_and_gradient(&parse(loss), &leaf, &targets);
                close(value, v[format!("{activation}|{name}|is_average=True")].as_f64().unwrap(), &what);
                let Some(want) = v["grad"][*name].as_object().filter(|_| activation == "sigmoid") else {
                    continue;
                };
                close(value, want["loss"].as_f64().unwrap(), &what);
                close(
                    gradient.iter().map(|&g| f64::from(g)).sum(),
                    want["grad_sum"].as_f64().unwrap(),
                    &what,
                );
                let size: f64 = gradient.iter().map(|g| f64::from(g.abs())).sum();
                close(size, want["grad_abs_sum"].as_f64().unwrap(), &what);
                for sample in want["grad_samples"].as_array().unwrap() {
                    let (i, want) = (sample[0].as_u64().unwrap() as usize, sample[1].as_f64().unwrap());
                    assert!(
                        (f64::from(gradient[i]) - want).abs() < 1e-8,
                        "{what} {i}: {} for {want}",
                        gradient[i]
                    );
                }
            }
        }
        let targets = Targets::of_channels(&truth, SHAPE, Head::Sigmoids { classes: 5 }, &device());
        for (name, loss) in [
            ("bce", "bce"),
            ("bce", "ce"),
            ("focal_alpha0.5_gamma2", "scaled_focal"),
            ("focal_alpha0.25_gamma2", "scaled_focal(alpha=0.25)"),
            ("topk_30_30_30_10", "topk(30,30,30,10)"),
            ("hausdorff_alpha2", "hausdorff"),
        ] {
            let value = scalar(&parse(loss).of_logits(leaf(&logits, SHAPE), &targets));
            close(value, v["component"][name].as_f64().unwrap(), &format!("{case} {loss}"));
        }
    }
    let nothing = Targets::of_channels(&[0.0; 1680], SHAPE, Head::Sigmoids { classes: 5 }, &device());
    for (name, loss) in [("dice", "squared_dice"), ("diceAndFocal", "squared_dice+scaled_focal")] {
        let value = scalar(&parse(loss).of_logits(leaf(&logits, SHAPE), &nothing));
        close(value, vectors["losses"]["all_empty_target"][name].as_f64().unwrap(), name);
    }
}

/// Worked out by hand from the formula: probabilities 0.8 and 0.6 for the foreground of one pixel that has it and one that
/// has not; delta 0.6 and gamma 0.5.
#[test]
fn the_unified_loss_is_its_formula() {
    let logit = |p: f32| (p / (1.0 - p)).ln();
    let targets = Targets::new(&[1, 0], [1, 1, 2], Head::Sigmoid, &device());
    let value = scalar(&parse("unified").of_logits(leaf(&[logit(0.8), logit(0.6)], [1, 1, 1, 2]), &targets));
    let focal = (0.6 * 0.2f64.sqrt() * -0.8f64.ln() + 0.4 * 0.6f64.sqrt() * -0.4f64.ln()) / 2.0;
    let tversky = 0.8 / (0.8 + 0.6 * 0.2 + 0.4 * 0.6);
    close(value, 0.5 * focal + 0.5 * (1.0f64 - tversky).sqrt(), "unified");
}

/// Worked out by hand for the two pixels of [`the_unified_loss_is_its_formula`], and by the formula in double precision for three
/// classes in four pixels, the last time with a class that the truth lacks.
#[test]
fn the_focal_tversky_loss_is_its_formula() {
    let logit = |p: f32| (p / (1.0 - p)).ln();
    let targets = Targets::new(&[1, 0], [1, 1, 2], Head::Sigmoid, &device());
    let two = leaf(&[logit(0.8), logit(0.6)], [1, 1, 1, 2]);
    let value = scalar(&parse("focal_tversky").of_logits(two.clone(), &targets));
    // 0.6 too much, 0.2 missed.
    let index = 0.8 / (0.8 + 0.3 * 0.6 + 0.7 * 0.2);
    close(value, (1.0f64 - index).powf(0.75), "two pixels");
    let dice = scalar(&parse("focal_tversky(0.5,0.5,1)").of_logits(two.clone(), &targets));
    close(dice, scalar(&parse("dice").of_logits(two, &targets)), "with halves and gamma 1 it is Dice");

    let logits = [0.5, -1.0, 2.0, 0.1, 1.5, 0.3, -0.7, 0.2, -0.4, 0.9, 0.6, -1.2];
    for (loss, classes, want) in [
        ("focal_tversky", [0, 1, 2, 1], 0.7572933502659729),
        ("focal_tversky(0.6,0.4,2)", [0, 1, 2, 1], 0.8164403862443924),
        ("focal_tversky", [0, 1, 0, 1], 0.32970619727060224),
    ] {
        let targets = Targets::new(&classes, [1, 2, 2], Head::Softmax { classes: 3 }, &device());
        close(scalar(&parse(loss).of_logits(leaf(&logits, [1, 3, 2, 2]), &targets)), want, loss);
    }
}

/// The main head's truth `[[0, 1], [0, 1]]` resized to one and to four columns by nearest neighbour.
#[test]
fn auxiliary_heads_learn_from_the_truth_at_their_size() {
    let head = Head::Softmax { classes: 2 };
    let targets = Targets::new(&[0, 1, 0, 1], [1, 2, 2], head, &device());
    let logits = |shape: [usize; 4], salt| leaf(&spread(shape.iter().product(), salt), shape);
    let (main, small, large) = (logits([1, 2, 2, 2], 1), logits([1, 2, 1, 1], 2), logits([1, 2, 2, 4], 3));
    let outputs = Outputs { auxiliary: vec![small.clone(), large.clone()], ..Outputs::of(main.clone()) };
    let ce = |logits: &Tensor<4>, classes: &[u16], [h, w]: [usize; 2]| {
        let targets = Targets::new(classes, [1, h, w], head, &device());
        scalar(&parse("ce").of_logits(logits.clone(), &targets))
    };
    let each = [
        ce(&main, &[0, 1, 0, 1], [2, 2]),
        ce(&small, &[0], [1, 1]),
        ce(&large, &[0, 0, 1, 1, 0, 0, 1, 1], [2, 4]),
    ];
    for (loss, factors) in [
        ("aux(ce)", [0.0, 1.0, 1.0]),
        ("ce+2*aux(ce,0.5,0.25)", [1.0, 1.0, 0.5]),
        ("deep(ce)", [4.0 / 7.0, 2.0 / 7.0, 1.0 / 7.0]),
    ] {
        let want = each.iter().zip(factors).map(|(value, factor)| value * factor).sum();
        close(scalar(&parse(loss).compute(&outputs, &targets)), want, loss);
    }
    let alone = Outputs::of(main);
    close(scalar(&parse("deep(ce)+aux(ce)").compute(&alone, &targets)), each[0], "without such heads");
}

/// The tests of each loss by itself.
macro_rules! each_loss {
    ($($file:ident)*) => {
        $(
            mod $file {
                use crate::nn::loss::terms::$file::LOSS;

                #[test]
                fn its_expression_and_its_data_come_back() {
                    super::come_back(&LOSS);
                }

                #[test]
                fn its_gradient_is_that_of_finite_differences() {
                    super::finite_differences(&LOSS);
                }

                #[test]
                fn pixels_that_are_not_known_change_nothing() {
                    super::unknown_pixels_change_nothing(&LOSS);
                }

                #[test]
                fn a_batch_without_a_known_pixel_has_no_loss_and_no_gradient() {
                    super::nothing_known_is_nothing(&LOSS);
                }
            }
        )*
    };
}
super::terms::for_each_loss!(each_loss);

#[test]
fn every_loss_is_described_and_has_a_name_of_its_own() {
    let mut names: Vec<&str> =
        LOSSES.iter().flat_map(|loss| [Some(loss.name), loss.formerly]).flatten().collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all, "{names:?}");
    for LossSpec { name, about, numbers, .. } in LOSSES {
        assert!(about.ends_with('.') && about.matches(". ").count() == 0, "{name}: one sentence");
        for Number { default, range, .. } in *numbers {
            assert!((range[0]..=range[1]).contains(default), "{name}: a default out of range");
        }
    }
}

fn come_back(loss: &'static LossSpec) {
    let example = parse(loss.example);
    assert_eq!(example.to_string(), loss.example);
    let [Weighted { term, .. }] = &example.terms[..] else { panic!("{}: one term", loss.example) };
    assert_eq!(term.spec().name, loss.name);
    let without_parameters = loss.numbers.is_empty() && loss.list.is_none() && !loss.of_loss;
    assert_eq!(*term == loss.term(), without_parameters, "{}: other numbers than the defaults", loss.example);
    let json = serde_json::to_string(&example).unwrap();
    assert_eq!(serde_json::from_str::<Loss>(&json).unwrap(), example, "{json}");
    if let Some(old) = loss.formerly {
        let json = json.replacen(&format!(r#""term":"{}""#, loss.name), &format!(r#""term":"{old}""#), 1);
        assert_eq!(serde_json::from_str::<Loss>(&json).unwrap(), example, "{json}");
    }
}

#[test]
fn expressions_and_data_come_back_as_they_were_written() {
    for text in ["0", "-0.5*ce", "ce+dice(smooth=1)+detection"] {
        let loss = parse(text);
        assert_eq!(loss.to_string(), text);
        let json = serde_json::to_string(&loss).unwrap();
        assert_eq!(serde_json::from_str::<Loss>(&json).unwrap(), loss, "{json}");
    }
    assert_eq!(
        parse(" 0.8 * ce( 0.2, 0.8 ) + focal( 0.25, gamma = 1e+0 ) "),
        parse("0.8*ce(0.2,0.8)+focal(0.25,1)")
    );
    assert_eq!(parse("focal(0.5,2)"), parse("focal"));
    assert_eq!(parse("ce(1,5,10,20)+log_dice+detection"), Loss::edema(true));
    assert_eq!(parse("ce+dice(1)+detection"), Loss::standard());
    // As checkpoints of earlier versions have it.
    let old = r#"[{"weight":1.0,"term":"cross_entropy"},{"weight":2.0,"term":"soft_dice","smooth":1.0}]"#;
    assert_eq!(serde_json::from_str::<Loss>(old).unwrap(), parse("ce+2*dice(1)"));
    for (wrong, said) in [
        (r#"[{"weight":1.0,"term":"iuo"}]"#, "no loss \"iuo\""),
        (r#"[{"weight":1.0,"term":"kl","temperature":0}]"#, "0 is not between 0.01 and 1000"),
        (r#"[{"term":"ce"}]"#, "weight"),
    ] {
        let error = serde_json::from_str::<Loss>(wrong).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn what_is_not_an_expression_is_refused_by_name() {
    for (text, said) in [
        ("0.8*ce+0.2*iuo", "no loss \"iuo\"; there are ce, bce, focal,"),
        ("ce+", "the name of a loss was expected at the end"),
        ("", "the name of a loss was expected"),
        ("0.8 ce", "\"*\" was expected at \"ce\""),
        ("ce dice", "\"+\" was expected at \"dice\""),
        ("ce(1,2", "\")\" was expected at the end"),
        ("focal(beta=1)", "the loss focal: it has no \"beta\""),
        ("iou(1,2)", "2 is one number too many"),
        ("ohem(1.5)", "1.5 is not between 0 and 1"),
        ("bce(1)", "the loss bce: 1 is one number too many"),
        ("aux", "the loss aux: a loss is wanted in brackets"),
        ("aux(foo)", "no loss \"foo\""),
        ("inf*ce", "no loss \"inf\""),
    ] {
        let error = Loss::parse(text).unwrap_err().to_string();
        assert!(error.contains(said), "{text}: {error}");
    }
}

fn finite_differences(spec: &'static LossSpec) {
    let loss = &parse(spec.example);
    let classes: Vec<u16> = (0..24).map(|i| [0, 1, 2, 1, IGNORE, 0][i % 6]).collect();
    let heads = [(Head::Softmax { classes: 3 }, 3), (Head::Sigmoid, 1), (Head::Sigmoids { classes: 3 }, 2)];
    for (head, channels) in heads {
        let classes: Vec<u16> = match head {
            Head::Sigmoid => classes.iter().map(|&c| if c == 2 { 1 } else { c }).collect(),
            Head::Softmax { .. } | Head::Sigmoids { .. } => classes.clone(),
        };
        let teacher = leaf(&spread(2 * channels * 12, 11), [2, channels, 3, 4]);
        let targets = Targets::new(&classes, [2, 3, 4], head, &device()).with_teacher(teacher);
        let start = spread(2 * channels * 12, 3);
        let findings = spread(2 * (head.classes() - 1), 5);
        let value = |values: &[f32], loss: &Loss| {
            let logits = leaf(values, [2, channels, 3, 4]);
            let detection = leaf(&findings, [2, head.classes() - 1]);
            let half = logits.clone().narrow(2, 0, 2).mul_scalar(-0.5);
            let outputs =
                Outputs { logits: logits.clone(), detection: Some(detection), auxiliary: vec![half] };
            (loss.compute(&outputs, &targets), logits)
        };
        let (total, logits) = value(&start, loss);
        let got = gradient(&total, &logits);
        assert!(got.iter().all(|g| g.is_finite()), "{head:?} {loss:?}");
        if spec.jumps {
            // Beside a jump the differences are of something else.
            continue;
        }
        for i in 0..start.len() {
            let h = 0.02;
            let at = |d: f32| {
                let mut moved = start.clone();
                moved[i] += d;
                scalar(&value(&moved, loss).0)
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

fn unknown_pixels_change_nothing(spec: &'static LossSpec) {
    let loss = parse(spec.example);
    let known: Vec<u16> = (0..32).map(|i| if i % 3 == 0 { IGNORE } else { (i % 2) as u16 }).collect();
    let head = Head::Sigmoid;
    let teacher = leaf(&spread(32, 4), [1, 1, 4, 8]);
    let targets = Targets::new(&known, [1, 4, 8], head, &device()).with_teacher(teacher);
    assert_eq!(targets.known_pixels(), known.iter().filter(|&&c| c != IGNORE).count() as u64);
    let one = spread(32, 1);
    let mut other = one.clone();
    for (v, &c) in other.iter_mut().zip(&known) {
        if c == IGNORE {
            *v = 5.0 - *v;
        }
    }
    let run = |values: &[f32]| {
        let logits = leaf(values, [1, 1, 4, 8]);
        let auxiliary = vec![logits.clone() * 2.0];
        let detection = Some(leaf(&[0.3], [1, 1]));
        let total = loss.compute(&Outputs { logits: logits.clone(), detection, auxiliary }, &targets);
        (scalar(&total), gradient(&total, &logits))
    };
    let ((a, grad_a), (b, grad_b)) = (run(&one), run(&other));
    assert_eq!(a, b, "{loss:?}");
    for ((ga, gb), &c) in grad_a.iter().zip(&grad_b).zip(&known) {
        assert_eq!(ga, gb);
        assert!(c != IGNORE || *ga == 0.0, "no gradient where nothing is known");
    }
}

fn nothing_known_is_nothing(spec: &'static LossSpec) {
    let loss = parse(spec.example);
    let targets = Targets::new(&[IGNORE; 8], [2, 2, 2], Head::Softmax { classes: 3 }, &device())
        .with_teacher(leaf(&spread(24, 5), [2, 3, 2, 2]));
    let logits = leaf(&spread(24, 2), [2, 3, 2, 2]);
    let detection = leaf(&spread(4, 9), [2, 2]);
    let auxiliary = vec![logits.clone() * 2.0];
    let outputs = Outputs { logits: logits.clone(), detection: Some(detection), auxiliary };
    let total = loss.compute(&outputs, &targets);
    assert_eq!(scalar(&total), 0.0, "{loss}");
    assert!(gradient(&total, &logits).iter().all(|&x| x == 0.0), "{loss}");
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
