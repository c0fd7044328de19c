//! U²-Net† (Qin et al., 2020, section 4.3): U²-Net with 64 channels between all stages and 16 inside.

use super::u2net::U2Net;
use crate::nn::{Make, ModelSpec};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/u2netp",
    title: "U²-Net small",
    probe_config: || json!({ "feature_scale": 4 }),
    make: Make::slices::<U2Net<true>>(),
    ..super::u2net::SPEC
};
