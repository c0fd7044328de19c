//! nnU-Net's layout: `dataset.json`, `imagesTr/CASE_0000.EXT`, `labelsTr/CASE.EXT`; `imagesTs` and, where it is there,
//! `labelsTs` are the test split. Version 2 (`channel_names`, `labels` by name, `file_ending`) and version 1 (`modality`,
//! `labels` by id, `.nii.gz`). Images of several channels, and regions made of several labels, are not for the networks
//! here and are said to be so.

use super::{Case, DatasetError, Layout, Listed, Split, Values, composed, entries, index, name};
use crate::{
    label::{Label, LabelId, LabelTable},
    volume::Modality,
    words::counted,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

pub static LAYOUT: Layout = Layout {
    id: "nnunet",
    title: "dataset.json with imagesTr and labelsTr",
    recognise: |root| root.join(INDEX).is_file() && root.join("imagesTr").is_dir(),
    list,
};

const INDEX: &str = "dataset.json";

/// The labels that the data set of a folder of masks names, where it is one in this layout.
pub fn labels_of(masks: &Path) -> Result<Option<LabelTable>, DatasetError> {
    let path = masks.parent().unwrap_or(Path::new("")).join(INDEX);
    if !path.is_file() {
        return Ok(None);
    }
    let values = values(&index(&path)?["labels"]).map_err(|what| DatasetError::Index { path, what })?;
    let Values::Classes { classes, .. } = values else { return Ok(None) };
    let mut table = LabelTable::default();
    for class in classes {
        // In the masks' own ids.
        let id = class.values.first().map_or(class.id, |range| *range.start());
        table.insert(Label::new(id, class.name));
    }
    Ok(Some(table))
}

fn list(root: &Path, listed: &mut Listed) -> Result<(), DatasetError> {
    let path = root.join(INDEX);
    let refuse = |what: String| DatasetError::Index { path: path.clone(), what };
    let index = index(&path)?;
    listed.values = values(&index["labels"]).map_err(refuse)?;
    let channels = index.get("channel_names").or_else(|| index.get("modality"));
    if channels.is_some_and(|c| c["0"].as_str().is_some_and(|n| n.eq_ignore_ascii_case("ct"))) {
        listed.modality = Some(Modality::Ct);
    }
    let ending = index["file_ending"].as_str().unwrap_or(".nii.gz");
    if index["dataset"].as_object().is_some_and(|files| !files.is_empty()) {
        let what =
            "it names the files of each case under \"dataset\", which is not read: write a LIST.csv of them";
        return Err(refuse(what.to_owned()));
    }
    let named = training(&index, ending);
    for (images, labels, split) in
        [("imagesTr", "labelsTr", Split::Train), ("imagesTs", "labelsTs", Split::Test)]
    {
        let (images, labels) = (root.join(images), root.join(labels));
        if !images.is_dir() {
            continue;
        }
        // By case: how many channels there are of it.
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        for file in entries(&images)? {
            let name = name(&file);
            let Some(stem) = name.strip_suffix(ending) else { continue };
            match stem.rsplit_once('_') {
                Some((id, channel)) if channel.len() == 4 && channel.parse::<u32>().is_ok() => {
                    *found.entry(id.to_owned()).or_default() += 1;
                }
                _ => listed.fault(stem, format!("{name} has no number of a channel, _0000")),
            }
        }
        let written = if labels.is_dir() { entries(&labels)? } else { vec![] };
        let mut written: BTreeMap<String, PathBuf> =
            written.into_iter().map(|file| (composed(&name(&file)), file)).collect();
        if split == Split::Train {
            if let Some(stated) = index["numTraining"].as_u64().filter(|n| *n != found.len() as u64) {
                listed.notes.push(format!(
                    "{INDEX} counts {}, and imagesTr has {}",
                    counted(stated as usize, "training case"),
                    found.len()
                ));
            }
            for id in named.iter().flatten().filter(|id| !found.contains_key(*id)) {
                listed.fault(id, format!("{INDEX} names it, and it is not in imagesTr"));
            }
        }
        let mut unnamed = vec![];
        for (id, channels) in &found {
            if split == Split::Train && named.as_ref().is_some_and(|named| !named.contains(id)) {
                unnamed.push(id.as_str());
                continue;
            }
            if *channels > 1 {
                listed.fault(id, format!("it has {channels} channels, and the networks take one image"));
                continue;
            }
            let file = format!("{id}{ending}");
            let label = written.remove(&composed(&file));
            let label = label.or_else(|| (split == Split::Train).then(|| labels.join(file)));
            let image = images.join(format!("{id}_0000{ending}"));
            listed.push(Case { id: id.clone(), image, label, valid: None, split, patient: None });
        }
        if !unnamed.is_empty() {
            listed.notes.push(format!(
                "{} of imagesTr {} left out, which {INDEX} does not name under \"training\": {}",
                counted(unnamed.len(), "case"),
                if unnamed.len() == 1 { "is" } else { "are" },
                unnamed.join(", ")
            ));
        }
        if split == Split::Train {
            for (name, label) in written {
                if let Some(id) = name.strip_suffix(ending).filter(|id| !found.contains_key(*id)) {
                    listed.fault(id, format!("{} has no image", label.display()));
                }
            }
        }
    }
    Ok(())
}

/// The cases of version 1's list, where there is one: `[{"image": "./imagesTr/CASE.nii.gz", "label": …}]`.
fn training(index: &Value, ending: &str) -> Option<BTreeSet<String>> {
    let named = index["training"].as_array().filter(|named| !named.is_empty())?;
    let case = |item: &Value| {
        let file = item["image"].as_str().or(item.as_str())?.rsplit('/').next()?;
        let stem = file.strip_suffix(ending).unwrap_or(file);
        let is_channel = |c: &str| c.len() == 4 && c.bytes().all(|b| b.is_ascii_digit());
        let id = stem.rsplit_once('_').filter(|(_, channel)| is_channel(channel)).map_or(stem, |(id, _)| id);
        Some(id.to_owned())
    };
    Some(named.iter().filter_map(case).collect())
}

/// `{"background": 0, "liver": 1}`, or in version 1 `{"0": "background", "1": "liver"}`.
fn values(labels: &Value) -> Result<Values, String> {
    let Some(labels) = labels.as_object() else { return Err("it has no \"labels\"".to_owned()) };
    let mut named: BTreeMap<LabelId, String> = BTreeMap::new();
    let mut ignored = None;
    for (key, value) in labels {
        let (name, id) = match value {
            Value::Number(n) => (key.clone(), n.as_u64()),
            Value::String(name) => (name.clone(), key.parse().ok()),
            Value::Array(_) => {
                return Err(format!(
                    "the label \"{key}\" is a region of several labels, which are not supported"
                ));
            }
            _ => (key.clone(), None),
        };
        let id = id.and_then(|id| LabelId::try_from(id).ok());
        let id = id.ok_or_else(|| format!("the label \"{name}\" has no id from 0 to {}", LabelId::MAX))?;
        match name.as_str() {
            "ignore" => ignored = Some(id),
            "background" if id > 0 => {
                return Err(format!(
                    "the label \"background\" has the id {id}, and 0 is the background of every mask"
                ));
            }
            _ if id > 0 => {
                if let Some(other) = named.insert(id, name.clone()) {
                    return Err(format!("the labels \"{other}\" and \"{name}\" both have the id {id}"));
                }
            }
            _ => {}
        }
    }
    Ok(Values::named(named).ignoring(ignored))
}
