use super::{
    ModelSpec,
    models::{edema, jmedseg, polyp, smp, vessel},
};

/// Every network, in the order in which menus and tables list them.
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

/// The network with an id such as `edema/unet`.
pub fn find(id: &str) -> Option<&'static ModelSpec> {
    MODELS.iter().copied().find(|spec| spec.id == id)
}
