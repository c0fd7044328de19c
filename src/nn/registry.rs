use super::{ModelSpec, models};

/// Every network, in the order in which menus and tables list them.
pub static MODELS: &[&ModelSpec] = &[&models::unet::SPEC, &models::sa_unet::SPEC];

/// The network with an id such as `edema/unet`.
pub fn find(id: &str) -> Option<&'static ModelSpec> {
    MODELS.iter().copied().find(|spec| spec.id == id)
}
