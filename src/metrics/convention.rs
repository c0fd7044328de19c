use super::Overlap;

/// What Dice, IoU and surface Dice are where a class is in one of the two maps or in neither: each of the systems that
/// Fovea reproduces has its own rule. They agree wherever both maps have the class.
///
/// The means over pooled counts of the polyp system and of JMedSeg are in [`super::Confusion`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Convention {
    /// In neither: no value. In one only: 0.
    #[default]
    Fovea,
    /// Retinal edema: no value wherever the truth lacks the class, so that a false finding there costs nothing.
    Edema,
    /// FLARE 2021: in neither: 1. In one only: 0.
    Flare21,
    /// FLARE 2022 to 2024: as 2021; surface Dice is 0 where Dice is below 0.2; values are rounded to four decimals.
    Flare22,
}

impl Convention {
    pub const ALL: [Convention; 4] = [Self::Fovea, Self::Edema, Self::Flare21, Self::Flare22];

    pub fn id(self) -> &'static str {
        match self {
            Self::Fovea => "fovea",
            Self::Edema => "edema",
            Self::Flare21 => "flare21",
            Self::Flare22 => "flare22",
        }
    }

    /// The rule in words.
    pub fn rule(self) -> &'static str {
        match self {
            Self::Fovea => {
                "a class in neither mask has no score in that case; in one only its overlaps are 0 and it has no distance"
            }
            Self::Edema => {
                "a class that the truth lacks has no score in that case; one that only the truth has has no distance"
            }
            Self::Flare21 => {
                "the overlaps of a class in neither mask are 1, in one only 0; it has no distance there"
            }
            Self::Flare22 => {
                "the overlaps of a class in neither mask are 1, in one only 0, and it has no distance there; surface Dice is 0 \
                 where Dice is below 0.2; four decimals"
            }
        }
    }

    pub fn dice(self, counts: &Overlap) -> Option<f64> {
        self.value(counts, counts.dice())
    }

    pub fn iou(self, counts: &Overlap) -> Option<f64> {
        self.value(counts, counts.iou())
    }

    /// `measured`: as [`super::SurfaceDistances::surface_dice`] gives it.
    pub fn surface_dice(self, counts: &Overlap, measured: Option<f64>) -> Option<f64> {
        let too_far = self == Self::Flare22 && counts.dice().is_some_and(|d| d < 0.2);
        self.value(counts, if too_far { Some(0.0) } else { measured })
    }

    /// Applies the rule to a value that is `None` if neither map has the class, and 0 if only one has it.
    fn value(self, counts: &Overlap, value: Option<f64>) -> Option<f64> {
        match self {
            Self::Fovea => value,
            Self::Edema => value.filter(|_| counts.in_truth() > 0),
            Self::Flare21 => value.or(Some(1.0)),
            Self::Flare22 => value.or(Some(1.0)).map(|v| (v * 1e4).round_ties_even() / 1e4),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_masks_score_as_each_system_says() {
        let of = |p: [u16; 2], t: [u16; 2]| Overlap::of(&p, &t, None, 1);
        let (neither, only_predicted, only_true) =
            (of([0; 2], [0; 2]), of([1; 2], [0; 2]), of([0; 2], [1; 2]));
        for (convention, expected) in [
            (Convention::Fovea, [None, Some(0.0), Some(0.0)]),
            (Convention::Edema, [None, None, Some(0.0)]),
            (Convention::Flare21, [Some(1.0), Some(0.0), Some(0.0)]),
            (Convention::Flare22, [Some(1.0), Some(0.0), Some(0.0)]),
        ] {
            let counts = [neither, only_predicted, only_true];
            assert_eq!(counts.map(|c| convention.dice(&c)), expected, "{convention:?}");
            assert_eq!(counts.map(|c| convention.iou(&c)), expected, "{convention:?}");
            let measured = [None, Some(0.0), Some(0.0)];
            let surface = [0, 1, 2].map(|i| convention.surface_dice(&counts[i], measured[i]));
            assert_eq!(surface, expected, "{convention:?}");
        }
    }

    #[test]
    fn a_dice_below_a_fifth_has_no_surface_dice_in_flare_2022() {
        let counts = Overlap { true_positive: 1, false_positive: 9, false_negative: 0, true_negative: 0 };
        assert_eq!(Convention::Flare22.surface_dice(&counts, Some(0.9)), Some(0.0));
        assert_eq!(Convention::Flare21.surface_dice(&counts, Some(0.9)), Some(0.9));
        assert_eq!(Convention::Flare22.dice(&counts), Some(0.1818));
    }
}
