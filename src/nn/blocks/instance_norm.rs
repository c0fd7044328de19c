use super::{GroupNorm, on_host};
use burn::tensor::Tensor;
use rayon::prelude::*;

/// What is added to the variance.
const EPSILON: f64 = 1e-5;

/// Instance normalisation of volumes without scale and shift (Ulyanov et al., 2016): each channel of each is brought to
/// mean 0 and variance 1, in training and evaluation alike.
pub fn instance_norm(input: Tensor<5>) -> Tensor<5> {
    if on_host(&input) { in_place(input) } else { by_layers(input) }
}

fn by_layers(input: Tensor<5>) -> Tensor<5> {
    let dims @ [_, channels, ..] = input.dims();
    GroupNorm::plain(channels).forward(input.flatten::<4>(2, 3)).reshape(dims)
}

/// Two passes over the values, in place if nothing else uses them.
fn in_place(input: Tensor<5>) -> Tensor<5> {
    let (device, [.., depth, height, width]) = (input.device(), input.dims());
    let mut data = input.into_data();
    let Ok(values) = data.as_mut_slice::<f32>() else {
        return by_layers(Tensor::from_data(data, &device));
    };
    values.par_chunks_exact_mut((depth * height * width).max(1)).for_each(|channel| {
        let count = channel.len() as f64;
        let sum = |(sum, squares), &v: &f32| (sum + f64::from(v), squares + f64::from(v).powi(2));
        let (sum, squares) = channel.iter().fold((0.0, 0.0), sum);
        let mean = sum / count;
        let variance = (squares / count - mean * mean).max(0.0);
        let (mean, scale) = (mean as f32, (variance + EPSILON).sqrt().recip() as f32);
        channel.iter_mut().for_each(|v| *v = (*v - mean) * scale);
    });
    Tensor::from_data(data, &device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::parity::fill_input;
    use burn::tensor::{Device, TensorData};

    #[test]
    fn both_ways_give_the_same() {
        let values: Vec<f32> = fill_input("x", 2 * 3 * 4 * 5 * 6).iter().map(|v| 100.0 + 3.0 * v).collect();
        let x = Tensor::<5>::from_data(TensorData::new(values, [2, 3, 4, 5, 6]), &Device::flex());
        let difference = (in_place(x.clone()) - by_layers(x.clone())).abs().max().into_scalar::<f32>();
        assert!(difference < 1e-4, "{difference}");
        // Another holder's values are left alone.
        let before = x.clone().into_data();
        in_place(x.clone());
        assert_eq!(x.into_data(), before);
    }
}
