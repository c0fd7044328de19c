//! Seeded pictures with exact labels that the program makes itself: its samples, and what its tests stand on.
//!
//! They look like their modality so that a first look is honest about what the program does, and no more: a model
//! trained on them is of no use on patients.

mod ct;
mod fundus;
mod noise;
mod oct;

pub use ct::{abdomen, ct, ct_sized};
pub use fundus::{fundus, fundus_sized};
pub use oct::{oct, oct_sized};

use crate::{
    label::{LabelMap, LabelTable},
    volume::Volume,
};

/// A picture and what is to be seen in it.
#[derive(Clone, Debug)]
pub struct Phantom {
    pub name: &'static str,
    pub volume: Volume,
    pub truth: LabelMap,
    pub labels: LabelTable,
}

/// How the picture was taken. The anatomy of a seed is the same under both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    Standard,
    /// Another device: contrast, tone curve, colour, sharpness and noise differ.
    Shifted,
}

/// A built-in sample, opened by the path `sample:ID`.
#[derive(Debug)]
pub struct Sample {
    pub id: &'static str,
    /// In a word or two.
    pub name: &'static str,
    pub title: &'static str,
    pub look: Look,
    pub make: fn(seed: u64, look: Look) -> Phantom,
}

pub static SAMPLES: &[&Sample] = &[
    &Sample {
        id: "fundus",
        name: "Fundus",
        title: "Fundus photograph with a vessel tree",
        look: Look::Standard,
        make: fundus,
    },
    &Sample {
        id: "oct",
        name: "OCT",
        title: "OCT volume with layers and fluid",
        look: Look::Standard,
        make: oct,
    },
    &Sample {
        id: "ct",
        name: "CT",
        title: "CT of an abdomen with four organs",
        look: Look::Standard,
        make: ct,
    },
    // What the bundled demonstration model has not seen: the sample to correct and to learn from.
    &Sample {
        id: "oct-shifted",
        name: "OCT of another device",
        title: "OCT volume from another device",
        look: Look::Shifted,
        make: oct,
    },
];

/// Phantoms to learn from that are no samples: no two have one shape.
pub static VARIED: &[&Sample] = &[&Sample {
    id: "abdomen",
    name: "Abdomen",
    title: "CT of an abdomen, of any size, spacing and orientation",
    look: Look::Standard,
    make: abdomen,
}];

/// The seed of the samples that a person opens; tests and training take others.
pub const SAMPLE_SEED: u64 = 7;

impl Sample {
    /// The phantom that a person sees.
    pub fn open(&self) -> Phantom {
        (self.make)(SAMPLE_SEED, self.look)
    }
}

pub fn find(id: &str) -> Option<&'static Sample> {
    SAMPLES.iter().copied().find(|s| s.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_reproducible_and_every_label_occurs() {
        for sample in SAMPLES.iter().chain(VARIED) {
            let a = (sample.make)(3, Look::Standard);
            let b = (sample.make)(3, Look::Standard);
            let other = (sample.make)(4, Look::Standard);
            let shifted = (sample.make)(3, Look::Shifted);
            let middle = a.volume.dims()[2] / 2;
            assert_eq!(a.volume.slice_values(middle), b.volume.slice_values(middle), "{}", sample.id);
            assert_ne!(
                a.volume.slice_values(middle),
                other.volume.slice_values(other.volume.dims()[2] / 2),
                "{}",
                sample.id
            );
            assert_ne!(a.volume.slice_values(middle), shifted.volume.slice_values(middle), "{}", sample.id);
            assert_eq!(
                a.truth.to_values(),
                shifted.truth.to_values(),
                "{}: the look moves no label",
                sample.id
            );
            let counts = a.truth.counts();
            for label in a.labels.iter() {
                let voxels = counts.get(&label.id).copied().unwrap_or(0);
                assert!(voxels >= 20, "{}: {} has {voxels} voxels", sample.id, label.name);
            }
        }
    }
}
