use super::{super::ConvConfig, Direction, host::convolve, products};
use crate::{
    nn::{
        ComputeDevice,
        blocks::{conv, conv3},
        parity::fill_input,
    },
    testing,
};
use burn::tensor::{
    Device, FloatDType, Tensor, TensorData,
    module::{conv_transpose2d, conv2d, conv3d},
    ops::{ConvOptions, ConvTransposeOptions},
};

fn tensor<const D: usize>(name: &str, dims: [usize; D]) -> Tensor<D> {
    tensor_on(&Device::flex(), name, dims)
}

fn tensor_on<const D: usize>(device: &Device, name: &str, dims: [usize; D]) -> Tensor<D> {
    let values = fill_input(name, dims.into_iter().product());
    Tensor::from_data(TensorData::new(values, dims), &device.clone().autodiff()).require_grad()
}

/// The output of a layer, and of a weighted sum of it the gradients of input, weight and bias.
fn run<const D: usize>(
    shapes: [[usize; D]; 2],
    channels: usize,
    layer: impl Fn(&Tensor<D>, Tensor<D>, Tensor<1>) -> Tensor<D>,
) -> Vec<Vec<f32>> {
    run_on(&Device::flex(), shapes, channels, layer)
}

fn run_on<const D: usize>(
    device: &Device,
    [x, weight]: [[usize; D]; 2],
    channels: usize,
    layer: impl Fn(&Tensor<D>, Tensor<D>, Tensor<1>) -> Tensor<D>,
) -> Vec<Vec<f32>> {
    let (x, weight) = (tensor_on(device, "x", x), tensor_on(device, "weight", weight));
    let bias = tensor_on(device, "bias", [channels]);
    let output = layer(&x, weight.clone(), bias.clone());
    let gradients = (output.clone() * tensor_on(device, "upstream", output.dims())).sum().backward();
    let numbers = |data: TensorData| data.try_to_vec::<f32>().unwrap();
    vec![
        numbers(output.into_data()),
        numbers(x.grad(&gradients).unwrap().into_data()),
        numbers(weight.grad(&gradients).unwrap().into_data()),
        bias.grad(&gradients).map(|g| numbers(g.into_data())).unwrap_or_default(),
    ]
}

fn assert_same(found: &[Vec<f32>], expected: &[Vec<f32>], case: &str) {
    assert_near(found, expected, 1e-5, case);
}

/// Within a share of the largest value.
fn assert_near(found: &[Vec<f32>], expected: &[Vec<f32>], share: f32, case: &str) {
    for ((found, expected), what) in found.iter().zip(expected).zip(["output", "input", "weight", "bias"]) {
        assert_eq!(found.len(), expected.len(), "{case}, {what}");
        let largest = expected.iter().fold(1.0f32, |largest, value| largest.max(value.abs()));
        let difference = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(difference < share * largest, "{case}, {what}: {difference} of {largest}");
    }
}

fn slices() -> Vec<(ConvConfig, [usize; 2])> {
    vec![
        (conv(3, 5, 3).same(), [9, 13]),
        (conv(3, 5, 3).stride(2).padding(1), [10, 13]),
        (conv(3, 9, 1), [10, 13]),
        (conv(3, 9, 1).stride(2), [10, 13]),
        // Many inputs that no output has seen.
        (conv(3, 9, 1).stride(2), [40, 260]),
        (conv(3, 9, 2).stride(2), [10, 13]),
        (conv(3, 9, 7).stride(2).padding(3), [20, 23]),
        (conv(3, 9, 3).dilation(2).same(), [20, 23]),
        // Taps that meet nothing but padding.
        (conv(3, 9, 3).dilation(25).same(), [20, 23]),
        (conv(3, 4, 3).stride(3).dilation(2).padding(1), [17, 13]),
        (conv(3, 4, 3).kernel([3, 1]).same(), [17, 13]),
        (conv(3, 4, 3).kernel([1, 15]).same(), [5, 13]),
        // More rows and channels than a tile and a block have.
        (conv(70, 30, 3).same(), [37, 130]),
        (conv(300, 40, 3).same(), [16, 16]),
        (conv(12, 18, 3).groups(3).same(), [9, 13]),
        (conv(40, 60, 3).groups(4).stride(2).padding(1), [20, 130]),
    ]
}

/// Of the input and the weight.
fn shapes(config: &ConvConfig, [height, width]: [usize; 2]) -> [[usize; 4]; 2] {
    let ConvConfig { channels: [input, output], kernel: [rows, columns], groups, .. } = *config;
    [[2, input, height, width], [output, input / groups, rows, columns]]
}

#[test]
fn slices_and_their_gradients_are_those_of_burn() {
    for (config, size) in slices() {
        let (shapes, ConvConfig { channels: [_, output], groups, .. }) = (shapes(&config, size), config);
        let found = run(shapes, output, |x, weight, bias| {
            convolve(&config, Direction::Forward, x, &weight, Some(&bias)).unwrap()
        });
        let expected = run(shapes, output, |x, weight, bias| {
            conv2d(
                x.clone(),
                weight,
                Some(bias),
                ConvOptions::new(config.stride, config.padding, config.dilation, groups),
            )
        });
        assert_same(&found, &expected, &format!("{config:?}"));
    }
}

fn transposed() -> Vec<ConvConfig> {
    vec![
        conv(6, 5, 2).stride(2),
        conv(6, 5, 3).stride(2),
        conv(6, 5, 3).stride(2).padding(1).output_padding(1),
        conv(6, 5, 4).stride(2).padding(1),
        conv(6, 5, 3).padding(1),
        conv(6, 5, 2).stride(3),
        conv(6, 5, 3).dilation(2).stride(2),
        conv(12, 15, 3).groups(3).stride(2).padding(1),
    ]
}

fn transposed_shapes(config: &ConvConfig) -> [[usize; 4]; 2] {
    let ConvConfig { channels: [input, output], kernel: [rows, columns], groups, .. } = *config;
    [[2, input, 7, 11], [input, output / groups, rows, columns]]
}

#[test]
fn transposed_convolutions_are_those_of_burn() {
    for config in transposed() {
        let (shapes, ConvConfig { channels: [_, output], groups, .. }) = (transposed_shapes(&config), config);
        let found = run(shapes, output, |x, weight, bias| {
            convolve(&config, Direction::Transposed, x, &weight, Some(&bias)).unwrap()
        });
        let options = ConvTransposeOptions::new(
            config.stride,
            config.padding,
            config.output_padding,
            config.dilation,
            groups,
        );
        let expected = run(shapes, output, |x, weight, bias| {
            conv_transpose2d(x.clone(), weight, Some(bias), options.clone())
        });
        assert_same(&found, &expected, &format!("{config:?}"));
    }
}

fn volumes() -> Vec<ConvConfig<3>> {
    vec![
        conv3(3, 4, 3).padding(1),
        conv3(3, 4, 3).stride(2).padding(1),
        conv3(3, 4, 1).stride(2),
        conv3(3, 4, 3).stride(3),
        conv3(3, 4, 3).kernel([3, 3, 1]).same(),
        conv3(3, 4, 3).kernel([1, 3, 3]).paddings([1, 0, 0]),
        conv3(3, 4, 3).dilation(2).same(),
        conv3(3, 4, 3).kernel([1, 1, 3]).dilation(9).same(),
    ]
}

fn volume_shapes(config: &ConvConfig<3>) -> [[usize; 5]; 2] {
    let ConvConfig { channels: [input, output], kernel: [d, h, w], .. } = *config;
    [[2, input, 9, 21, 8], [output, input, d, h, w]]
}

#[test]
fn volumes_and_their_gradients_are_those_of_burn() {
    for config in volumes() {
        let ConvConfig { channels: [_, output], stride, padding, dilation, .. } = config;
        let shapes = volume_shapes(&config);
        let found = run(shapes, output, |x, weight, bias| {
            convolve(&config, Direction::Forward, x, &weight, Some(&bias)).unwrap()
        });
        let expected = run(shapes, output, |x, weight, bias| {
            conv3d(x.clone(), weight, Some(bias), ConvOptions::new(stride, padding, dilation, 1))
        });
        assert_same(&found, &expected, &format!("{config:?}"));
    }
}

#[test]
fn without_gradients_the_same_is_computed_and_parts_of_a_map_are_taken_from_where_they_lie() {
    let config = conv(3, 5, 3).same();
    let (x, weight) = (tensor("x", [4, 3, 9, 13]).narrow(0, 1, 2), tensor("weight", [5, 3, 3, 3]));
    let tracked = convolve(&config, Direction::Forward, &x, &weight, None).unwrap();
    let (x, weight) = (x.inner(), weight.inner());
    let plain = convolve(&config, Direction::Forward, &x, &weight, None).unwrap();
    let options = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
    let expected = conv2d(x, weight, None, options).into_data().try_to_vec::<f32>().unwrap();
    let plain = plain.into_data().try_to_vec::<f32>().unwrap();
    assert_eq!(tracked.into_data().try_to_vec::<f32>().unwrap(), plain);
    assert_same(&[plain], &[expected], "a part of a batch");
}

#[test]
fn small_groups_and_kernels_larger_than_the_map_are_left_to_burn() {
    let (x, weight) = (tensor("x", [1, 4, 2, 2]), tensor("weight", [4, 2, 3, 3]));
    assert!(convolve(&conv(4, 4, 3).groups(2).same(), Direction::Forward, &x, &weight, None).is_none());
    let x = tensor("x", [1, 2, 2, 2]);
    assert!(convolve(&conv(2, 4, 3), Direction::Forward, &x, &weight, None).is_none());
}

/// What the kernels of the CPU give, of products on wgpu, within a share of the largest value; a bias is added outside.
fn product_is_the_same<const D: usize, const N: usize>(
    gpu: &ComputeDevice,
    (precision, share): (FloatDType, f32),
    (config, direction): (&ConvConfig<N>, Direction),
    shapes: [[usize; D]; 2],
) {
    let output = config.channels[1];
    let expected = run(shapes, output, |x, weight, _| convolve(config, direction, x, &weight, None).unwrap());
    let found = run_on(gpu.burn(), shapes, output, |x, weight, _| {
        products::convolve(config, direction, x, &weight, precision).unwrap()
    });
    assert_near(&found[..3], &expected[..3], share, &format!("{precision:?} {config:?}"));
}

fn products_are_the_same(gpu: &ComputeDevice, exactness: (FloatDType, f32)) {
    // Products in strips: sums over many pixels, and much that is unfolded.
    let large = [(conv(2, 3, 3).same(), [200, 250]), (conv(32, 2, 3).same(), [250, 256])];
    for (config, size) in slices().into_iter().chain(large) {
        product_is_the_same(gpu, exactness, (&config, Direction::Forward), shapes(&config, size));
    }
    for config in transposed() {
        product_is_the_same(gpu, exactness, (&config, Direction::Transposed), transposed_shapes(&config));
    }
    for config in volumes() {
        product_is_the_same(gpu, exactness, (&config, Direction::Forward), volume_shapes(&config));
    }
}

#[test]
fn products_on_wgpu_are_those_of_the_cpu() {
    let Some(gpu) = testing::gpu() else { return };
    products_are_the_same(&gpu.compute("test"), (FloatDType::F32, 1e-5));
}

#[test]
fn products_of_halves_are_those_of_the_cpu() {
    let Some(gpu) = testing::gpu_with_halves() else { return };
    products_are_the_same(&gpu, (FloatDType::F16, 3e-3));
}
