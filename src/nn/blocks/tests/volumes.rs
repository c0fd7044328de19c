//! The layers of volumes. What is said of gradients is said of maps `[batch, channels, depth · height, width]`.

use super::*;

const OPS: &str = "flare/metrics.json";

/// The depth of the volumes whose rows are stacked in a map.
const DEPTH: usize = 4;

/// A layer of volumes as one of maps with their rows stacked.
fn stacked(input: Tensor<4>, layer: impl FnOnce(Tensor<5>) -> Tensor<5>) -> Tensor<4> {
    let [batch, channels, rows, columns] = input.dims();
    layer(input.reshape([batch, channels, DEPTH, rows / DEPTH, columns])).flatten(2, 3)
}

fn ramp(shape: [usize; 5]) -> Tensor<5> {
    let count = shape.iter().product::<usize>();
    tensor((0..count).map(|i| i as f32).collect(), shape)
}

#[test]
fn pools_of_boxes_give_what_is_counted_by_hand() {
    // Element z·12 + y·4 + x of a box of 2×3×4.
    let x = || ramp([1, 1, 2, 3, 4]);
    assert_eq!(host(max_pool3(x(), [2; 3], [2; 3], [0; 3])), [17.0, 19.0]);
    assert_eq!(host(avg_pool3(x(), [2; 3], [2; 3])), [8.5, 10.5]);
    assert_eq!(host(max_pool3(x(), [1, 3, 1], [1, 3, 1], [0; 3])), [8., 9., 10., 11., 20., 21., 22., 23.]);
    assert_eq!(host(avg_pool3(x(), [2, 3, 1], [2, 3, 1])), [10.0, 11.0, 12.0, 13.0]);
    // Padding never wins, also where all is below zero.
    assert_eq!(host(max_pool3(x() - 100.0, [3; 3], [2; 3], [1; 3])), [-83.0, -81.0, -79.0, -77.0]);
}

#[test]
fn resizing_of_volumes_gives_what_is_counted_by_hand() {
    let x = ramp([1, 1, 1, 2, 2]); // 0 1 / 2 3
    let corners = host(trilinear(x.clone(), [2, 3, 3], Align::Corners));
    let plane = [0.0, 0.5, 1.0, 1.0, 1.5, 2.0, 2.0, 2.5, 3.0];
    assert_eq!(corners, [plane, plane].concat());
    let centres = host(trilinear(x, [1, 2, 4], Align::Centres));
    assert_eq!(centres, [0.0, 0.25, 0.75, 1.0, 2.0, 2.25, 2.75, 3.0]);
}

/// Largest difference from the reference's list, as a share of its largest value.
fn off(found: Vec<f32>, expected: &Value) -> f64 {
    let expected = numbers(expected);
    assert!(!expected.is_empty() && found.len() >= expected.len());
    let largest = expected.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let differences = found.iter().zip(&expected).map(|(f, e)| (f64::from(*f) - e).abs());
    differences.fold(0.0, f64::max) / largest
}

#[test]
fn layers_of_volumes_give_the_published_voxels() {
    let Some(vectors) = vectors(OPS) else { return };
    let expected = &vectors["torch_ops"];
    let values = fill_input("resample.input", 5 * 6 * 7).into_iter().map(|v| (f64::from(v) * 400.0) as f32);
    let x = tensor(values.collect(), [1, 1, 5, 6, 7]);
    for name in ["up_10x9x8", "down_3x4x5", "to_1x9x1", "upsample2x"] {
        let expected = &expected[name];
        let size: Vec<usize> = numbers(&expected["size"]).into_iter().map(|n| n as usize).collect();
        for (align, key) in [(Align::Corners, "align_corners_true"), (Align::Centres, "align_corners_false")]
        {
            if !expected[key].is_null() {
                let found = trilinear(x.clone(), [size[0], size[1], size[2]], align);
                assert!(off(host(found), &expected[key]) < 1e-6, "{name} {key}");
            }
        }
    }
    let expected = &expected["ops"];
    let x = tensor(fill_input("op.pool", 2 * 3 * 8 * 9 * 10), [2, 3, 8, 9, 10]);
    let maximum = max_pool3(x.clone(), [3; 3], [2; 3], [1; 3]);
    assert_eq!(maximum.dims(), [2, 3, 4, 5, 5]);
    assert!(off(host(maximum), &expected["maxpool_k3_s2_p1"]) < 1e-6);
    assert!(off(host(avg_pool3(x.clone(), [4; 3], [4; 3])), &expected["avgpool_k4"]) < 1e-6);
    assert!(off(host(avg_pool3(x.clone(), [1, 4, 5], [1, 4, 5])), &expected["avgpool_k_1_4_5"]) < 1e-6);
    assert!(off(host(instance_norm(x)), &expected["instance_norm_noaffine_first64"]) < 1e-6);
}

#[test]
fn layers_of_volumes_have_the_gradients_of_their_differences() {
    let d = &Device::flex();
    let forward: fn(&Conv3, Tensor<4>) -> Tensor<4> = |layer, x| stacked(x, |x| layer.forward(x));
    let strided = conv3(2, 3, 3).stride(2).padding(1).init(d);
    check("convolution", strided, [1, 2, 4 * 3, 5], WIDE, forward);
    let flat = conv3(2, 2, 3).kernel([3, 3, 1]).same().no_bias().init(d);
    check("convolution 3×3×1", flat, [2, 2, 4 * 3, 3], WIDE, forward);
    let pointwise = conv3(2, 3, 1).stride(2).no_bias().init(d);
    check("convolution 1×1×1", pointwise, [1, 2, 4 * 3, 5], WIDE, forward);
    let shape = [1, 2, 4 * 4, 5];
    check_op("maximum", shape, FINE, |x| stacked(x, |x| max_pool3(x, [3; 3], [2; 3], [1; 3])));
    check_op("mean", shape, WIDE, |x| stacked(x, |x| avg_pool3(x, [2, 3, 2], [2, 3, 2])));
    check_op("trilinear, corners", shape, WIDE, |x| stacked(x, |x| trilinear(x, [7, 3, 8], Align::Corners)));
    check_op("trilinear, centres", shape, WIDE, |x| stacked(x, |x| trilinear(x, [2, 6, 5], Align::Centres)));
    check_op("instance norm", [2, 2, 4 * 2, 2], NARROW, |x| stacked(x, instance_norm));
}
