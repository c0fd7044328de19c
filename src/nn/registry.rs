use super::{
    ModelSpec,
    models::{edema, flare, jmedseg, polyp, smp, vessel},
};

/// Calls a macro with every network, in the order in which menus and tables list them: what it labels, its id with `_` for
/// `/`, and its entry. This is the only list: [`MODELS`] is made from it, and so are the tests of each
/// network.
#[macro_export]
macro_rules! for_each_network {
    ($then:ident) => {
        $then! {
            slices edema_unet: edema::unet::SPEC;
            slices edema_unet_nested: edema::unet_nested::SPEC;
            slices edema_unet_nested_dilated: edema::unet_nested::DILATED;
            slices edema_fusion: edema::fusion::SPEC;
            slices edema_resnet18_cls: edema::resnet18_cls::SPEC;
            slices polyp_ducknet: polyp::ducknet::SPEC;
            slices polyp_resunet: polyp::resunet::SPEC;
            slices polyp_resunetpp: polyp::resunetpp::SPEC;
            slices polyp_unet: polyp::unet::SPEC;
            slices polyp_unetpp: polyp::unetpp::SPEC;
            slices smp_unet: smp::unet::SPEC;
            slices smp_unetpp: smp::unetpp::SPEC;
            slices smp_fpn: smp::fpn::SPEC;
            slices smp_linknet: smp::linknet::SPEC;
            slices smp_manet: smp::manet::SPEC;
            slices smp_pan: smp::pan::SPEC;
            slices smp_pspnet: smp::pspnet::SPEC;
            slices smp_deeplabv3: smp::deeplabv3::SPEC;
            slices smp_deeplabv3p: smp::deeplabv3p::SPEC;
            slices vessel_sa_unet: vessel::sa_unet::SPEC;
            // jmedseg: U-Nets
            slices jmedseg_unet: jmedseg::unet::SPEC;
            slices jmedseg_attunet: jmedseg::attunet::SPEC;
            slices jmedseg_r2: jmedseg::r2::SPEC;
            slices jmedseg_r2att: jmedseg::r2att::SPEC;
            slices jmedseg_dense: jmedseg::dense::SPEC;
            slices jmedseg_scseunet: jmedseg::scseunet::SPEC;
            slices jmedseg_csnet: jmedseg::csnet::SPEC;
            slices jmedseg_unetpp: jmedseg::unetpp::SPEC;
            slices jmedseg_unetppbig: jmedseg::unetppbig::SPEC;
            slices jmedseg_unet3p: jmedseg::unet3p::SPEC;
            slices jmedseg_unet3p_deepsup: jmedseg::unet3p_deepsup::SPEC;
            slices jmedseg_multires: jmedseg::multires::SPEC;
            slices jmedseg_u2net: jmedseg::u2net::SPEC;
            slices jmedseg_u2netp: jmedseg::u2netp::SPEC;
            slices jmedseg_segnet: jmedseg::segnet::SPEC;
            slices jmedseg_ternaus: jmedseg::ternaus::SPEC;
            slices jmedseg_simple: jmedseg::simple::SPEC;
            // jmedseg: over ResNets
            slices jmedseg_cenet: jmedseg::cenet::SPEC;
            slices jmedseg_dlink: jmedseg::dlink::SPEC;
            slices jmedseg_deeplab: jmedseg::deeplab::SPEC;
            slices jmedseg_deeplabv3plus: jmedseg::deeplab::V3PLUS;
            slices jmedseg_pspnet: jmedseg::pspnet::SPEC;
            slices jmedseg_danet: jmedseg::danet::SPEC;
            slices jmedseg_eanet: jmedseg::eanet::SPEC;
            slices jmedseg_ocrnet: jmedseg::ocrnet::SPEC;
            slices jmedseg_resunet: jmedseg::resunet::SPEC;
            slices jmedseg_ocnet: jmedseg::ocnet::SPEC;
            slices jmedseg_lrfea: jmedseg::lrfea::SPEC;
            slices jmedseg_annnet: jmedseg::annnet::SPEC;
            // jmedseg: others
            slices jmedseg_hrnet: jmedseg::hrnet::SPEC;
            slices jmedseg_setr: jmedseg::setr::SPEC;
            slices jmedseg_hardnet: jmedseg::hardnet::SPEC;
            slices jmedseg_hardalter: jmedseg::hardalter::SPEC;
            slices jmedseg_onenet: jmedseg::onenet::SPEC;
            slices jmedseg_lightnet: jmedseg::lightnet::SPEC;
            slices jmedseg_mepdnet: jmedseg::mepdnet::SPEC;
            volumes flare_efficientsegnet: flare::efficientsegnet::SPEC;
            volumes flare_unet: flare::unet::SPEC;
            volumes flare_contextunet: flare::contextunet::SPEC;
        }
    };
}

macro_rules! entries {
    ($($rank:ident $name:ident: $spec:path;)*) => {
        /// Every network.
        pub static MODELS: &[&ModelSpec] = &[$(&$spec),*];
    };
}
for_each_network!(entries);

/// The network with an id such as `edema/unet`.
pub fn find(id: &str) -> Option<&'static ModelSpec> {
    MODELS.iter().copied().find(|spec| spec.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Rank;
    use std::collections::BTreeSet;

    #[test]
    fn the_list_says_of_each_network_what_its_entry_says() {
        macro_rules! check {
            ($($rank:ident $name:ident: $spec:path;)*) => {
                $(
                    assert_eq!(stringify!($name), $spec.id.replace('/', "_"));
                    let rank = match $spec.rank() {
                        Rank::Slices => "slices",
                        Rank::Volumes => "volumes",
                    };
                    assert_eq!(stringify!($rank), rank, "{}", $spec.id);
                )*
            };
        }
        for_each_network!(check);
    }

    #[test]
    fn every_network_is_described_and_has_an_id_of_its_own() {
        let ids: BTreeSet<&str> = MODELS.iter().map(|spec| spec.id).collect();
        assert_eq!(ids.len(), MODELS.len());
        for spec in MODELS {
            assert_eq!(spec.id.split('/').next(), Some(spec.family), "{}", spec.id);
            assert!(
                !spec.title.is_empty() && spec.paper.contains(char::is_numeric),
                "{}: title, paper",
                spec.id
            );
            assert!(spec.param_count(&serde_json::Value::Null).is_ok(), "{}", spec.id);
        }
    }
}
