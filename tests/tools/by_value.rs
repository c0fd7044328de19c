//! Tools that are an effect at the pointer draw exactly what the effect draws, as one step, under the rules.

use super::{Bench, CTRL, DIMS, PLAIN};
use fovea::edit::effects::{self, Over, Scene, Scope, Values};
use fovea::edit::{MaskRules, Origin};
use fovea::geom::{Axis, Plane};
use fovea::label::LabelMap;
use fovea::tools::{Button, Cut, Input, Modifiers, Through, ToolAction, find};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

const SHIFT: Modifiers = Modifiers { ctrl: false, shift: true };
const SLICE: f64 = 7.0;

/// The mask after an effect is carried out on it, everywhere or in some slices.
fn after(
    bench: &Bench,
    mask: &LabelMap,
    label: u16,
    id: &str,
    slices: Option<RangeInclusive<usize>>,
    set: &[(&str, String)],
) -> LabelMap {
    let effect = effects::named(id).unwrap();
    let said = set.iter().map(|(key, text)| (*key, text.as_str()));
    let values = Values::new(effect.parameters, said, &bench.labels).unwrap();
    let scene = Scene {
        over: Over::All,
        scope: slices.map_or(Scope::whole(DIMS), |slices| Scope { normal: Axis::Z, slices }),
        ..Scene::new(&bench.volume, mask, &bench.labels, label)
    };
    let none = BTreeSet::new();
    let rules = MaskRules::new(&bench.labels, &none);
    let patch = effect.patch(&scene, &values, &rules, Origin::Person { tool: id.to_owned() }).unwrap();
    let mut mask = mask.clone();
    patch.apply(&mut mask).unwrap();
    mask
}

fn at(x: usize, y: usize) -> String {
    format!("{x},{y},{SLICE}")
}

impl Bench {
    fn go(&mut self, input: Input, x: f64, y: f64, modifiers: Modifiers) -> Vec<ToolAction> {
        self.send(input, Plane::Axial, [x, y, SLICE], modifiers)
    }

    /// Presses at the first place, goes through the others, and releases at the last.
    fn stroke(&mut self, places: &[[f64; 2]], button: Button, modifiers: Modifiers) {
        let [[x, y], .., [last_x, last_y]] = places else {
            let [x, y] = places[0];
            self.go(Input::Press(button), x, y, modifiers);
            self.go(Input::Release(button), x, y, modifiers);
            return;
        };
        self.go(Input::Press(button), *x, *y, modifiers);
        for [x, y] in &places[1..] {
            self.go(Input::Drag, *x, *y, modifiers);
        }
        self.go(Input::Release(button), *last_x, *last_y, modifiers);
    }

    fn count(&self) -> usize {
        self.mask.counts().get(&1).copied().unwrap_or(0)
    }

    /// A disc of label 1 in the slice, and nothing else.
    fn with_disc(mut self, [x, y]: [f64; 2], radius: f64) -> Self {
        let is_in = |i: usize| {
            let (i, z) = (i % (DIMS[0] * DIMS[1]), i / (DIMS[0] * DIMS[1]));
            let (u, v) = ((i % DIMS[0]) as f64, (i / DIMS[0]) as f64);
            z as f64 == SLICE && (u - x).hypot(v - y) <= radius
        };
        let values: Vec<u16> = (0..DIMS.iter().product()).map(|i| u16::from(is_in(i))).collect();
        self.mask = LabelMap::from_values(DIMS, &values).unwrap();
        self
    }
}

/// Darker to the left, brighter to the right, by 4 a column.
fn ramp([x, ..]: [usize; 3]) -> u8 {
    (x * 4) as u8
}

/// A bright disc around (30, 25), with a soft border.
fn ball([x, y, _]: [usize; 3]) -> u8 {
    let away = (x as f64 - 30.0).hypot(y as f64 - 25.0);
    (200.0 / (1.0 + ((away - 12.0) / 1.5).exp())) as u8 + 20
}

#[test]
fn a_wand_draws_what_its_drag_has_come_to() {
    let mut bench = Bench::on(find("wand").unwrap(), ramp);
    bench.toolbox.options.tolerance = Some(10.0);
    bench.go(Input::Press(Button::Primary), 30.0, 20.0, PLAIN);
    assert!(bench.mask.is_empty() && bench.toolbox.busy(), "it is only shown");
    let shown = bench.preview.clone().unwrap();
    assert_eq!((shown.rims.len(), shown.words.unwrap().1.as_str()), (1, "± 10"));
    // Twenty points of the screen to the right: two millimetres, four voxels.
    bench.go(Input::Drag, 34.0, 20.0, PLAIN);
    assert_eq!(bench.preview.clone().unwrap().words.unwrap().1, "± 20");
    assert_eq!(bench.toolbox.options.tolerance, Some(20.0), "the option follows");
    bench.go(Input::Release(Button::Primary), 34.0, 20.0, PLAIN);
    let set = [("at", at(30, 20)), ("tolerance", "20".to_owned()), ("neighbours", "6".to_owned())];
    let expected = after(&bench, &LabelMap::empty(DIMS), 1, "wand", None, &set);
    assert_eq!((&bench.mask, bench.log.undo_len()), (&expected, 1));
    assert_eq!(bench.count(), 11 * 50, "five columns on either side");
    // Its rim is that of what is drawn.
    bench.go(Input::Press(Button::Secondary), 30.0, 20.0, PLAIN);
    let shown = bench.preview.clone().unwrap();
    assert_eq!(
        (shown.label, shown.rims),
        (
            0,
            vec![
                [[35.5, -0.5], [35.5, 49.5], [24.5, 49.5], [24.5, -0.5]].map(|[x, y]| [x, y, SLICE]).to_vec()
            ]
        )
    );
    bench.go(Input::Release(Button::Secondary), 30.0, 20.0, PLAIN);
    assert!(bench.mask.is_empty(), "the other button erases the same");
    bench.undo_all();
    assert!(bench.mask.is_empty());
}

#[test]
fn a_wand_goes_through_slices_where_it_is_told_and_escape_leaves_the_tolerance() {
    let mut bench = Bench::on(find("wand").unwrap(), ramp);
    bench.toolbox.options.tolerance = Some(10.0);
    bench.go(Input::Press(Button::Primary), 30.0, 20.0, PLAIN);
    bench.go(Input::Drag, 50.0, 20.0, PLAIN);
    bench.go(Input::Escape, 50.0, 20.0, PLAIN);
    bench.go(Input::Release(Button::Primary), 50.0, 20.0, PLAIN);
    assert_eq!((bench.toolbox.options.tolerance, bench.log.undo_len()), (Some(10.0), 0));
    bench.toolbox.options.whole_volume = true;
    bench.stroke(&[[30.0, 20.0]], Button::Primary, PLAIN);
    let set = [
        ("at", at(30, 20)),
        ("tolerance", "10".to_owned()),
        ("neighbours", "6".to_owned()),
        ("within", "volume".to_owned()),
    ];
    assert_eq!(bench.mask, after(&bench, &LabelMap::empty(DIMS), 1, "wand", None, &set));
    assert!((0..DIMS[2]).all(|z| !bench.mask.is_slice_empty(z)));
    // What is locked stays.
    let before = bench.mask.clone();
    bench.labels.get_mut(1).unwrap().locked = true;
    bench.stroke(&[[30.0, 20.0]], Button::Secondary, PLAIN);
    assert_eq!(bench.mask, before);
}

fn smart(tool: &str, value: fn([usize; 3]) -> u8) -> Bench {
    let mut bench = Bench::on(find(tool).unwrap(), value);
    let grid = bench.volume.grid().clone();
    bench.toolbox.options.set_radius(&grid, 4.0);
    bench
}

#[test]
fn a_dab_of_the_smart_brush_is_the_effect() {
    let mut bench = smart("smart_brush", ball);
    bench.stroke(&[[36.0, 25.0]], Button::Primary, PLAIN);
    let set = [("at", at(36, 25)), ("radius_mm", "4".to_owned())];
    let expected = after(&bench, &LabelMap::empty(DIMS), 1, "smart-brush", None, &set);
    assert_eq!((&bench.mask, bench.log.undo_len()), (&expected, 1));
    let painted = bench.count();
    let disc = Bench::new(find("brush").unwrap()).with_disc([36.0, 25.0], 8.0).count();
    assert!(painted > 20 && painted < disc, "{painted} of {disc}");
    bench.stroke(&[[36.0, 25.0]], Button::Secondary, PLAIN);
    assert!(bench.mask.is_empty(), "the same rule erases");
    bench.undo_all();
    assert!(bench.mask.is_empty());
}

#[test]
fn a_stroke_of_the_smart_brush_keeps_its_tissue_and_is_one_step() {
    let mut bench = smart("smart_brush", |[x, ..]| if x < 30 { 40 } else { 200 });
    let way: Vec<[f64; 2]> = (0..12).map(|i| [10.0 + 3.0 * f64::from(i), 20.0]).collect();
    bench.stroke(&way[..7], Button::Primary, PLAIN);
    assert_eq!(bench.log.undo_len(), 1);
    let slice = bench.mask.slice(SLICE as usize);
    assert!(slice.iter().enumerate().all(|(i, label)| *label == 0 || i % 60 < 30), "it stops at the edge");
    assert!((10..28).all(|x| slice[20 * 60 + x] == 1), "and has no gaps");
    bench.undo_all();
    assert!(bench.mask.is_empty());
    // Along a slow change it goes along, unless Shift is held where it begins.
    let reached = |modifiers| {
        let mut bench = smart("smart_brush", |[x, ..]| 100 + (x / 4) as u8);
        bench.stroke(&way, Button::Primary, modifiers);
        let slice = bench.mask.slice(SLICE as usize);
        (0..60).rev().find(|x| slice[20 * 60 + x] == 1).unwrap()
    };
    let (along, frozen) = (reached(PLAIN), reached(SHIFT));
    assert!(along > 40 && frozen < 25, "{along} {frozen}");
    // A sphere goes through slices.
    let mut bench = smart("smart_brush", ball);
    bench.toolbox.options.sphere = true;
    bench.stroke(&[[36.0, 25.0]], Button::Primary, PLAIN);
    assert!(!bench.mask.is_slice_empty(SLICE as usize + 1));
    // How far values may differ is changed by the wheel.
    for (notches, expected) in [(1.0, 2.6), (-6.0, 2.0), (99.0, 5.0), (-99.0, 1.0)] {
        bench.go(Input::Level(notches), 30.0, 20.0, Modifiers { ctrl: true, shift: true });
        assert!((bench.toolbox.options.deviations() - expected).abs() < 1e-9);
    }
}

#[test]
fn level_tracing_draws_what_it_shows() {
    let mut bench = Bench::on(find("level_tracing").unwrap(), ball);
    bench.go(Input::Hover, 40.0, 25.0, PLAIN);
    let shown = bench.preview.clone().unwrap();
    assert!(bench.mask.is_empty() && shown.rims.len() == 1 && shown.words.is_some());
    bench.stroke(&[[40.0, 25.0]], Button::Primary, PLAIN);
    let expected = after(&bench, &LabelMap::empty(DIMS), 1, "level-tracing", None, &[("at", at(40, 25))]);
    assert_eq!((&bench.mask, bench.log.undo_len()), (&expected, 1));
    let first = bench.count();
    bench.stroke(&[[40.0, 25.0]], Button::Primary, CTRL);
    assert!(bench.mask.is_empty(), "with Ctrl it erases");
    // A lower level is a larger disc.
    bench.go(Input::Level(-10.0), 40.0, 25.0, Modifiers { ctrl: true, shift: true });
    bench.stroke(&[[40.0, 25.0]], Button::Primary, PLAIN);
    let set = [("at", at(40, 25)), ("shift", "-10".to_owned())];
    assert_eq!(bench.mask, after(&bench, &LabelMap::empty(DIMS), 1, "level-tracing", None, &set));
    assert!(bench.count() > first);
    bench.undo_all();
    assert!(bench.mask.is_empty());
    bench.go(Input::Leave, 40.0, 25.0, PLAIN);
    assert_eq!(bench.preview, None);
}

/// Anchors on the border of the disc.
const ANCHORS: [[f64; 2]; 4] = [[18.0, 25.0], [30.0, 13.0], [42.0, 25.0], [30.0, 37.0]];

#[test]
fn a_livewire_closes_as_the_effect_does() {
    let mut bench = Bench::on(find("livewire").unwrap(), ball);
    // Too little for the pointer to be drawn to another pixel.
    bench.point_size = 0.05;
    let click = |bench: &mut Bench, [x, y]: [f64; 2]| {
        bench.go(Input::Press(Button::Primary), x, y, PLAIN);
        bench.go(Input::Release(Button::Primary), x, y, PLAIN);
    };
    ANCHORS.into_iter().for_each(|place| click(&mut bench, place));
    bench.go(Input::Hover, 20.0, 30.0, PLAIN);
    let line = bench.preview.clone().unwrap();
    assert!(!line.closed && line.points.last() == Some(&[20.0, 30.0, SLICE]));
    assert!(bench.mask.is_empty());
    // One click more, taken back.
    click(&mut bench, [20.0, 40.0]);
    bench.go(Input::Backspace, 20.0, 40.0, PLAIN);
    // A second click on the last anchor closes, as a double click does.
    click(&mut bench, ANCHORS[3]);
    let points = ANCHORS.map(|[x, y]| format!("{x},{y}")).join(" ");
    let set = [("points", points), ("slice", SLICE.to_string())];
    let expected = after(&bench, &LabelMap::empty(DIMS), 1, "livewire", None, &set);
    assert_eq!((&bench.mask, bench.log.undo_len()), (&expected, 1));
    let area = std::f64::consts::PI * 144.0;
    assert!((bench.count() as f64 / area - 1.0).abs() < 0.15, "it follows the border: {}", bench.count());
    bench.undo_all();
    assert!(bench.mask.is_empty() && !bench.toolbox.busy());
    // Escape leaves nothing; Enter with one anchor neither.
    click(&mut bench, ANCHORS[0]);
    click(&mut bench, ANCHORS[1]);
    bench.go(Input::Escape, 30.0, 20.0, PLAIN);
    click(&mut bench, ANCHORS[0]);
    bench.go(Input::Enter, 30.0, 20.0, PLAIN);
    assert!(bench.mask.is_empty() && !bench.toolbox.busy() && bench.preview.is_none());
}

#[test]
fn a_livewire_is_drawn_to_edges_and_follows_the_hand_with_shift() {
    let mut bench = Bench::on(find("livewire").unwrap(), ball);
    // Five points are three pixels.
    bench.point_size = 0.3;
    bench.go(Input::Press(Button::Primary), 20.0, 25.0, PLAIN);
    let first = bench.preview.clone().unwrap().points[0];
    assert!((first[0] - 18.0).abs() <= 1.0, "drawn to the border of the disc: {first:?}");
    // By hand, around a corner that no edge has.
    for [x, y] in [[10.0, 10.0], [50.0, 10.0], [50.0, 40.0]] {
        bench.go(Input::Hover, x, y, SHIFT);
    }
    let points = bench.preview.clone().unwrap().points;
    assert!(points.contains(&[10.0, 10.0, SLICE]) && points.contains(&[30.0, 10.0, SLICE]));
    // One step takes all of it back.
    bench.go(Input::Backspace, 50.0, 40.0, SHIFT);
    assert!(bench.toolbox.busy());
    for [x, y] in [[10.0, 10.0], [50.0, 10.0], [50.0, 40.0], [10.0, 40.0]] {
        bench.go(Input::Hover, x, y, SHIFT);
    }
    bench.go(Input::Enter, 10.0, 40.0, PLAIN);
    assert!(bench.count() > 30 * 30 && bench.log.undo_len() == 1, "{}", bench.count());
}

#[test]
fn a_nudge_is_the_effect_and_goes_back_where_the_pointer_goes_back() {
    let start = || {
        let bench = smart("nudge", ball);
        bench.with_disc([30.0, 25.0], 10.0)
    };
    let mut bench = start();
    let before = bench.mask.clone();
    // The radius of 4 mm is 8 pixels.
    let set = [("at", at(38, 25)), ("move", "3,1".to_owned()), ("radius_px", "8".to_owned())];
    let expected = after(&bench, &before, 1, "nudge", Some(7..=7), &set);
    assert!(expected.counts()[&1] > before.counts()[&1], "from inside it is pushed out");
    bench.stroke(&[[38.0, 25.0], [39.0, 25.0], [41.0, 26.0]], Button::Primary, PLAIN);
    assert_eq!((&bench.mask, bench.log.undo_len()), (&expected, 1), "the way there does not count");
    bench.undo_all();
    assert_eq!(bench.mask, before);
    // And back.
    bench.stroke(&[[38.0, 25.0], [41.0, 26.0], [38.0, 25.0]], Button::Primary, PLAIN);
    assert_eq!(bench.mask, before);
    // From outside it is pushed in, by more than one step.
    let mut bench = start();
    bench.stroke(&[[45.0, 25.0], [30.0, 25.0]], Button::Primary, PLAIN);
    assert!(bench.count() < before.counts()[&1] && bench.log.undo_len() == 1);
    assert_eq!(bench.mask.get([37, 25, 7]), 0);
    // Far from every label nothing begins; a locked one stays.
    let mut bench = start();
    bench.stroke(&[[3.0, 3.0], [9.0, 9.0]], Button::Primary, PLAIN);
    assert_eq!((&bench.mask, bench.log.undo_len()), (&before, 0));
    bench.labels.get_mut(1).unwrap().locked = true;
    bench.stroke(&[[38.0, 25.0], [41.0, 26.0]], Button::Primary, PLAIN);
    assert_eq!(bench.mask, before);
}

#[test]
fn scissors_cut_through_the_slices_that_they_are_told() {
    let outline = [[20.0, 15.0], [40.0, 15.0], [40.0, 30.0], [20.0, 30.0]];
    let points = outline.map(|[x, y]| format!("{x},{y}")).join(" ");
    let every: Vec<u16> = (0..DIMS.iter().product::<usize>()).map(|i| u16::from(i % 60 < 35)).collect();
    let start = LabelMap::from_values(DIMS, &every).unwrap();
    for (cut, operation) in Cut::ALL.into_iter().zip(["erase-inside", "erase-outside", "fill-inside"]) {
        for (through, slices) in [(Through::All, 0..=19), (Through::This, 7..=7), (Through::Near, 4..=10)] {
            let mut bench = Bench::new(find("scissors").unwrap());
            bench.mask = start.clone();
            (bench.toolbox.options.cut, bench.toolbox.options.through) = (cut, through);
            bench.stroke(&outline, Button::Primary, PLAIN);
            let set = [("operation", operation.to_owned()), ("outline", points.clone())];
            let expected = after(&bench, &start, 1, "scissors", Some(slices.clone()), &set);
            assert_eq!((&bench.mask, bench.log.undo_len()), (&expected, 1), "{operation} {slices:?}");
            assert_ne!(expected, start);
            bench.undo_all();
            assert_eq!(bench.mask, start);
            // The other button erases inside.
            bench.stroke(&outline, Button::Secondary, PLAIN);
            let set = [("operation", "erase-inside".to_owned()), ("outline", points.clone())];
            assert_eq!(bench.mask, after(&bench, &start, 1, "scissors", Some(slices), &set));
        }
    }
}
