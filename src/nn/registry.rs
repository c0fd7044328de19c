use super::{
    ModelSpec,
    models::{edema, polyp, vessel},
};

/// Every network, in the order in which menus and tables list them.
pub static MODELS: &[&ModelSpec] = &[
    &edema::unet::SPEC,
    &edema::unet_nested::SPEC,
    &edema::unet_nested::DILATED,
    &polyp::ducknet::SPEC,
    &polyp::resunet::SPEC,
    &polyp::resunetpp::SPEC,
    &polyp::unet::SPEC,
    &polyp::unetpp::SPEC,
    // smp
    &vessel::sa_unet::SPEC,
    // jmedseg: U-Nets
    // jmedseg: over ResNets
    // jmedseg: others
];

/// The network with an id such as `edema/unet`.
pub fn find(id: &str) -> Option<&'static ModelSpec> {
    MODELS.iter().copied().find(|spec| spec.id == id)
}
