//! How the elements of a data set are coded, and the transfer syntaxes that say so.

pub const IMPLICIT_LE: &str = "1.2.840.10008.1.2";
pub const EXPLICIT_LE: &str = "1.2.840.10008.1.2.1";
pub const DEFLATED_LE: &str = "1.2.840.10008.1.2.1.99";
pub const EXPLICIT_BE: &str = "1.2.840.10008.1.2.2";

/// How elements are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syntax {
    /// Every element names its type.
    pub explicit: bool,
    pub big_endian: bool,
}

impl Syntax {
    pub fn of(uid: &str) -> Self {
        Self { explicit: uid != IMPLICIT_LE, big_endian: uid == EXPLICIT_BE }
    }

    pub fn uid(self) -> &'static str {
        match self {
            Self { explicit: false, .. } => IMPLICIT_LE,
            Self { big_endian: false, .. } => EXPLICIT_LE,
            Self { big_endian: true, .. } => EXPLICIT_BE,
        }
    }
}
