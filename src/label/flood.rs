use super::Connectivity;

/// Fills from a seed, span by span: the connected voxels that `accept` marks, as runs `(x, y, z, length)` in no
/// particular order.
///
/// `dims` is the size of the domain; a slice has depth 1. `accept(y, z, row)` fills one row with whether each voxel
/// belongs; it is called once for a row that the fill reaches and never for others, so a small region in a large image
/// is cheap. After the span filling of A. R. Smith, "Tint fill" (SIGGRAPH 1979).
pub fn flood(
    dims: [usize; 3],
    seed: [usize; 3],
    connectivity: Connectivity,
    mut accept: impl FnMut(usize, usize, &mut [bool]),
) -> Vec<([usize; 3], usize)> {
    let [width, height, depth] = dims;
    if (0..3).any(|a| seed[a] >= dims[a]) {
        return Vec::new();
    }
    // The voxels of each row that belong and are not filled yet.
    let mut rows: Vec<Option<Box<[bool]>>> = vec![None; height * depth];
    let mut filled = Vec::new();
    // Stretches of a row, first and last included, in which the fill looks for spans.
    let mut stretches = vec![(seed[0], seed[0], seed[1], seed[2])];
    let reach = if connectivity == Connectivity::Full { 1 } else { 0 };
    while let Some((first, last, y, z)) = stretches.pop() {
        let row = rows[z * height + y].get_or_insert_with(|| {
            let mut row = vec![false; width].into_boxed_slice();
            accept(y, z, &mut row);
            row
        });
        let mut x = first;
        while x <= last {
            if !row[x] {
                x += 1;
                continue;
            }
            let start = row[..x].iter().rposition(|&open| !open).map_or(0, |i| i + 1);
            let end = row[x..].iter().position(|&open| !open).map_or(width, |i| x + i);
            row[start..end].fill(false);
            filled.push(([start, y, z], end - start));
            let (first, last) = (start.saturating_sub(reach), (end - 1 + reach).min(width - 1));
            for (dy, dz) in connectivity.rows() {
                if let (Some(y), Some(z)) = (y.checked_add_signed(*dy), z.checked_add_signed(*dz))
                    && y < height
                    && z < depth
                {
                    stretches.push((first, last, y, z));
                }
            }
            x = end + 1;
        }
    }
    filled
}
