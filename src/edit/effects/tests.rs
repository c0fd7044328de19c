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
        Err(EffectError::Nothing(_) | EffectError::Lacks { .. }) => Patch::empty(&mask, origin),
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
    let (effect, values) = chain[0].resolve(&LabelTable::default(), None).unwrap();
    assert_eq!((effect.id, values.number("min_voxels")), ("islands", 20.0));
    let mut wrong = chain[0].clone();
    wrong.set.insert("keep".to_owned(), "most".into());
    let told = wrong.resolve(&LabelTable::default(), None).unwrap_err().to_string();
    assert!(told.starts_with("islands: keep=most") && told.contains("largest, large"), "{told}");
    wrong.effect = "island".to_owned();
    let told = wrong.resolve(&LabelTable::default(), None).unwrap_err().to_string();
    assert!(told.contains("no effect island") && told.contains("fill-holes"), "{told}");
}

/// The mask after an effect on label 1 of an image with these values, all in the plane of an axis.
fn on_image(
    id: &str,
    said: &[(&str, &str)],
    (dims, labels, values): ([usize; 3], &[u16], &[i16]),
    normal: Axis,
) -> Vec<u16> {
    let (effect, mut mask) = (effect(id).unwrap(), LabelMap::from_values(dims, labels).unwrap());
    let samples = Samples::I16(values.to_vec().into());
    let volume =
        Volume::new(Grid::spaced(dims, [1.0; 3]).unwrap(), samples, [1.0, 0.0], Modality::Ct).unwrap();
    let (table, verified) = (LabelTable::named(&["a", "b"]), BTreeSet::new());
    let mut scene = Scene::new(&volume, &mask, &table, 1);
    scene.scope = Scope { normal, slices: 0..=dims[normal.index()] - 1 };
    let values = Values::new(effect.parameters, said.iter().copied(), &table).unwrap();
    let origin = Origin::Person { tool: id.to_owned() };
    let patch = effect.patch(&scene, &values, &MaskRules::new(&table, &verified), origin).unwrap();
    patch.apply(&mut mask).unwrap();
    mask.to_values()
}

#[test]
fn an_effect_that_reads_the_image_says_so_where_there_is_none() {
    for listed in EFFECTS.iter().filter(|listed| listed.needs_image) {
        let (volume, mask) = (volume([2, 2, 1]), LabelMap::from_values([2, 2, 1], &[1, 0, 0, 2]).unwrap());
        let (table, verified) = (LabelTable::named(&["a", "b"]), BTreeSet::new());
        let scene = Scene { has_image: false, ..Scene::new(&volume, &mask, &table, 1) };
        let values = Values::new(listed.parameters, [], &table).unwrap();
        let origin = Origin::Person { tool: listed.id.to_owned() };
        let told = listed.patch(&scene, &values, &MaskRules::new(&table, &verified), origin).unwrap_err();
        assert!(told.to_string().contains("--image FILE"), "{}: {told}", listed.id);
    }
}

#[test]
fn slices_of_any_plane_are_filled_between() {
    let dims = [9, 8, 7];
    for normal in [Axis::X, Axis::Y, Axis::Z] {
        let a = normal.index();
        let voxel = |i: usize| [i % 9, i / 9 % 8, i / 72];
        let in_box =
            |i: usize| (0..3).filter(|&other| other != a).all(|other| (2..5).contains(&voxel(i)[other]));
        let drawn = |i: usize| in_box(i) && [1, 5].contains(&voxel(i)[a]);
        let labels: Vec<u16> = (0..504).map(|i| u16::from(drawn(i))).collect();
        let found = on_image("fill-between", &[("image", "no")], (dims, &labels, &[0; 504]), normal);
        for (i, found) in found.into_iter().enumerate() {
            assert_eq!(
                found,
                u16::from(in_box(i) && (1..=5).contains(&voxel(i)[a])),
                "{normal:?} {:?}",
                voxel(i)
            );
        }
    }
}

#[test]
fn what_is_filled_between_follows_clear_edges() {
    // A disc of radius 7 where it is drawn, and of radius 8 between.
    let dims = [25, 25, 5];
    let area = 625;
    let is_in = |i: usize, radius: i32| {
        let (x, y) = ((i % 25) as i32 - 12, (i % area / 25) as i32 - 12);
        x * x + y * y <= radius * radius
    };
    let labels: Vec<u16> =
        (0..5 * area).map(|i| u16::from((i / area).is_multiple_of(4) && is_in(i, 7))).collect();
    let truth = |i: usize| is_in(i, if (i / area).is_multiple_of(4) { 7 } else { 8 });
    // With a little noise.
    let image: Vec<i16> =
        (0..5 * area).map(|i| if truth(i) { 100 } else { 0 } + (i * 7 % 5) as i16).collect();
    let wrong = |said: &[(&str, &str)]| {
        let found = on_image("fill-between", said, (dims, &labels, &image), Axis::Z);
        (0..5 * area).filter(|&i| (found[i] == 1) != truth(i)).count()
    };
    let (shape, aware) = (wrong(&[("image", "no")]), wrong(&[]));
    assert!(shape > 100 && aware < shape / 10, "{shape} voxels wrong by shape, {aware} by the image");
}

#[test]
fn a_wand_is_held_by_its_leash_by_labels_and_by_seals() {
    // Two rooms with a door of one voxel, all of one value but the walls.
    let dims = [11, 5, 1];
    let wall = |i: usize| i % 11 == 5 && i / 11 != 2;
    let image: Vec<i16> = (0..55).map(|i| if wall(i) { 200 } else { 50 }).collect();
    let mut labels = vec![0; 55];
    labels[54] = 2;
    let count = |said: &[(&str, &str)]| {
        let said = [&[("at", "1,1,0"), ("tolerance", "10")], said].concat();
        on_image("wand", &said, (dims, &labels, &image), Axis::Z).iter().filter(|id| **id == 1).count()
    };
    assert_eq!(count(&[]), 50, "all but the walls and the other label");
    assert_eq!(count(&[("leash_mm", "1")]), 5);
    assert_eq!(count(&[("seal_mm", "1")]), 26, "the room and its door");
    assert_eq!(count(&[("tolerance", "200")]), 54);
}

#[test]
fn a_slice_is_copied_where_values_allow_it() {
    let (dims, labels) = ([3, 1, 3], [1, 1, 0, 0, 2, 0, 0, 0, 0]);
    let image = [0, 0, 0, 5, 5, 5, 9, 5, 5];
    let run = |said: &[(&str, &str)]| on_image("copy-slice", said, (dims, &labels, &image), Axis::Z);
    assert_eq!(run(&[("from", "0"), ("to", "1")]), [1, 1, 0, 1, 2, 0, 0, 0, 0]);
    assert_eq!(run(&[("from", "0"), ("to", "1"), ("last", "2")]), [1, 1, 0, 1, 2, 0, 1, 1, 0]);
    assert_eq!(run(&[("from", "0"), ("to", "2"), ("high", "6")]), [1, 1, 0, 0, 2, 0, 0, 1, 0]);
}

#[test]
fn scissors_divide_and_labels_are_masked_by_others() {
    let labels = [1, 1, 1, 1, 2, 0, 0, 1];
    let run = |id: &str, said: &[(&str, &str)], image: &[i16]| {
        on_image(id, said, ([8, 1, 1], &labels, image), Axis::Z)
    };
    let blank = [0; 8];
    let divide = [("operation", "divide"), ("center", "0,0,0"), ("radius_mm", "1")];
    assert_eq!(run("scissors", &divide, &blank), [3, 3, 1, 1, 2, 0, 0, 1]);
    let near = [("where", "near"), ("with", "b"), ("distance_mm", "2")];
    assert_eq!(run("mask-by", &near, &blank), [0, 0, 1, 1, 2, 0, 0, 0]);
    assert_eq!(
        run("mask-by", &[&near[..], &[("keep", "outside")]].concat(), &blank),
        [1, 1, 0, 0, 2, 0, 0, 1]
    );
    // The body is the first five voxels.
    let image = [0, 0, 0, 0, 0, -1000, -1000, 0];
    assert_eq!(run("mask-by", &[("where", "body")], &image), [1, 1, 1, 1, 2, 0, 0, 0]);
    // Through values in the range only.
    let image = [0, 0, 0, 0, 0, 0, 50, 0];
    let margin = [("margin_mm", "3"), ("low", "0"), ("high", "10")];
    assert_eq!(run("margin", &margin, &image), [1, 1, 1, 1, 2, 1, 0, 1]);
}

/// What an effect on label 1 changes in one row of voxels, and what it says.
fn changed(
    id: &str,
    said: &[(&str, &str)],
    labels: &[u16],
    verified: &[usize],
) -> Result<Changed, EffectError> {
    let (effect, dims) = (effect(id).unwrap(), [1, 1, labels.len()]);
    let (volume, mask) = (volume(dims), LabelMap::from_values(dims, labels).unwrap());
    let (table, verified) = (LabelTable::named(&["a", "b"]), verified.iter().copied().collect());
    let values = Values::new(effect.parameters, said.iter().copied(), &table).unwrap();
    let origin = Origin::Person { tool: id.to_owned() };
    let scene = Scene::new(&volume, &mask, &table, 1);
    effect.change(&scene, &values, &MaskRules::new(&table, &verified), &origin)
}

#[test]
fn only_those_verified_slices_count_that_would_change() {
    let labels = [1, 1, 0, 1, 0, 2];
    let kept = |verified: &[usize]| {
        let of = changed("islands", &[], &labels, verified).unwrap();
        (of.kept.into_iter().collect::<Vec<_>>(), of.nothing)
    };
    assert_eq!(kept(&[0, 4, 5]), (vec![], None));
    let (slices, why) = kept(&[0, 3]);
    assert_eq!((slices, why.unwrap().as_str()), (vec![3], "only a slice that is verified would change"));
}

#[test]
fn no_shell_is_nothing() {
    for surface in ["outside", "middle", "inside"] {
        let hollow = |thickness: &str, labels: &[u16]| {
            let said = [("surface", surface), ("thickness_mm", thickness)];
            changed("hollow", &said, labels, &[])
        };
        let labels = [0, 0, 1, 1, 1, 1, 1, 1, 0, 0];
        let Err(EffectError::Refused(why)) = hollow("0.9", &labels) else { panic!("{surface}") };
        assert!(why.contains("thinner than a voxel") && why.contains("1 px from slice to slice"), "{why}");
        assert!(!hollow("2", &labels).unwrap().patch.is_empty());
        let Err(EffectError::Refused(why)) = hollow("2", &[1; 6]) else { panic!("{surface}") };
        assert!(why.contains("a fills all that is looked at"), "{why}");
    }
}

#[test]
fn a_length_that_reaches_no_voxel_is_said() {
    let labels = [0, 0, 1, 1, 1, 0, 0];
    for (id, key) in [("margin", "margin_mm"), ("smooth", "radius_mm")] {
        for (length, words) in
            [("0.5", "0.5 px is less than the 1 px from slice to slice"), ("0", "a length of 0")]
        {
            let Err(EffectError::Nothing(why)) = changed(id, &[(key, length)], &labels, &[]) else {
                panic!("{id} {length}")
            };
            assert!(why.contains(words), "{id}: {why}");
        }
    }
    let gaussian = [("method", "gaussian"), ("sigma_mm", "0.1")];
    assert!(matches!(changed("smooth", &gaussian, &labels, &[]), Err(EffectError::Nothing(_))));
}

#[test]
fn a_label_that_loses_all_is_named_over_all_steps() {
    let (table, verified) = (LabelTable::named(&["a", "b"]), BTreeSet::new());
    let warned = |labels: &[u16], steps: &str| {
        let dims = [1, 1, labels.len()];
        let (volume, mask) = (volume(dims), LabelMap::from_values(dims, labels).unwrap());
        let steps: Chain = serde_json::from_str(steps).unwrap();
        let (scene, rules) = (Scene::new(&volume, &mask, &table, 1), MaskRules::new(&table, &verified));
        let origin = Origin::Person { tool: String::new() };
        let done = carry_out(&steps, For::Label(1), &scene, &rules, &origin).unwrap();
        done.outcomes.into_iter().map(|outcome| outcome.warnings).collect::<Vec<_>>()
    };
    let labels = [1, 0, 2, 2, 2, 0, 0, 1];
    let shrink = r#"{"effect": "margin", "set": {"margin_mm": -1}, "labels": ["b"]}"#;
    let twice = format!("[{shrink}, {shrink}]");
    assert_eq!(warned(&labels, &twice), [vec![], vec!["b: its only voxel goes".to_owned()]]);
    let islands =
        r#"[{"effect": "islands"}, {"effect": "islands", "set": {"keep": "others", "at": [0, 0, 0]}}]"#;
    assert_eq!(warned(&labels, islands), [vec![], vec!["a: its only voxel goes".to_owned()]]);
    let relabel = r#"[{"effect": "relabel", "set": {"to": "b"}}]"#;
    assert_eq!(warned(&labels, relabel), [Vec::<String>::new()]);
    // What is small is smoothed away.
    let smooth = r#"[{"effect": "joint-smooth", "set": {"sigma_mm": 2}}]"#;
    let labels = [1, 1, 1, 1, 0, 0, 0, 2, 2, 0, 0, 0, 0];
    assert_eq!(warned(&labels, smooth), [vec!["b: all of its 2 voxels go".to_owned()]]);
}

#[test]
fn what_is_told_in_vain_is_named() {
    let idle = |text: &str| {
        let step: Step = serde_json::from_str(text).unwrap();
        let (effect, values) = step.check().unwrap();
        step.idle(effect, &values)
    };
    assert_eq!(
        idle(r#"{"effect": "islands", "set": {"min_ml": 2, "at": [1, 2, 3]}}"#),
        ["islands: min_ml does nothing with keep=largest", "islands: at does nothing with keep=largest"]
    );
    assert_eq!(idle(r#"{"effect": "islands", "set": {"min_ml": 2, "keep": "large"}}"#), [""; 0]);
    assert_eq!(
        idle(r#"{"effect": "logic", "set": {"operation": "clear", "with": "b"}}"#),
        ["logic: with does nothing with operation=clear"]
    );
}

/// A bright disc in a slice, with what is no number far from it.
fn disc(odd: &[[usize; 2]]) -> Volume {
    let odd = |x: usize, y: usize| odd.contains(&[x, y]);
    let value = |i: usize| {
        let (x, y) = (i % 40, i / 40);
        let away = (x as f32 - 20.0).hypot(y as f32 - 20.0);
        let noise = (i * 7 % 5) as f32;
        if odd(x, y) { f32::NAN } else { noise + if away < 9.0 { 100.0 } else { 0.0 } }
    };
    let samples: Vec<f32> = (0..1600).map(value).collect();
    let grid = Grid::pixels([40, 40, 1]).unwrap();
    Volume::new(grid, Samples::F32(samples.into()), [1.0, 0.0], Modality::Other).unwrap()
}

#[test]
fn what_is_no_number_far_away_changes_nothing() {
    let mut seeds = vec![0; 1600];
    (seeds[20 * 40 + 20], seeds[2 * 40 + 20]) = (1, 2);
    let seeds = LabelMap::from_values([40, 40, 1], &seeds).unwrap();
    let table = LabelTable::named(&["a", "b"]);
    let none = BTreeSet::new();
    let after = |volume: &Volume, id: &str, set: &[(&str, &str)]| {
        let effect = effect(id).unwrap();
        let values = Values::new(effect.parameters, set.iter().copied(), &table).unwrap();
        let scene = Scene::new(volume, &seeds, &table, 1);
        let rules = MaskRules::new(&table, &none);
        let patch = effect.patch(&scene, &values, &rules, Origin::Person { tool: id.to_owned() }).unwrap();
        let mut map = seeds.clone();
        patch.apply(&mut map).unwrap();
        map.to_values().into_iter().map(|label| label == 1).collect::<Vec<_>>()
    };
    let columns: Vec<[usize; 2]> = (0..40).flat_map(|y| [[0, y], [1, y], [2, y]]).collect();
    for (id, set, odd) in [
        ("grow-from-seeds", &[("method", "walker")][..], &[[36, 36]][..]),
        ("livewire", &[("points", "20,11 29,20 20,29 11,20")], &columns),
    ] {
        let [clean, with] = [&[][..], odd].map(|odd| after(&disc(odd), id, set));
        let differ = clean.iter().zip(&with).filter(|(a, b)| a != b).count();
        let size = clean.iter().filter(|is_in| **is_in).count();
        assert!((150..450).contains(&size), "{id}: about the disc: {size}");
        assert!(differ <= 2, "{id}: {differ} of {size} pixels differ");
    }
}

#[test]
fn a_point_outside_of_the_slice_is_refused() {
    let (volume, table) = (disc(&[]), LabelTable::named(&["a"]));
    let map = LabelMap::empty([40, 40, 1]);
    let effect = effect("livewire").unwrap();
    let values = Values::new(effect.parameters, [("points", "5,5 40,10 20,30")], &table).unwrap();
    let none = BTreeSet::new();
    let rules = MaskRules::new(&table, &none);
    let origin = Origin::Person { tool: "livewire".to_owned() };
    let told = effect.patch(&Scene::new(&volume, &map, &table, 1), &values, &rules, origin).unwrap_err();
    assert!(
        told.to_string().contains("40,10 lies outside of the slice, which goes from 0,0 to 39,39"),
        "{told}"
    );
}
