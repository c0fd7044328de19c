//! The models inside the program, from `assets/models/`.

/// A weights file that is part of the program; its card says what it is.
pub struct Bundled {
    pub id: &'static str,
    pub bytes: &'static [u8],
}

/// In the order in which they are offered.
pub static MODELS: &[Bundled] = &[];

pub fn find(id: &str) -> Option<&'static Bundled> {
    MODELS.iter().find(|m| m.id == id)
}
