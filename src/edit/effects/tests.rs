use super::*;
use crate::{
    geom::{Axis, Grid},
    label::{LabelMap, LabelTable},
    volume::{Modality, Samples, Volume},
    watch::{self, Watch},
};
use std::{
    collections::{BTreeSet, HashSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

fn volume(dims: [usize; 3]) -> Volume {
    let voxels = dims.iter().product();
    Volume::new(Grid::pixels(dims).unwrap(), Samples::U8(vec![0; voxels].into()), [1.0, 0.0], Modality::Other)
        .unwrap()
}

/// The mask after an effect on label 1, and how many voxels have changed.
fn after(
    id: &str,
    said: &[(&str, &str)],
    (dims, labels): ([usize; 3], &[u16]),
    change: impl FnOnce(&mut Scene<'_>),
    verified: &BTreeSet<usize>,
) -> (Vec<u16>, usize) {
    let effect = effect(id).unwrap();
    let (volume, mut mask) = (volume(dims), LabelMap::from_values(dims, labels).unwrap());
    let table = LabelTable::named(&["a", "b"]);
    let mut scene = Scene::new(&volume, &mask, &table, 1);
    change(&mut scene);
    let values = Values::new(effect.parameters, said.iter().copied(), &table).unwrap();
    let rules = MaskRules::new(&table, verified);
    let origin = Origin::Person { tool: id.to_owned() };
    let patch = match effect.patch(&scene, &values, &rules, origin.clone()) {
        Err(EffectError::Nothing(_) | EffectError::Lacks(_)) => Patch::empty(&mask, origin),
        patch => patch.unwrap(),
    };
    patch.apply(&mut mask).unwrap();
    (mask.to_values(), patch.voxel_count())
}

#[test]
fn the_list_names_each_once_and_says_what_it_does() {
    let mut ids = HashSet::new();
    for listed in EFFECTS {
        assert!(ids.insert(listed.id) && effect(listed.id).is_some_and(|found| found.id == listed.id));
        let sentences = listed.parameters.iter().map(|p| p.help).chain([listed.summary]);
        for sentence in sentences {
            assert!(sentence.ends_with('.') && sentence.len() > 20, "{}: {sentence}", listed.id);
        }
        let keys: HashSet<&str> = listed.parameters.iter().map(|p| p.key).collect();
        assert_eq!(keys.len(), listed.parameters.len(), "{}", listed.id);
        Values::new(listed.parameters, [], &LabelTable::default()).unwrap();
        // A mask without the label does not change, unless the effect is for all labels.
        if listed.on == On::All {
            continue;
        }
        let empty = after(
            listed.id,
            &[],
            ([3, 2, 2], &[0, 2, 0, 0, 2, 0, 0, 0, 0, 0, 0, 2]),
            |_| {},
            &BTreeSet::new(),
        );
        assert_eq!(empty.1, 0, "{}", listed.id);
    }
}

#[test]
fn only_the_slices_in_question_change_and_no_verified_one() {
    // Two parts in each of three slices, of 2 and 1 voxels, which are connected over the slices.
    let slice = [1, 1, 0, 1];
    let labels: Vec<u16> = [slice; 3].concat();
    let rows = |kept: [bool; 3]| kept.map(|kept| if kept { slice } else { [1, 1, 0, 0] }).concat();
    let dims = [4, 1, 3];
    let run = |change: fn(&mut Scene<'_>), verified: &[usize]| {
        after("islands", &[], (dims, &labels), change, &verified.iter().copied().collect()).0
    };
    assert_eq!(run(|_| {}, &[]), rows([false; 3]));
    assert_eq!(
        run(|scene| scene.scope = Scope { normal: Axis::Z, slices: 1..=1 }, &[]),
        rows([true, false, true])
    );
    assert_eq!(run(|_| {}, &[2]), rows([false, false, true]));
    assert_eq!(run(|scene| scene.also_verified = true, &[2]), rows([false; 3]));
}

#[test]
fn a_locked_label_neither_gains_nor_loses() {
    let dims = [3, 3, 1];
    let ring = [1, 1, 1, 1, 0, 1, 1, 1, 1];
    assert_eq!(after("fill-holes", &[], (dims, &ring), |_| {}, &BTreeSet::new()), (vec![1; 9], 1));
    let mut table = LabelTable::named(&["a"]);
    table.get_mut(1).unwrap().locked = true;
    let (volume, mask) = (volume(dims), LabelMap::from_values(dims, &ring).unwrap());
    let scene = Scene::new(&volume, &mask, &table, 1);
    let effect = effect("fill-holes").unwrap();
    let values = Values::new(effect.parameters, [], &table).unwrap();
    let verified = BTreeSet::new();
    let patch = effect.patch(
        &scene,
        &values,
        &MaskRules::new(&table, &verified),
        Origin::Person { tool: String::new() },
    );
    assert!(patch.unwrap().is_empty());
}

#[test]
fn a_slice_of_another_plane_is_looked_at_alone() {
    // A tube along x: its ring is closed in the slices of x only, and so is what it encloses.
    let dims = [3, 3, 3];
    let ring = |i: usize| u16::from(i / 3 % 3 != 1 || i / 9 != 1);
    let labels: Vec<u16> = (0..27).map(ring).collect();
    let run = |said: &[(&str, &str)], normal: Axis| {
        after(
            "fill-holes",
            said,
            (dims, &labels),
            |scene| scene.scope = Scope { normal, slices: 1..=1 },
            &BTreeSet::new(),
        )
    };
    let filled = run(&[], Axis::X);
    assert_eq!((filled.1, filled.0[13]), (1, 1), "the middle of the middle slice");
    assert_eq!(run(&[("within", "slice")], Axis::X).1, 1);
    assert_eq!(run(&[], Axis::Y).1 + run(&[], Axis::Z).1, 0);
}

#[test]
fn labels_are_overwritten_where_that_is_asked_for_and_they_are_not_locked() {
    let labels = [1, 2, 0, 0, 2, 2];
    let run = |change: fn(&mut Scene<'_>)| {
        after("margin", &[("margin_mm", "2")], ([6, 1, 1], &labels), change, &BTreeSet::new()).0
    };
    assert_eq!(run(|_| {}), [1, 2, 1, 0, 2, 2]);
    assert_eq!(run(|scene| scene.over = Over::All), [1, 1, 1, 0, 2, 2]);
}

/// Says stop after so many questions.
struct Impatient(AtomicUsize);

impl Watch for Impatient {
    fn stop(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) <= 1
    }
}

#[test]
fn what_is_stopped_changes_nothing() {
    let dims = [16, 16, 16];
    let labels: Vec<u16> = (0..4096).map(|i| u16::from((i % 16) > 3 && (i % 5) > 0)).collect();
    let (volume, mask) = (volume(dims), LabelMap::from_values(dims, &labels).unwrap());
    let (table, verified) = (LabelTable::named(&["a"]), BTreeSet::new());
    for id in ["smooth", "margin", "hollow", "joint-smooth", "fill-holes"] {
        let effect = effect(id).unwrap();
        let values = Values::new(effect.parameters, [], &table).unwrap();
        let watch: Arc<dyn Watch> = Arc::new(Impatient(AtomicUsize::new(1)));
        let stopped = watch::under(&watch, || {
            let origin = Origin::Person { tool: id.to_owned() };
            effect.patch(
                &Scene::new(&volume, &mask, &table, 1),
                &values,
                &MaskRules::new(&table, &verified),
                origin,
            )
        });
        assert_eq!(stopped, Err(EffectError::Stopped(Stopped)), "{id}");
    }
}

#[test]
fn a_chain_is_read_as_it_is_written() {
    let text = r#"[{"effect": "islands", "set": {"keep": "large", "min_voxels": 20}}, {"effect": "smooth", "labels": ["a"]}]"#;
    let chain: Chain = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::from_str::<Chain>(&serde_json::to_string(&chain).unwrap()).unwrap(), chain);
    let (effect, values) = chain[0].resolve(&LabelTable::default()).unwrap();
    assert_eq!((effect.id, values.number("min_voxels")), ("islands", 20.0));
    let mut wrong = chain[0].clone();
    wrong.set.insert("keep".to_owned(), "most".into());
    let told = wrong.resolve(&LabelTable::default()).unwrap_err().to_string();
    assert!(told.starts_with("islands: keep=most") && told.contains("largest, large"), "{told}");
    wrong.effect = "island".to_owned();
    let told = wrong.resolve(&LabelTable::default()).unwrap_err().to_string();
    assert!(told.contains("no effect island") && told.contains("fill-holes"), "{told}");
}
