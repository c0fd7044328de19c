use super::{Convention, Overlap, Roc, SurfaceScores};
use serde::Serialize;

/// What was measured of one class in one case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured {
    pub counts: Overlap,
    pub roc: Option<Roc>,
    pub surfaces: Option<SurfaceScores>,
    /// Volume in the predicted map and in the truth.
    pub volumes: Option<[f64; 2]>,
}

impl From<Overlap> for Measured {
    fn from(counts: Overlap) -> Self {
        Self { counts, ..Self::default() }
    }
}

impl Measured {
    pub fn scores(&self, convention: Convention) -> Scores {
        let (counts, surfaces) = (&self.counts, self.surfaces);
        Scores {
            dice: convention.dice(counts),
            iou: convention.iou(counts),
            sensitivity: counts.sensitivity(),
            specificity: counts.specificity(),
            precision: counts.precision(),
            accuracy: counts.accuracy(),
            mcc: counts.mcc(),
            auc: self.roc.as_ref().and_then(Roc::auc),
            surface_dice: surfaces.and_then(|s| convention.surface_dice(counts, s.surface_dice)),
            hd95: surfaces.and_then(|s| s.hd95),
            hausdorff: surfaces.and_then(|s| s.hausdorff),
            surface_distance: surfaces.and_then(|s| s.average),
            volume: self.volumes.map(|[predicted, _]| predicted),
            true_volume: self.volumes.map(|[_, truth]| truth),
            volume_difference: self.volumes.map(|[predicted, truth]| predicted - truth),
        }
    }
}

/// Scores of one class; a value that was not measured or that the conventions leave undefined is null in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Scores {
    pub dice: Option<f64>,
    pub iou: Option<f64>,
    pub sensitivity: Option<f64>,
    pub specificity: Option<f64>,
    pub precision: Option<f64>,
    pub accuracy: Option<f64>,
    pub mcc: Option<f64>,
    pub auc: Option<f64>,
    pub surface_dice: Option<f64>,
    pub hd95: Option<f64>,
    pub hausdorff: Option<f64>,
    pub surface_distance: Option<f64>,
    pub volume: Option<f64>,
    pub true_volume: Option<f64>,
    pub volume_difference: Option<f64>,
}

/// One of the scores: what it is called, and what it means.
#[derive(Debug)]
pub struct Metric {
    /// As in JSON and CSV.
    pub id: &'static str,
    /// As a heading.
    pub title: &'static str,
    pub quantity: Quantity,
    pub better: Better,
    /// In one sentence.
    pub meaning: &'static str,
    pub field: fn(&mut Scores) -> &mut Option<f64>,
}

impl Metric {
    pub fn of(&self, scores: &Scores) -> Option<f64> {
        *(self.field)(&mut { *scores })
    }
}

/// What kind of number a score is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Without a unit, at most 1.
    Share,
    /// Millimetres, or pixels where the spacing is unknown.
    Length,
    /// Cubic millimetres; square ones, or pixels, of a flat image.
    Volume,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    Higher,
    Lower,
    /// The nearer to 0, the better.
    Zero,
    /// It says nothing about agreement.
    Neither,
}

/// Every score, in the order in which tables show them.
pub static METRICS: &[Metric] = &[
    Metric {
        id: "dice",
        title: "Dice",
        quantity: Quantity::Share,
        better: Better::Higher,
        meaning: "2·|P∩T| / (|P| + |T|), P being the predicted and T the true pixels",
        field: |s| &mut s.dice,
    },
    Metric {
        id: "iou",
        title: "IoU",
        quantity: Quantity::Share,
        better: Better::Higher,
        meaning: "|P∩T| / |P∪T|",
        field: |s| &mut s.iou,
    },
    Metric {
        id: "sensitivity",
        title: "Sensitivity",
        quantity: Quantity::Share,
        better: Better::Higher,
        meaning: "Share of the true pixels that were found (recall)",
        field: |s| &mut s.sensitivity,
    },
    Metric {
        id: "specificity",
        title: "Specificity",
        quantity: Quantity::Share,
        better: Better::Higher,
        meaning: "Share of the other pixels that were left alone",
        field: |s| &mut s.specificity,
    },
    Metric {
        id: "precision",
        title: "Precision",
        quantity: Quantity::Share,
        better: Better::Higher,
        meaning: "Share of the predicted pixels that are true",
        field: |s| &mut s.precision,
    },
    Metric {
        id: "accuracy",
        title: "Accuracy",
        quantity: Quantity::Share,
        better: Better::Higher,
        meaning: "Share of all pixels that are called what they are, the class against the rest",
        field: |s| &mut s.accuracy,
    },
    Metric {
        id: "mcc",
        title: "MCC",
        quantity: Quantity::Share,
        better: Better::Higher,
        meaning: "Correlation of prediction and truth (Matthews), from -1 to 1",
        field: |s| &mut s.mcc,
    },
    Metric {
        id: "auc",
        title: "AUC",
        quantity: Quantity::Share,
        better: Better::Higher,
        meaning: "Area under the ROC curve of the probability map over the pixels that count",
        field: |s| &mut s.auc,
    },
    Metric {
        id: "surface_dice",
        title: "Surface Dice",
        quantity: Quantity::Share,
        better: Better::Higher,
        meaning: "Share of both surfaces that is within the tolerance of the other (normalised surface distance)",
        field: |s| &mut s.surface_dice,
    },
    Metric {
        id: "hd95",
        title: "HD95",
        quantity: Quantity::Length,
        better: Better::Lower,
        meaning: "Distance within which 95 % of each surface lies from the other, the larger of both directions",
        field: |s| &mut s.hd95,
    },
    Metric {
        id: "hausdorff",
        title: "HD",
        quantity: Quantity::Length,
        better: Better::Lower,
        meaning: "Largest distance of one surface from the other (Hausdorff)",
        field: |s| &mut s.hausdorff,
    },
    Metric {
        id: "surface_distance",
        title: "ASSD",
        quantity: Quantity::Length,
        better: Better::Lower,
        meaning: "Mean distance over the area of both surfaces (average symmetric surface distance)",
        field: |s| &mut s.surface_distance,
    },
    Metric {
        id: "volume",
        title: "Volume",
        quantity: Quantity::Volume,
        better: Better::Neither,
        meaning: "Volume of the prediction; area in a flat image",
        field: |s| &mut s.volume,
    },
    Metric {
        id: "true_volume",
        title: "True volume",
        quantity: Quantity::Volume,
        better: Better::Neither,
        meaning: "Volume of the truth; area in a flat image",
        field: |s| &mut s.true_volume,
    },
    Metric {
        id: "volume_difference",
        title: "Difference",
        quantity: Quantity::Volume,
        better: Better::Zero,
        meaning: "Volume of the prediction less that of the truth",
        field: |s| &mut s.volume_difference,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_score_is_listed_under_its_own_name() {
        let mut scores = Scores::default();
        for (i, metric) in (1..).zip(METRICS) {
            *(metric.field)(&mut scores) = Some(f64::from(i));
        }
        let json = serde_json::to_value(scores).unwrap();
        assert_eq!(json.as_object().unwrap().len(), METRICS.len());
        for (i, metric) in (1..).zip(METRICS) {
            assert_eq!(json[metric.id], f64::from(i), "{}", metric.id);
        }
    }
}
