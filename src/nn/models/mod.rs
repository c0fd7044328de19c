//! One folder per published system, one file per network; [`super::MODELS`] lists them.

pub mod edema;
pub mod flare;
pub mod jmedseg;
pub mod polyp;
pub mod smp;
pub mod vessel;

use super::{Config, Head};
use serde::{Deserialize, Serialize};

/// Checks the channels and classes, which every network has.
fn ends(in_channels: usize, n_classes: usize) -> Result<(), String> {
    if in_channels == 0 {
        return Err("in_channels must be at least 1".to_owned());
    }
    if n_classes < 2 {
        return Err("n_classes counts the background and must be at least 2".to_owned());
    }
    Ok(())
}

/// A configuration with the keys of [`Plain`] and some more with their defaults.
macro_rules! plain_config {
    ($(#[$about:meta])* $name:ident { $($(#[$says:meta])* $key:ident: $type:ty = $default:expr,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            in_channels: usize,
            /// Background included.
            n_classes: usize,
            /// As in `Plain`.
            feature_scale: usize,
            $($(#[$says])* $key: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                let $crate::nn::models::Plain { in_channels, n_classes, feature_scale } = Default::default();
                Self { in_channels, n_classes, feature_scale, $($key: $default,)* }
            }
        }

        impl $name {
            fn plain(&self) -> $crate::nn::models::Plain {
                let &Self { in_channels, n_classes, feature_scale, .. } = self;
                $crate::nn::models::Plain { in_channels, n_classes, feature_scale }
            }
        }

        impl $crate::nn::Config for $name {
            fn check(&self) -> Result<(), String> {
                self.plain().check()
            }

            fn channels(&self) -> usize {
                self.in_channels
            }

            fn head(&self) -> $crate::nn::Head {
                self.plain().head()
            }
        }
    };
}
use plain_config;

/// The configuration of networks whose reference writes everything else down.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plain {
    pub in_channels: usize,
    /// Background included.
    pub n_classes: usize,
    /// Divides the channels of every layer between the two ends; 1 is the published network.
    pub feature_scale: usize,
}

impl Default for Plain {
    fn default() -> Self {
        Self { in_channels: 3, n_classes: 2, feature_scale: 1 }
    }
}

impl Plain {
    /// Channels of a layer that has `published` of them in the reference.
    fn width(&self, published: usize) -> usize {
        (published / self.feature_scale).max(1)
    }
}

impl Config for Plain {
    fn check(&self) -> Result<(), String> {
        ends(self.in_channels, self.n_classes)?;
        if ![1, 2, 4, 8, 16].contains(&self.feature_scale) {
            return Err("feature_scale must be 1, 2, 4, 8 or 16".to_owned());
        }
        Ok(())
    }

    fn channels(&self) -> usize {
        self.in_channels
    }

    fn head(&self) -> Head {
        Head::Softmax { classes: self.n_classes }
    }
}
