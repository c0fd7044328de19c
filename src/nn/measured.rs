//! What predicting a slice of 512² costs, as `benches/predict` measured it on the CPU of the table in `docs/src/networks.md`.

/// The cost of one network with its default configuration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    pub slice_millis: f32,
    /// Of the layers of the forward pass.
    pub multiply_accumulates: u64,
    /// Peak memory of a process that does nothing else.
    pub peak_mib: u32,
}

static TABLE: &str = include_str!("../../assets/networks.csv");

/// The cost of a network by its id, where it has been measured.
pub fn cost(id: &str) -> Option<Cost> {
    let row = TABLE.lines().find_map(|line| line.strip_prefix(id)?.strip_prefix(','))?;
    let fields: Vec<&str> = row.split(',').collect();
    let [slice, _forward, products, peak] = fields[..] else { return None };
    Some(Cost {
        slice_millis: slice.parse().ok()?,
        multiply_accumulates: products.parse().ok()?,
        peak_mib: peak.parse().ok()?,
    })
}

/// Pixels of the measured slice.
pub const PIXELS: usize = 512 * 512;
