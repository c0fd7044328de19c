//! Every shared layer, forward and backward, on wgpu against flex.

use super::{cpu, deviation, gpu, input, values, worst};
use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    optim::GradientsParams,
    tensor::{Tensor, TensorData},
};
use fovea::nn::{
    ComputeDevice,
    blocks::{
        Align, BatchNorm, Bins, Conv, Conv3, DropBlock, Dropout, GroupNorm, Layer, LayerNorm, Linear,
        Sequential, SpatialAttention, UpConv, adaptive_avg_pool, attend, avg_pool, avg_pool3, batch_norm,
        bilinear, conv, conv3, global_avg, global_max, halve, halve_ceil, halve_with_places, instance_norm,
        keras_up, max_pool, max_pool3, max_unpool, nearest, op, trilinear, up_conv,
    },
    parity,
};

/// Values that depend on the shapes only. Those of norms are positive, their variances among them.
struct Fill;

impl ModuleMapper for Fill {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|t| {
            let shape = t.dims();
            let values = parity::fill_input(&format!("{shape:?}"), shape.iter().product());
            let values = Tensor::from_data(TensorData::new(values, shape), &t.device());
            if D == 1 { values.abs() + 0.1 } else { values }
        })
    }
}

/// The gradients of all parameters in their order.
struct Collect<'a> {
    gradients: &'a GradientsParams,
    found: Vec<Vec<f32>>,
}

impl ModuleVisitor for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.found.extend(self.gradients.get::<D>(param.id).map(values));
    }
}

/// What a layer computes on a device: in evaluation, in training, and the gradients by its input and its parameters.
fn run<M: Module>(
    module: M,
    shape: [usize; 4],
    device: &ComputeDevice,
    forward: fn(&M, Tensor<4>) -> Tensor<4>,
) -> Vec<Vec<f32>> {
    let module = module.map(&mut Fill);
    let x = input("input", shape, device);
    let inferred = forward(&module, x.clone());
    let (module, x) = (module.train(), x.autodiff().require_grad());
    let y = forward(&module, x.clone());
    let weighted = y.clone() * input("weights", y.dims(), device).autodiff();
    let gradients = weighted.sum_dim(3).sum_dim(2).sum_dim(1).sum_dim(0).reshape([1]).backward();
    let by_input = x.grad(&gradients).unwrap();
    let gradients = GradientsParams::from_grads(gradients, &module);
    let mut collect = Collect { gradients: &gradients, found: vec![] };
    module.visit(&mut collect);
    [values(inferred), values(y), values(by_input)].into_iter().chain(collect.found).collect()
}

fn apply(f: fn(Tensor<4>) -> Tensor<4>, device: &ComputeDevice) -> Vec<Vec<f32>> {
    run(op(f), [2, 3, 12, 17], device, Layer::forward)
}

/// A layer of volumes as one of maps in which planes of 4 rows are stacked.
fn stacked(input: Tensor<4>, layer: impl FnOnce(Tensor<5>) -> Tensor<5>) -> Tensor<4> {
    let [batch, channels, rows, columns] = input.dims();
    layer(input.reshape([batch, channels, rows / 4, 4, columns])).flatten(2, 3)
}

fn run3(layer: Conv3, device: &ComputeDevice) -> Vec<Vec<f32>> {
    run(layer, [2, 3, 5 * 4, 9], device, |layer, x| stacked(x, |x| layer.forward(x)))
}

fn apply3(f: fn(Tensor<4>) -> Tensor<4>, device: &ComputeDevice) -> Vec<Vec<f32>> {
    run(op(f), [2, 3, 5 * 4, 9], device, Layer::forward)
}

type Case = (&'static str, fn(&ComputeDevice) -> Vec<Vec<f32>>);

const CASES: &[Case] = &[
    ("convolution 3×3", |d| run(conv(6, 8, 3).padding(1).init(d.burn()), [2, 6, 13, 18], d, Conv::forward)),
    ("convolution 1×1", |d| run(conv(6, 8, 1).init(d.burn()), [2, 6, 13, 18], d, Conv::forward)),
    ("strided convolution in groups", |d| {
        let layer = conv(6, 9, 3).stride(2).padding(1).groups(3).no_bias();
        run(layer.init(d.burn()), [2, 6, 13, 18], d, Conv::forward)
    }),
    ("dilated convolution", |d| {
        run(conv(4, 5, 3).kernel([1, 5]).dilation(3).same().init(d.burn()), [1, 4, 20, 21], d, Conv::forward)
    }),
    ("transposed convolution 4×4", |d| {
        run(up_conv([5, 4], 4, 1, d.burn()), [2, 5, 9, 13], d, UpConv::forward)
    }),
    ("transposed convolution 3×3", |d| {
        let layer = conv(5, 4, 3).stride(2).padding(1).output_padding(1);
        run(layer.init_transposed(d.burn()), [2, 5, 9, 13], d, UpConv::forward)
    }),
    // Maps of more pixels than a software driver's loops have rounds.
    ("convolution of a large map", |d| {
        run(conv(2, 3, 3).padding(1).init(d.burn()), [2, 2, 150, 161], d, Conv::forward)
    }),
    ("strided, dilated convolution of a large map", |d| {
        let layer = conv(4, 2, 5).stride(2).dilation(3).padding(5).groups(2).no_bias();
        run(layer.init(d.burn()), [1, 4, 311, 340], d, Conv::forward)
    }),
    ("transposed convolution of a large map", |d| {
        let layer = conv(2, 3, 3).stride(2).padding(1).output_padding(1);
        run(layer.init_transposed(d.burn()), [1, 2, 151, 160], d, UpConv::forward)
    }),
    ("Keras' transposed convolution", |d| run(up_conv([5, 4], 3, 0, d.burn()), [2, 5, 9, 13], d, keras_up)),
    ("batch norm", |d| run(batch_norm(5, d.burn()), [3, 5, 13, 18], d, BatchNorm::forward)),
    ("batch norm of a large map", |d| run(batch_norm(2, d.burn()), [2, 2, 370, 380], d, BatchNorm::forward)),
    ("batch norm of a map that is nearly constant", |d| {
        run(batch_norm(3, d.burn()), [2, 3, 192, 192], d, |norm, x| norm.forward(x * 1e-3 + 0.7))
    }),
    ("group norm", |d| run(GroupNorm::new(3, 6, d.burn()), [2, 6, 13, 18], d, GroupNorm::forward)),
    ("group norm without scale", |d| run(GroupNorm::plain(2), [2, 6, 13, 18], d, GroupNorm::forward)),
    ("layer norm", |d| run(LayerNorm::new(40, 1e-12, d.burn()), [2, 3, 7, 40], d, LayerNorm::forward)),
    ("linear layer", |d| run(Linear::new([40, 24], true, d.burn()), [2, 3, 7, 40], d, Linear::forward)),
    ("spatial attention", |d| {
        run(SpatialAttention::new(7, d.burn()), [2, 6, 21, 18], d, SpatialAttention::forward)
    }),
    ("layers one after the other", |d| {
        // Without a bias: batch norm takes it out again, and its gradient is rounding.
        let layers =
            [conv(3, 4, 3).no_bias().init(d.burn()).into(), batch_norm(4, d.burn()).into(), op(halve)];
        run(Sequential::new(layers), [2, 3, 14, 20], d, Sequential::forward)
    }),
    ("dropout", |d| run(Dropout::new(0.4), [2, 6, 13, 18], d, Dropout::forward)),
    ("dropout of channels", |d| run(Dropout::of_channels(0.4), [4, 16, 3, 5], d, Dropout::forward)),
    ("DropBlock", |d| apply(|x| DropBlock { block_size: 3, keep_prob: 0.8 }.forward(x), d)),
    ("maximum of 3×3", |d| apply(|x| max_pool(x, 3, 2, 1), d)),
    ("maximum of 2×2", |d| apply(halve, d)),
    ("maximum of an odd size", |d| apply(halve_ceil, d)),
    ("attention between pixels", |d| {
        apply(|x| attend(x.clone().narrow(1, 0, 1), x.clone().narrow(1, 1, 2).mean_dim(1), x), d)
    }),
    ("maximum", |d| apply(global_max, d)),
    ("mean of 2×2", |d| apply(|x| avg_pool(x, 2, 2), d)),
    ("mean", |d| apply(global_avg, d)),
    ("unpooling", |d| {
        apply(
            |x| {
                let (maxima, places) = halve_with_places(x.narrow(3, 0, 16));
                max_unpool(maxima, places)
            },
            d,
        )
    }),
    ("adaptive mean, covering", |d| apply(|x| adaptive_avg_pool(x, [5, 7], Bins::Covering), d)),
    ("adaptive mean, equal", |d| apply(|x| adaptive_avg_pool(x, [5, 7], Bins::Equal), d)),
    ("bilinear, centres", |d| apply(|x| bilinear(x, [31, 9], Align::Centres), d)),
    ("bilinear, corners", |d| apply(|x| bilinear(x, [7, 40], Align::Corners), d)),
    ("nearest", |d| apply(|x| nearest(x, [24, 9]), d)),
    ("convolution 3×3×3", |d| run3(conv3(3, 5, 3).stride(2).padding(1).init(d.burn()), d)),
    ("convolution 3×3×1", |d| run3(conv3(3, 4, 3).kernel([3, 3, 1]).same().no_bias().init(d.burn()), d)),
    ("convolution 1×1×1", |d| run3(conv3(3, 4, 1).stride(2).no_bias().init(d.burn()), d)),
    ("maximum of 3×3×3", |d| apply3(|x| stacked(x, |x| max_pool3(x, [3; 3], [2; 3], [1; 3])), d)),
    ("mean of 2×2×3", |d| apply3(|x| stacked(x, |x| avg_pool3(x, [2, 2, 3], [2, 2, 3])), d)),
    ("trilinear", |d| apply3(|x| stacked(x, |x| trilinear(x, [9, 3, 20], Align::Corners)), d)),
    ("instance norm", |d| apply3(|x| stacked(x, instance_norm), d)),
];

#[test]
fn every_shared_layer_computes_on_wgpu_what_it_does_on_the_cpu() {
    let Some(gpu) = gpu() else { return };
    for (name, case) in CASES {
        // Each on a thread of its own, so that dropout draws the same on both.
        let on =
            |device: &ComputeDevice| std::thread::scope(|scope| scope.spawn(|| case(device)).join().unwrap());
        let (expected, found) = (on(&cpu()), on(&gpu));
        assert_eq!(expected.len(), found.len(), "{name}");
        for (i, (expected, found)) in expected.iter().zip(&found).enumerate() {
            let what = ["inference", "training", "gradient by the input"]
                .get(i)
                .unwrap_or(&"gradient by a parameter");
            let off = worst(expected, found) / deviation(expected);
            assert!(off < 1e-3, "{name}: {what} {i} differs by {off:e} of its deviation");
        }
    }
}
