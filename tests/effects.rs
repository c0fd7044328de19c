//! Effects against the reference cases of `../shared/bench/cases`: every case is walked, and one that nothing here knows fails.

#[path = "effects/array.rs"]
mod array;
#[path = "effects/case.rs"]
mod case;
#[path = "effects/measure.rs"]
mod measure;
#[path = "effects/program.rs"]
mod program;
#[path = "effects/said.rs"]
mod said;
#[path = "effects/shape.rs"]
mod shape;
#[path = "effects/values.rs"]
mod values;

use case::Case;
use fovea::testing::{shared, skipped};

/// What a folder of cases is compared by. `None` where a case is for a part of the program that is not there yet.
type Compare = fn(&Case);

/// Every folder of cases, and what compares it.
const FOLDERS: &[(&str, Option<Compare>)] = &[
    ("consensus", None),
    ("fill_between", Some(values::fill_between)),
    ("grow_from_seeds", Some(values::grow_from_seeds)),
    ("holes", Some(shape::holes)),
    ("hollow", Some(shape::hollow)),
    ("islands", Some(shape::islands)),
    ("level_tracing", Some(values::level_tracing)),
    ("livewire", Some(values::livewire)),
    ("logic", Some(shape::logic)),
    ("margin", Some(shape::margin)),
    ("mask_by", Some(shape::mask_by)),
    ("measure", Some(measure::measure)),
    ("nudge", Some(values::nudge)),
    ("oct_labels", None),
    ("oct_surface", None),
    ("oct_thickness", None),
    ("rules", Some(shape::rules)),
    ("scissors", Some(values::scissors)),
    ("slice_scores", None),
    ("smart_brush", Some(values::smart_brush)),
    ("smooth", Some(shape::smooth)),
    ("threshold", Some(values::threshold)),
    ("wand", Some(values::wand)),
];

#[test]
fn every_reference_case_passes() {
    let Some(folder) = shared("bench/cases") else { return };
    let mut known: Vec<_> = FOLDERS.iter().map(|(name, _)| (*name).to_owned()).collect();
    known.push("README.md".to_owned());
    for entry in std::fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(known.contains(&name), "nothing here knows the cases of {name}");
    }
    for (name, compare) in FOLDERS {
        let Some(compare) = compare else {
            skipped(format_args!("the cases of {name}: that part of the program is not there yet"));
            continue;
        };
        let mut cases: Vec<_> =
            std::fs::read_dir(folder.join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
        cases.sort();
        assert!(!cases.is_empty(), "{name} has cases");
        for case in cases {
            compare(&Case::read(&case));
        }
    }
}
