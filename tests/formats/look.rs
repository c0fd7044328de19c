//! What a picture is taken for by its look, on the pictures of the shared data.

use fovea::{
    io::{self, OpenOptions, Quiet},
    volume::Modality,
};
use serde_json::Value;
use std::collections::BTreeMap;

#[test]
fn fundus_photographs_are_told_and_nothing_else_is_taken_for_one() {
    let Some(data) = fovea::testing::shared("data") else { return };
    let text = std::fs::read_to_string(data.join("MANIFEST.json")).unwrap();
    let manifest: Value = serde_json::from_str(&text).unwrap();
    // Kind and set, with how many of its flat pictures are fundus, and how many there are.
    let mut told: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    let mut wrong = Vec::new();
    for item in manifest["data"].as_array().unwrap() {
        let kind = item["kind"].as_str().unwrap();
        let path = item["path"].as_str().unwrap();
        if kind.starts_with("ct_") {
            continue;
        }
        let Ok(opened) = io::open(&data.join(path), &OpenOptions::default(), &mut Quiet) else { continue };
        let volume = &opened.volume;
        if volume.dims()[2] != 1 {
            continue;
        }
        let is_fundus = volume.modality() == Modality::Fundus;
        let set = match kind {
            "fundus_vessel" | "fundus_optic_disc" => path.split('/').nth(1).unwrap(),
            other => other,
        };
        let count = told.entry(set.to_owned()).or_default();
        count[0] += usize::from(is_fundus && opened.by_look);
        count[1] += 1;
        let must = kind == "fundus_vessel";
        // Fields cut out around the optic disc may go either way.
        let may = must || kind.starts_with("fundus_optic") || opened.facts["modality"] == "OP";
        if is_fundus && !may || must && !is_fundus {
            wrong.push(format!("{path} is {:?}", volume.modality()));
        }
    }
    eprintln!("told as fundus, of all: {told:?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(["drive", "chase", "hrf"].iter().all(|set| told[*set][0] >= 10), "{told:?}");
    assert!(told["polyp"][1] >= 30, "{told:?}");
}
