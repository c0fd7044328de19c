//! The shared layers against the numbers of the references, and their gradients against differences of their outputs.

mod volumes;

use super::*;
use crate::nn::{
    NamedTensor, NamedTensors,
    parameters::{gradients_of, replace, tensors_of},
    parity::fill_input,
};
use crate::testing::vectors;
use burn::{
    module::Module,
    optim::GradientsParams,
    tensor::{Device, Tensor, TensorData},
};
use serde_json::Value;

/// The module with the values that `tensors` has.
fn filled<M: Module>(module: M, tensors: &NamedTensors) -> M {
    replace(module, |name, _| tensors.get(name).map(|tensor| tensor.values.clone()))
}

fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.without_autodiff().try_into_vec_as().unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// As many values as the reference's list has are its values to f32's precision.
fn assert_are(what: &str, found: &[f32], expected: &Value) {
    let expected = numbers(expected);
    assert!(!expected.is_empty() && found.len() >= expected.len(), "{what}: {} values", found.len());
    for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert!((f64::from(*found) - expected).abs() < 2e-6, "{what} {i}: {found} and not {expected}");
    }
}

/// The references' input, `[2, 3, 8, 8]`.
fn op_x() -> Tensor<4> {
    tensor(fill_input("op_x", 384), [2, 3, 8, 8])
}

fn with(mut tensors: NamedTensors, name: &str, change: impl FnOnce(&mut Vec<f32>)) -> NamedTensors {
    change(&mut tensors.get_mut(name).unwrap().values);
    tensors
}

const OPS: &str = "jmedseg/ops.json";

#[test]
fn adaptive_pooling_has_the_published_bins() {
    // PyTorch's bins of 8 pixels in 3 are [0, 3), [2, 6), [5, 8).
    let ramp = tensor((0..8).map(|i| i as f32).collect(), [1, 1, 1, 8]);
    assert_eq!(host(adaptive_avg_pool(ramp, [1, 3], Bins::Covering)), [1.0, 3.5, 6.0]);
    let Some(vectors) = vectors(OPS) else { return };
    for side in [1, 2, 3, 6] {
        let pooled = adaptive_avg_pool(op_x(), [side; 2], Bins::Equal);
        assert_eq!(pooled.dims(), [2, 3, side, side]);
        let name = format!("adaptive_avg_{side}");
        assert_are(&name, &host(pooled), &vectors[&name]);
    }
}

#[test]
fn resizing_gives_the_published_pixels() {
    let Some(vectors) = vectors(OPS) else { return };
    let centres = bilinear(op_x(), [13, 20], Align::Centres);
    assert_are("centres", &host(centres), &vectors["resize_bilinear_8_to_13x20_ch0"]);
    let corners = bilinear(op_x(), [13, 20], Align::Corners);
    assert_are("corners", &host(corners), &vectors["resize_bilinear_align_8_to_13x20_ch0"]);
    assert_are("nearest", &host(nearest_up(op_x(), 2)), &vectors["upsample_nearest_x2_ch0"]);
}

#[test]
fn unpooling_puts_maxima_back_where_they_were() {
    let Some(vectors) = vectors(OPS) else { return };
    let (pooled, places) = halve_with_places(op_x());
    let expected = &vectors["maxpool_idx"];
    let found: Vec<f32> = places.clone().float().try_into_vec_as().unwrap();
    assert_are("maxima", &host(pooled.clone()), &expected["out"]);
    assert_are("places", &found, &expected["idx"]);
    assert_are("unpooled", &host(max_unpool(pooled, places)), &expected["unpool"]);
}

#[test]
fn a_transposed_convolution_gives_the_published_pixels() {
    let Some(vectors) = vectors(OPS) else { return };
    let layer = conv(3, 2, 3).stride(2).padding(1).output_padding(1).no_bias();
    let layer = layer.init_transposed(&Device::flex());
    let weight = fill_input("op_ct", 3 * 2 * 3 * 3);
    let tensors = with(tensors_of(&layer).unwrap(), "weight", |values| *values = weight);
    let output = filled(layer, &tensors).forward(op_x().narrow(0, 0, 1));
    let expected = &vectors["conv_transpose_3_2_k3_s2_p1_op1"];
    assert_eq!(output.dims().map(|n| n as f64).to_vec(), numbers(&expected["out_shape"]));
    assert_are("pixels", &host(output), &expected["out_first32"]);
}

#[test]
fn norms_give_the_published_values_and_running_statistics() {
    let Some(vectors) = vectors(OPS) else { return };
    let layer = batch_norm(3, &Device::flex()).train();
    let expected = &vectors["bn_train"];
    assert_are("batch norm", &host(layer.forward(op_x().autodiff())), &expected["out_first8"]);
    let state = tensors_of(&layer.valid()).unwrap();
    assert_are("mean", &state["running_mean"].values, &expected["running_mean"]);
    // The reference keeps the biased variance; ours is PyTorch's, n / (n - 1) of it.
    let n = 128.0;
    for (found, biased) in state["running_var"].values.iter().zip(numbers(&expected["running_var_biased"])) {
        let unbiased = 0.9 + (biased - 0.9) * n / (n - 1.0);
        assert!((f64::from(*found) - unbiased).abs() < 1e-6, "{found} and not {unbiased}");
    }
    let layer = GroupNorm::new(3, 3, &Device::flex());
    assert_are("group norm", &host(layer.forward(op_x())), &vectors["groupnorm3_first8"]);
}

/// Values from -1 to 1 of which no two are closer than `2 / count`, in no order: the ranks of random ones.
fn distinct(count: usize) -> Vec<f32> {
    let random = fill_input("distinct", count);
    let rank = |v: &f32| random.iter().filter(|other| *other < v).count();
    random.iter().map(|v| (2 * rank(v) + 1) as f32 / count as f32 - 1.0).collect()
}

/// Gradients in training mode of a weighted sum of the outputs, by the input (under `input`) and by every parameter,
/// against the differences over `2 * step` of each.
fn check<M: Module>(
    what: &str,
    module: M,
    shape: [usize; 4],
    step: f32,
    forward: fn(&M, Tensor<4>) -> Tensor<4>,
) {
    let name = |name: &str| format!("{what} {name}");
    // Weights that are not all alike.
    let mut tensors = tensors_of(&module).unwrap();
    for (name, tensor) in &mut tensors {
        tensor.values = fill_input(name, tensor.values.len());
        if name.ends_with("running_var") {
            tensor.values.iter_mut().for_each(|v| *v = 1.0 + v.abs());
        }
    }
    let input = NamedTensor { shape: shape.into(), values: distinct(shape.iter().product()) };
    tensors.insert("input".to_owned(), input);
    let run = |tensors: &NamedTensors| {
        let x = tensor(tensors["input"].values.clone(), shape).autodiff().require_grad();
        let module = filled(module.valid(), tensors).train();
        let y = forward(&module, x.clone());
        (module, x, y)
    };
    let (trained, x, y) = run(&tensors);
    let dims = y.dims();
    let weights = fill_input("weights", dims.iter().product());
    let loss = y * tensor(weights.clone(), dims).autodiff();
    let gradients = loss.sum_dim(3).sum_dim(2).sum_dim(1).sum_dim(0).reshape([1]).backward();
    let by_input = host(x.grad(&gradients).unwrap());
    let mut found = gradients_of(&trained, &GradientsParams::from_grads(gradients, &trained)).unwrap();
    found.insert("input".to_owned(), NamedTensor { shape: shape.into(), values: by_input });

    let sum = |tensors: &NamedTensors| -> f64 {
        let y = host(run(tensors).2);
        y.iter().zip(&weights).map(|(y, w)| f64::from(*y) * f64::from(*w)).sum()
    };
    for (parameter, gradient) in &found {
        let largest = gradient.values.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        assert!(largest > 0.0, "{} is all zero", name(parameter));
        for (i, &gradient) in gradient.values.iter().enumerate() {
            let moved = |by: f32| sum(&with(tensors.clone(), parameter, |values| values[i] += by));
            let difference = (moved(step) - moved(-step)) / f64::from(2.0 * step);
            let off = (difference - f64::from(gradient)).abs() / f64::from(largest);
            assert!(off < 2e-3, "{} {i}: {gradient}, by differences {difference}", name(parameter));
        }
    }
    let expected = tensors.keys().filter(|name| !name.contains("running_")).count();
    assert_eq!(found.len(), expected, "{what}: a parameter has no gradient");
}

/// A function of maps.
fn check_op(what: &str, shape: [usize; 4], step: f32, apply: fn(Tensor<4>) -> Tensor<4>) {
    check(what, op(apply), shape, step, Layer::forward);
}

/// For layers that are linear in their input and in each weight: any step is exact, and a wide one keeps rounding small.
const WIDE: f32 = 0.5;
/// For smooth layers.
const NARROW: f32 = 0.01;
/// For layers with maxima: less than half of what lies between two of the 200 or fewer values of [`distinct`].
const FINE: f32 = 0.004;

#[test]
fn linear_layers_have_the_gradients_of_their_differences() {
    let d = &Device::flex();
    let strided = conv(2, 4, 3).stride(2).padding(1).groups(2).init(d);
    check("convolution", strided, [2, 2, 6, 5], WIDE, Conv::forward);
    let dilated = conv(2, 2, 3).kernel([1, 3]).dilation(2).same().no_bias().init(d);
    check("dilated convolution", dilated, [1, 2, 5, 6], WIDE, Conv::forward);
    let doubling = conv(3, 2, 3).stride(2).padding(1).output_padding(1).init_transposed(d);
    check("transposed convolution", doubling, [1, 3, 4, 3], WIDE, UpConv::forward);
    check("Keras' transposed convolution", up_conv([2, 3], 3, 0, d), [1, 2, 3, 4], WIDE, keras_up);
    check("linear layer", Linear::new([5, 4], true, d), [1, 2, 3, 5], WIDE, Linear::forward);
}

#[test]
fn resizing_and_means_have_the_gradients_of_their_differences() {
    let shape = [1, 2, 5, 7];
    check_op("bilinear, centres", shape, WIDE, |x| bilinear(x, [9, 4], Align::Centres));
    check_op("bilinear, corners", shape, WIDE, |x| bilinear(x, [3, 10], Align::Corners));
    check_op("nearest", shape, WIDE, |x| nearest(x, [8, 4]));
    check_op("adaptive mean, covering", shape, WIDE, |x| adaptive_avg_pool(x, [3, 4], Bins::Covering));
    check_op("adaptive mean, equal", shape, WIDE, |x| adaptive_avg_pool(x, [3, 4], Bins::Equal));
    check_op("mean of 2×2", shape, WIDE, |x| avg_pool(x, 2, 2));
    check_op("mean", shape, WIDE, global_avg);
}

#[test]
fn maxima_have_the_gradients_of_their_differences() {
    let shape = [1, 2, 6, 8];
    check_op("maximum of 3×3", shape, FINE, |x| max_pool(x, 3, 2, 1));
    check_op("maximum, odd size", [1, 2, 5, 7], FINE, halve_ceil);
    check_op("maximum", shape, FINE, global_max);
    check_op("unpooling", shape, FINE, |x| {
        let (maxima, places) = halve_with_places(x);
        max_unpool(maxima, places)
    });
    check(
        "spatial attention",
        SpatialAttention::new(3, &Device::flex()),
        shape,
        FINE,
        SpatialAttention::forward,
    );
}

#[test]
fn norms_and_attention_have_the_gradients_of_their_differences() {
    let d = &Device::flex();
    check("batch norm", batch_norm(3, d), [2, 3, 3, 4], NARROW, BatchNorm::forward);
    check("group norm", GroupNorm::new(2, 4, d), [2, 4, 3, 2], NARROW, GroupNorm::forward);
    check_op("attention between pixels", [1, 4, 2, 3], NARROW, |x| {
        attend(x.clone().narrow(1, 0, 2), x.clone().narrow(1, 2, 2), x)
    });
    check("group norm without scale", GroupNorm::plain(2), [2, 4, 3, 2], NARROW, GroupNorm::forward);
    check("layer norm", LayerNorm::new(6, 1e-12, d), [1, 2, 3, 6], NARROW, LayerNorm::forward);
}
