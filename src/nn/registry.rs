use super::{
    ModelSpec,
    models::{edema, vessel},
};

/// Every network, in the order in which menus and tables list them.
pub static MODELS: &[&ModelSpec] = &[
    &edema::unet::SPEC,
    // polyp
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
