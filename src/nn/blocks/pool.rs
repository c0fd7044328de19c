use burn::tensor::{
    Device, IndexingUpdateOp, Int, Tensor, TensorData,
    module::{avg_pool2d, max_pool2d, max_pool2d_with_indices},
    ops::{AvgPoolOptions, MaxPoolOptions, PadMode},
};

/// Maximum over `kernel`×`kernel` pixels; padding never wins.
pub fn max_pool(input: Tensor<4>, kernel: usize, stride: usize, padding: usize) -> Tensor<4> {
    let options = MaxPoolOptions::new([kernel; 2]).with_stride([stride; 2]).with_padding([padding; 2]);
    max_pool2d(input, options)
}

/// Maximum over 2×2 pixels, halving the size.
pub fn halve(input: Tensor<4>) -> Tensor<4> {
    max_pool(input, 2, 2, 0)
}

/// [`halve`] with the last row and column of an odd size kept: PyTorch's `ceil_mode`.
pub fn halve_ceil(input: Tensor<4>) -> Tensor<4> {
    let [_, _, height, width] = input.dims();
    // A repeated last row changes no maximum.
    let padded = match (height % 2, width % 2) {
        (0, 0) => input,
        (rows, columns) => input.pad([(0, rows), (0, columns)], PadMode::Edge),
    };
    halve(padded)
}

/// Mean over `kernel`×`kernel` pixels without padding.
pub fn avg_pool(input: Tensor<4>, kernel: usize, stride: usize) -> Tensor<4> {
    avg_pool2d(input, AvgPoolOptions::new([kernel; 2]).with_stride([stride; 2]))
}

/// Mean over height and width, `[batch, channels, 1, 1]`.
pub fn global_avg(input: Tensor<4>) -> Tensor<4> {
    // A dimension at a time, as software drivers need it.
    input.mean_dim(3).mean_dim(2)
}

/// Maximum over height and width, `[batch, channels, 1, 1]`.
pub fn global_max(input: Tensor<4>) -> Tensor<4> {
    input.max_dim(3).max_dim(2)
}

/// How an axis is divided for adaptive average pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bins {
    /// PyTorch: bin `i` of `o` reaches from `floor(i n / o)` to `ceil((i + 1) n / o)`.
    Covering,
    /// Jittor: windows of one size `n - (o - 1) s` at steps of `s = floor(n / o)`.
    Equal,
}

impl Bins {
    /// Start and end of bin `i`.
    fn range(self, i: usize, n: usize, o: usize) -> (usize, usize) {
        match self {
            Bins::Covering => (i * n / o, ((i + 1) * n).div_ceil(o)),
            Bins::Equal => {
                let step = n / o;
                (i * step, i * step + n - (o - 1) * step)
            }
        }
    }

    /// `[o, n]`: each row averages its bin.
    fn matrix(self, n: usize, o: usize, device: &Device) -> Tensor<4> {
        let mut values = vec![0.0f32; o * n];
        for (i, row) in values.chunks_exact_mut(n).enumerate() {
            let (start, end) = self.range(i, n, o);
            row[start..end].fill(1.0 / (end - start) as f32);
        }
        Tensor::from_data(TensorData::new(values, [1, 1, o, n]), device)
    }
}

/// Adaptive average pooling to `[height, width]`, as two products, so that every backend has its gradient.
pub fn adaptive_avg_pool(input: Tensor<4>, [height, width]: [usize; 2], bins: Bins) -> Tensor<4> {
    let ([_, _, h, w], device) = (input.dims(), input.device());
    let rows = bins.matrix(h, height, &device);
    let columns = bins.matrix(w, width, &device);
    rows.matmul(input.matmul(columns.transpose()))
}

/// [`halve`] with the place of each maximum in its plane, for [`max_unpool`].
pub fn halve_with_places(input: Tensor<4>) -> (Tensor<4>, Tensor<4, Int>) {
    max_pool2d_with_indices(input, MaxPoolOptions::new([2, 2]).with_stride([2, 2]))
}

/// Puts each value at its place in a plane of twice the size; the rest is 0 (Badrinarayanan et al.: "SegNet", 2017).
pub fn max_unpool(input: Tensor<4>, places: Tensor<4, Int>) -> Tensor<4> {
    let [n, c, h, w] = input.dims();
    let empty = Tensor::zeros([n, c, 4 * h * w], &input.device());
    let (values, places) = (input.reshape([n, c, h * w]), places.reshape([n, c, h * w]));
    empty.scatter(2, places, values, IndexingUpdateOp::Add).reshape([n, c, 2 * h, 2 * w])
}
