use super::{
    ModelSpec,
    models::{edema, flare, jmedseg, polyp, smp, vessel},
};

/// Every network of slices, in the order in which menus and tables list them.
pub static MODELS: &[&ModelSpec] = &[
    &edema::unet::SPEC,
    &edema::unet_nested::SPEC,
    &edema::unet_nested::DILATED,
    &edema::fusion::SPEC,
    &edema::resnet18_cls::SPEC,
    &polyp::ducknet::SPEC,
    &polyp::resunet::SPEC,
    &polyp::resunetpp::SPEC,
    &polyp::unet::SPEC,
    &polyp::unetpp::SPEC,
    &smp::unet::SPEC,
    &smp::unetpp::SPEC,
    &smp::fpn::SPEC,
    &smp::linknet::SPEC,
    &smp::manet::SPEC,
    &smp::pan::SPEC,
    &smp::pspnet::SPEC,
    &smp::deeplabv3::SPEC,
    &smp::deeplabv3p::SPEC,
    &vessel::sa_unet::SPEC,
    // jmedseg: U-Nets
    &jmedseg::unet::SPEC,
    &jmedseg::attunet::SPEC,
    &jmedseg::r2::SPEC,
    &jmedseg::r2att::SPEC,
    &jmedseg::dense::SPEC,
    &jmedseg::scseunet::SPEC,
    &jmedseg::csnet::SPEC,
    &jmedseg::unetpp::SPEC,
    &jmedseg::unetppbig::SPEC,
    &jmedseg::unet3p::SPEC,
    &jmedseg::unet3p_deepsup::SPEC,
    &jmedseg::multires::SPEC,
    &jmedseg::u2net::SPEC,
    &jmedseg::u2netp::SPEC,
    &jmedseg::segnet::SPEC,
    &jmedseg::ternaus::SPEC,
    &jmedseg::simple::SPEC,
    // jmedseg: over ResNets
    &jmedseg::cenet::SPEC,
    &jmedseg::dlink::SPEC,
    &jmedseg::deeplab::SPEC,
    &jmedseg::deeplab::V3PLUS,
    &jmedseg::pspnet::SPEC,
    &jmedseg::danet::SPEC,
    &jmedseg::eanet::SPEC,
    &jmedseg::ocrnet::SPEC,
    &jmedseg::resunet::SPEC,
    &jmedseg::ocnet::SPEC,
    &jmedseg::lrfea::SPEC,
    &jmedseg::annnet::SPEC,
    // jmedseg: others
    &jmedseg::hrnet::SPEC,
    &jmedseg::setr::SPEC,
    &jmedseg::hardnet::SPEC,
    &jmedseg::hardalter::SPEC,
    &jmedseg::onenet::SPEC,
    &jmedseg::lightnet::SPEC,
    &jmedseg::mepdnet::SPEC,
];

/// Every network of volumes.
pub static VOLUME_MODELS: &[&ModelSpec<5>] =
    &[&flare::efficientsegnet::SPEC, &flare::unet::SPEC, &flare::contextunet::SPEC];

/// A kind of networks with a list of its own.
pub trait Registered: Sized + 'static {
    fn find(id: &str) -> Option<&'static Self>;
}

impl Registered for ModelSpec {
    fn find(id: &str) -> Option<&'static Self> {
        find(id)
    }
}

impl Registered for ModelSpec<5> {
    fn find(id: &str) -> Option<&'static Self> {
        find_volume(id)
    }
}

/// The network of slices with an id such as `edema/unet`.
pub fn find(id: &str) -> Option<&'static ModelSpec> {
    MODELS.iter().copied().find(|spec| spec.id == id)
}

/// The network of volumes with an id such as `flare/unet`.
pub fn find_volume(id: &str) -> Option<&'static ModelSpec<5>> {
    VOLUME_MODELS.iter().copied().find(|spec| spec.id == id)
}
