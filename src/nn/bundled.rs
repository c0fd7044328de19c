//! The models inside the program, from `assets/models/`.

/// A weights file that is part of the program; its card says what it is.
pub struct Bundled {
    pub id: &'static str,
    pub bytes: &'static [u8],
    /// Knows nothing but the program's own phantoms: chosen for those by itself, for other images only by a person.
    pub demonstration: bool,
}

/// In the order in which they are offered.
pub static MODELS: &[Bundled] = &[
    Bundled {
        id: "vessel",
        bytes: include_bytes!("../../assets/models/vessel.safetensors"),
        demonstration: false,
    },
    Bundled {
        id: "oct-phantom",
        bytes: include_bytes!("../../assets/models/oct_phantom.safetensors"),
        demonstration: true,
    },
    Bundled {
        id: "ct-phantom",
        bytes: include_bytes!("../../assets/models/ct_phantom.safetensors"),
        demonstration: true,
    },
    Bundled {
        id: "abdomen-phantom",
        bytes: include_bytes!("../../assets/models/abdomen_phantom.safetensors"),
        demonstration: true,
    },
];

pub fn find(id: &str) -> Option<&'static Bundled> {
    MODELS.iter().find(|m| m.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{AnyModel, ComputeDevice};

    #[test]
    fn every_bundled_model_loads_and_says_where_it_comes_from() {
        assert!(find("vessel").is_some());
        let bytes: usize = MODELS.iter().map(|m| m.bytes.len()).sum();
        assert!(bytes < 6 << 20, "the program carries {bytes} bytes of weights");
        for bundled in MODELS {
            let model = AnyModel::from_bytes(bundled.bytes, &ComputeDevice::cpu("test")).unwrap();
            let card = model.card();
            for (what, text) in [
                ("data", &card.trained_on),
                ("licence", &card.licence),
                ("command", &card.command),
                ("notice", &card.notice),
            ] {
                assert!(!text.is_empty(), "{}: its card lacks the {what}", bundled.id);
            }
            let phantom = card.trained_on.contains("phantom");
            assert_eq!(phantom, card.notice.contains("no use on patients"), "{}", bundled.id);
            assert!(!card.metrics.is_empty(), "{}: its card lacks a measurement", bundled.id);
        }
    }
}
