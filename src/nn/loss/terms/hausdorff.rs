//! `mean (p − t)²·(d(p ≥ 0.5)² + d(t ≥ 0.5)²)` with d the distance of a pixel of a mask to the nearest outside it: the FLARE 2021
//! winner's estimate of the Hausdorff distance (D. Karimi and S. Salcudean: "Reducing the Hausdorff Distance in Medical Image
//! Segmentation with Convolutional Neural Networks", IEEE TMI 2020, section II.B.1).

use crate::nn::loss::{
    compare::{Comparison, total},
    spec::LossSpec,
};
use burn::tensor::{Tensor, TensorData};

pub static LOSS: LossSpec = LossSpec {
    name: "hausdorff",
    about: "Squared errors, weighted by their distance from the border.",
    example: "hausdorff",
    jumps: true,
    compute: |_, c| Some(compute(c)),
    ..LossSpec::PLAIN
};

fn compute(c: &Comparison<'_>) -> Tensor<1> {
    let (p, truth, device) = (c.known_probability(), c.truth(), c.logits.device());
    let masks = [&p, &truth].map(|t| t.clone().without_autodiff().try_into_vec_as::<f32>());
    let [Ok(found), Ok(wanted)] = masks else {
        // A device that gives nothing back: the step is refused for its loss.
        return Tensor::full([1], f32::NAN, &device);
    };
    let pixels = c.targets.space.iter().product::<usize>().max(1);
    let mut far = Vec::with_capacity(found.len());
    for (found, wanted) in found.chunks_exact(pixels).zip(wanted.chunks_exact(pixels)) {
        let [a, b] = [found, wanted].map(|mask| squared_distances(mask, &c.targets.space));
        far.extend(a.iter().zip(b).map(|(a, b)| a + b));
    }
    let far = Tensor::<4>::from_data(TensorData::new(far, p.dims()), &device);
    let off = p - truth;
    total(off.clone() * off * far).div_scalar(c.known_elements())
}

/// For each pixel of at least 0.5 its squared distance to the nearest that is less, in pixels; 0 for the others, and
/// everywhere where there are none of those. One dimension after the other (P. Felzenszwalb and D. Huttenlocher: "Distance
/// Transforms of Sampled Functions", Theory of Computing 2012).
fn squared_distances(values: &[f32], space: &[usize]) -> Vec<f32> {
    if values.iter().all(|&v| v >= 0.5) {
        return vec![0.0; values.len()];
    }
    // Finite, so that the envelope's crossings are numbers.
    const FAR: f32 = 1e10;
    let mut squares: Vec<f32> = values.iter().map(|&v| if v >= 0.5 { FAR } else { 0.0 }).collect();
    let mut stride = 1;
    for &n in space.iter().rev() {
        for start in (0..squares.len()).filter(|i| i / stride % n == 0) {
            let line: Vec<f32> = (0..n).map(|i| squares[start + i * stride]).collect();
            for (i, d) in lower_envelope(&line).into_iter().enumerate() {
                squares[start + i * stride] = d;
            }
        }
        stride *= n;
    }
    squares
}

/// `min_j (i − j)² + f(j)` for each i.
fn lower_envelope(f: &[f32]) -> Vec<f32> {
    let height = |j: usize| f64::from(f[j]) + (j * j) as f64;
    // The parabolas that are lowest somewhere, and from where on.
    let mut lowest: Vec<(usize, f64)> = vec![];
    for j in 0..f.len() {
        let from = loop {
            let Some(&(last, since)) = lowest.last() else { break f64::NEG_INFINITY };
            let crossing = (height(j) - height(last)) / (2 * (j - last)) as f64;
            if crossing > since {
                break crossing;
            }
            lowest.pop();
        };
        lowest.push((j, from));
    }
    let mut at = 0;
    let value = |i: usize| {
        while lowest.get(at + 1).is_some_and(|&(_, from)| from < i as f64) {
            at += 1;
        }
        let j = lowest[at].0;
        i.abs_diff(j).pow(2) as f32 + f[j]
    };
    (0..f.len()).map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::squared_distances;

    #[test]
    fn distances_are_those_of_a_search() {
        let space = [5, 7, 6];
        let mask: Vec<f32> = (0..210).map(|i| if (i * 7919 + 13) % 10 < 9 { 1.0 } else { 0.0 }).collect();
        let at = |i: usize| [i / 42, i / 6 % 7, i % 6];
        for (i, got) in squared_distances(&mask, &space).into_iter().enumerate() {
            let to = |j: usize| at(i).iter().zip(at(j)).map(|(&a, b)| a.abs_diff(b).pow(2)).sum::<usize>();
            let want = (0..210).filter(|&j| mask[j] < 0.5).map(to).min().unwrap();
            assert_eq!(got, if mask[i] < 0.5 { 0.0 } else { want as f32 }, "{i}");
        }
        assert_eq!(squared_distances(&[1.0; 210], &space), [0.0; 210]);
    }
}
