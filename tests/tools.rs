//! Scripted drags for every tool in the list: registering a tool tests it.

#[path = "tools/by_value.rs"]
mod by_value;
#[path = "tools/measuring.rs"]
mod measuring;

use fovea::edit::{Change, EditError, EditLog, Marks, MaskRules, Origin, Patch, Shape};
use fovea::geom::{Grid, Plane};
use fovea::label::{LabelMap, LabelTable};
use fovea::metrics::measurements::Measurements;
use fovea::tools::{
    Button, Input, Modifiers, PointerEvent, Preview, Scene, TOOLS, Tool, ToolAction, ToolKind, ToolOptions,
    Toolbox, find,
};
use fovea::volume::{Modality, Samples, Volume};
use fovea::workspace::MeasureCommand;
use std::collections::BTreeSet;

const DIMS: [usize; 3] = [60, 50, 20];

/// An image, a toolbox, and what the workspace makes of its actions.
struct Bench {
    /// What a point of the screen measures, in mm.
    point_size: f64,
    volume: Volume,
    mask: LabelMap,
    labels: LabelTable,
    verified: BTreeSet<usize>,
    measurements: Measurements,
    log: EditLog,
    toolbox: Toolbox,
    cursor: Option<[usize; 3]>,
    preview: Option<Preview>,
}

impl Bench {
    fn new(tool: &'static Tool) -> Self {
        // Two halves, dark and bright.
        Self::on(tool, |[x, ..]| if x < 30 { 40 } else { 200 })
    }

    /// An image of these values.
    fn on(tool: &'static Tool, value: impl Fn([usize; 3]) -> u8) -> Self {
        let grid = Grid::spaced(DIMS, [0.5, 0.5, 2.0]).unwrap();
        let voxel = |i: usize| [i % DIMS[0], i / DIMS[0] % DIMS[1], i / (DIMS[0] * DIMS[1])];
        let samples: Vec<u8> = (0..grid.voxel_count()).map(|i| value(voxel(i))).collect();
        let volume = Volume::new(grid, Samples::U8(samples.into()), [1.0, 0.0], Modality::Oct).unwrap();
        let mut toolbox = Toolbox::default();
        toolbox.select(tool);
        Self {
            point_size: 0.1,
            mask: LabelMap::empty(DIMS),
            volume,
            labels: LabelTable::named(&["fluid", "layer"]),
            verified: BTreeSet::new(),
            measurements: Measurements::default(),
            log: EditLog::default(),
            toolbox,
            cursor: None,
            preview: None,
        }
    }

    fn scene(&self) -> Scene<'_> {
        let Self { volume, mask, labels, measurements, point_size, .. } = self;
        Scene { volume, mask, labels, measurements, label: 1, point_size: *point_size }
    }

    fn send(&mut self, input: Input, plane: Plane, voxel: [f64; 3], modifiers: Modifiers) -> Vec<ToolAction> {
        let event = PointerEvent { input, plane, voxel, modifiers };
        let Self { volume, mask, labels, measurements, point_size, toolbox, .. } = self;
        let scene = Scene { volume, mask, labels, measurements, label: 1, point_size: *point_size };
        let actions = toolbox.event(&event, &scene);
        self.perform(&actions);
        actions
    }

    /// Does what the workspace would; every order of actions that it would refuse fails the test.
    fn perform(&mut self, actions: &[ToolAction]) {
        for action in actions {
            let Self { mask, labels, verified, measurements, .. } = self;
            let mut marks = Marks { mask, labels, verified, measurements };
            match action {
                ToolAction::Begin { tool } => {
                    assert!(find(tool).is_some());
                    self.log.begin().unwrap();
                }
                ToolAction::Draw { shape, label, limits } => {
                    let json = serde_json::to_string(shape).unwrap();
                    assert_eq!(&serde_json::from_str::<Shape>(&json).unwrap(), shape, "a recording replays");
                    let rules = MaskRules::new(marks.labels, marks.verified).with_limits(*limits);
                    let origin = Origin::Person { tool: "test".to_owned() };
                    match Patch::draw(marks.mask, &self.volume, shape, *label, &rules, origin) {
                        Ok(patch) => self.log.extend(&mut marks, Change::Mask(patch)).unwrap(),
                        // Such as scissors where there is nothing to cut: a person is told.
                        Err(EditError::NotDrawn(why)) => assert!(!why.is_empty()),
                        Err(other) => panic!("{other}"),
                    }
                }
                ToolAction::Commit => {
                    assert!(self.log.is_open());
                    self.log.commit();
                }
                ToolAction::Abort => {
                    assert!(self.log.is_open());
                    self.log.abort(&mut marks).unwrap();
                }
                ToolAction::Measure(command) => {
                    let before = marks.measurements.clone();
                    let mut after = before.clone();
                    match command.clone() {
                        MeasureCommand::Add { kind, normal, points } => {
                            after.add(kind, normal, points).unwrap();
                        }
                        MeasureCommand::Place { id, points } => after.place(id, points).unwrap(),
                        other => panic!("no gesture does {other:?}"),
                    }
                    self.log.record(&mut marks, Change::Measurements { before, after }).unwrap();
                }
                ToolAction::MoveCursor(voxel) => self.cursor = Some(*voxel),
                ToolAction::Preview(preview) => self.preview.clone_from(preview),
            }
        }
    }

    fn undo_all(&mut self) {
        let Self { mask, labels, verified, measurements, .. } = self;
        let mut marks = Marks { mask, labels, verified, measurements };
        while self.log.undo(&mut marks).unwrap().is_some() {}
    }

    /// Presses, drags and releases at each of four corners, then Enter: strokes for a brush, corners for a polygon.
    fn script(&mut self, plane: Plane, button: Button, modifiers: Modifiers) {
        for from in corners(plane) {
            self.send(Input::Hover, plane, from, modifiers);
            self.send(Input::Press(button), plane, from, modifiers);
            for to in corners(plane) {
                self.send(Input::Drag, plane, to, modifiers);
            }
            self.send(Input::Release(button), plane, from, modifiers);
        }
        self.send(Input::Enter, plane, corners(plane)[0], modifiers);
    }
}

const PLAIN: Modifiers = Modifiers { ctrl: false, shift: false };
const CTRL: Modifiers = Modifiers { ctrl: true, shift: false };

/// Four corners in a slice of a plane of the picture as stored.
fn corners(plane: Plane) -> [[f64; 3]; 4] {
    match plane {
        Plane::Axial => [[5.0, 5.0, 7.0], [40.3, 6.0, 7.0], [38.0, 40.8, 7.0], [6.0, 35.0, 7.0]],
        Plane::Coronal => [[5.0, 9.0, 2.0], [40.3, 9.0, 3.0], [38.0, 9.0, 15.0], [6.0, 9.0, 17.2]],
        Plane::Sagittal => [[20.0, 5.0, 2.0], [20.0, 30.0, 3.0], [20.0, 40.8, 15.0], [20.0, 6.0, 17.2]],
    }
}

#[test]
fn the_list_is_in_order() {
    let keys: BTreeSet<char> = TOOLS.iter().map(|t| t.key).collect();
    assert_eq!(keys.len(), TOOLS.len(), "no two tools share a key");
    // The keys that the window has for itself.
    for taken in "sqwnladc[]0123456789.,?".chars() {
        assert!(!keys.contains(&taken), "{taken} is taken");
    }
    for tool in TOOLS {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tools/").to_owned() + tool.id + ".rs";
        assert!(std::path::Path::new(&file).exists(), "{} has its own file", tool.id);
        assert!(!tool.title.is_empty() && !tool.icon.is_empty());
        assert!(
            tool.about.ends_with('.') && tool.about.matches('.').count() == 1,
            "{}: one sentence",
            tool.id
        );
        assert!(TOOLS.iter().all(|other| other.id == tool.id || other.icon != tool.icon), "{}", tool.id);
        assert!(
            tool.options.len()
                == tool.options.iter().map(|o| format!("{o:?}")).collect::<BTreeSet<_>>().len()
        );
    }
}

#[test]
fn every_tool_does_its_work_in_every_plane_and_is_undone() {
    for &tool in TOOLS {
        for plane in Plane::ALL {
            let mut bench = Bench::new(tool);
            assert!(!bench.toolbox.hint(&bench.scene()).is_empty());
            bench.script(plane, Button::Primary, PLAIN);
            assert!(!bench.log.is_open() && !bench.toolbox.busy(), "{} has finished", tool.id);
            if tool.kind == ToolKind::Navigate {
                assert_eq!(bench.cursor, Some(corners(plane)[3].map(|c| c.round() as usize)));
                assert!(bench.mask.is_empty());
                continue;
            }
            if tool.paints {
                assert!(bench.mask.counts()[&1] > 20, "{} paints", tool.id);
            }
            // What was painted goes by the other button, and by Ctrl.
            for (button, modifiers) in [(Button::Secondary, PLAIN), (Button::Primary, CTRL)] {
                if tool.kind == ToolKind::Corners && button == Button::Secondary {
                    continue;
                }
                let before = bench.mask.counts().get(&1).copied().unwrap_or(0);
                bench.script(plane, button, modifiers);
                let after = bench.mask.counts().get(&1).copied().unwrap_or(0);
                let erases = !matches!(tool.kind, ToolKind::Push | ToolKind::Measure);
                assert!(!erases || after < before || before == 0, "{} erases: {before} to {after}", tool.id);
                bench.toolbox.select(find("brush").unwrap());
                bench.script(plane, Button::Primary, PLAIN);
                bench.toolbox.select(tool);
            }
            bench.undo_all();
            assert!(bench.mask.is_empty());
        }
    }
}

#[test]
fn escape_and_the_other_button_leave_the_mask_as_it_was() {
    for &tool in TOOLS {
        for plane in Plane::ALL {
            for cancel in [Input::Escape, Input::Press(Button::Secondary)] {
                let mut bench = Bench::new(find("brush").unwrap());
                bench.script(plane, Button::Primary, PLAIN);
                bench.toolbox.select(tool);
                let (before, undo_len) = (bench.mask.clone(), bench.log.undo_len());
                let [a, b, c, d] = corners(plane);
                // An outline set by clicks has corners by now, the others are in mid-drag.
                for at in [a, b] {
                    bench.send(Input::Press(Button::Primary), plane, at, PLAIN);
                    bench.send(Input::Drag, plane, c, PLAIN);
                    if !bench.log.is_open() && tool.kind == ToolKind::Corners {
                        bench.send(Input::Release(Button::Primary), plane, c, PLAIN);
                    } else {
                        break;
                    }
                }
                if matches!(tool.kind, ToolKind::Click | ToolKind::Trace) {
                    // Done with the press: there is nothing to cancel.
                    assert!(!bench.toolbox.busy());
                    continue;
                }
                assert!(bench.toolbox.busy());
                bench.send(cancel, plane, c, PLAIN);
                bench.send(Input::Drag, plane, d, PLAIN);
                bench.send(Input::Drag, plane, a, PLAIN);
                bench.send(Input::Release(Button::Primary), plane, d, PLAIN);
                bench.send(Input::Hover, plane, d, PLAIN);
                assert!(!bench.log.is_open() && !bench.toolbox.busy());
                assert_eq!((&bench.mask, bench.log.undo_len()), (&before, undo_len), "{}", tool.id);
            }
        }
    }
}

#[test]
fn taking_another_tool_cancels_what_is_under_way() {
    for &tool in TOOLS {
        let mut bench = Bench::new(tool);
        bench.send(Input::Press(Button::Primary), Plane::Axial, corners(Plane::Axial)[0], PLAIN);
        bench.send(Input::Drag, Plane::Axial, corners(Plane::Axial)[1], PLAIN);
        let done = bench.mask.clone();
        let actions = bench.toolbox.select(TOOLS[0]);
        bench.perform(&actions);
        assert!(!bench.log.is_open() && !bench.toolbox.busy());
        assert_eq!(bench.preview, None);
        let at_once = matches!(tool.kind, ToolKind::Click | ToolKind::Trace);
        assert_eq!(bench.mask.is_empty(), !at_once || done.is_empty());
    }
}

#[test]
fn a_drag_shows_as_it_is_painted() {
    let mut bench = Bench::new(find("brush").unwrap());
    let [a, b, ..] = corners(Plane::Axial);
    bench.send(Input::Press(Button::Primary), Plane::Axial, a, PLAIN);
    let first = bench.mask.counts()[&1];
    bench.send(Input::Drag, Plane::Axial, b, PLAIN);
    assert!(bench.mask.counts()[&1] > first && bench.log.is_open());
    // A hand held still draws nothing more.
    let actions = bench.send(Input::Drag, Plane::Axial, b, PLAIN);
    assert!(actions.iter().all(|a| matches!(a, ToolAction::Preview(_))));
    bench.send(Input::Release(Button::Primary), Plane::Axial, b, PLAIN);
    assert_eq!(bench.log.undo_len(), 1);
}

#[test]
fn the_radius_changes_by_a_fifth_and_its_outline_shows_it_in_millimetres() {
    let mut bench = Bench::new(find("brush").unwrap());
    let grid = bench.volume.grid().clone();
    bench.toolbox.options.set_radius(&grid, 4.0);
    let at = [30.0, 25.0, 7.0];
    for (input, expected) in
        [(Input::Grow, 4.8), (Input::Shrink, 4.0), (Input::Wheel(2.0), 5.76), (Input::Wheel(-2.0), 4.0)]
    {
        bench.send(input, Plane::Axial, at, PLAIN);
        assert!((bench.toolbox.options.radius(&grid) - expected).abs() < 1e-12);
    }
    let rim = bench.preview.clone().unwrap();
    assert_eq!((rim.plane, rim.slice, rim.label, rim.closed), (Plane::Axial, 7, 1, true));
    for p in &rim.points {
        let mm = grid.patient_of((*p).into()).distance(grid.patient_of(at.into()));
        assert!((mm - 4.0).abs() < 1e-9 && p[2] == 7.0);
    }
    // What the outline encloses is what a click marks: spacing is half a millimetre.
    bench.send(Input::Press(Button::Primary), Plane::Axial, at, PLAIN);
    bench.send(Input::Release(Button::Primary), Plane::Axial, at, PLAIN);
    let within = (0..60 * 50).filter(|i| {
        let (x, y) = (f64::from(i % 60) - at[0], f64::from(i / 60) - at[1]);
        (x * x + y * y) * 0.25 <= 16.0
    });
    assert_eq!(bench.mask.counts()[&1], within.count());
    // Bounds: half a voxel, half the image.
    bench.send(Input::Wheel(-100.0), Plane::Axial, at, PLAIN);
    assert_eq!(bench.toolbox.options.radius(&grid), 0.25);
    bench.send(Input::Wheel(100.0), Plane::Axial, at, PLAIN);
    assert_eq!(bench.toolbox.options.radius(&grid), 20.0);
    // Pixels have a radius of their own.
    let pixels = Grid::pixels([512, 512, 1]).unwrap();
    let fresh = ToolOptions::default().radius(&pixels);
    assert_eq!(bench.toolbox.options.radius(&pixels), fresh);
}

#[test]
fn options_limit_what_is_painted() {
    let paint = |set: fn(&mut ToolOptions)| {
        let mut bench = Bench::new(find("lasso").unwrap());
        set(&mut bench.toolbox.options);
        bench.script(Plane::Axial, Button::Primary, PLAIN);
        bench.mask
    };
    let all = paint(|_| {});
    let dark = paint(|o| o.value_range = Some([0.0, 100.0]));
    let bright = paint(|o| o.value_range = Some([100.0, 255.0]));
    let halves =
        |mask: &LabelMap| mask.slice(7).iter().enumerate().filter(|(i, l)| **l == 1 && i % 60 < 30).count();
    assert_eq!(halves(&dark), dark.counts()[&1]);
    assert_eq!(halves(&bright), 0);
    assert_eq!(dark.counts()[&1] + bright.counts()[&1], all.counts()[&1]);

    let mut bench = Bench::new(find("lasso").unwrap());
    bench.script(Plane::Axial, Button::Primary, PLAIN);
    let before = bench.mask.clone();
    bench.labels.get_mut(1).unwrap().locked = true;
    assert!(bench.toolbox.hint(&bench.scene()).contains("locked"));
    bench.script(Plane::Axial, Button::Secondary, PLAIN);
    assert_eq!(bench.mask, before, "a locked label is not erased");
}

#[test]
fn a_fill_keeps_to_its_values_and_its_slice() {
    let mut bench = Bench::new(find("fill").unwrap());
    let at = [10.0, 10.0, 7.0];
    bench.send(Input::Press(Button::Primary), Plane::Axial, at, PLAIN);
    assert_eq!(bench.mask.counts()[&1], 30 * 50, "the dark half of the slice");
    bench.toolbox.options.whole_volume = true;
    bench.toolbox.options.tolerance = Some(255.0);
    bench.send(Input::Press(Button::Primary), Plane::Axial, [50.0, 10.0, 7.0], PLAIN);
    assert_eq!(bench.mask.counts()[&1], 60 * 50 * 20);
    bench.send(Input::Press(Button::Secondary), Plane::Axial, at, PLAIN);
    assert!(bench.mask.is_empty());
    // Outside the image there is nothing to fill.
    assert!(bench.send(Input::Press(Button::Primary), Plane::Axial, [-3.0, 10.0, 7.0], PLAIN).is_empty());
}

#[test]
fn a_polygon_waits_in_its_slice_and_takes_corners_back() {
    let mut bench = Bench::new(find("polygon").unwrap());
    let [a, b, c, d] = corners(Plane::Axial);
    let click = |bench: &mut Bench, at: [f64; 3]| {
        bench.send(Input::Press(Button::Primary), Plane::Axial, at, PLAIN);
        bench.send(Input::Release(Button::Primary), Plane::Axial, at, PLAIN);
    };
    [a, b, d].into_iter().for_each(|at| click(&mut bench, at));
    bench.send(Input::Backspace, Plane::Axial, d, PLAIN);
    click(&mut bench, c);
    // Scrolled away: clicks there are not corners.
    click(&mut bench, [30.0, 20.0, 8.0]);
    let shown = bench.preview.clone().unwrap();
    assert_eq!((shown.slice, shown.points), (7, vec![a, b, c, c]), "the corners, and the pointer");
    // A second click on the last corner closes, as a double click does.
    click(&mut bench, c);
    let outline = Shape::Outline { plane: Plane::Axial, slice: 7, points: vec![a, b, c] };
    let region = outline.region(&bench.volume, &bench.mask);
    assert_eq!(bench.mask.counts()[&1], region.voxel_count());
    assert!(!bench.toolbox.busy() && bench.preview.is_none());
}

#[test]
fn tab_and_keys_change_the_tool() {
    let mut toolbox = Toolbox::default();
    assert_eq!(toolbox.tool().id, "navigate");
    for expected in ["brush", "eraser", "brush"] {
        toolbox.swap();
        assert_eq!(toolbox.tool().id, expected);
    }
    for tool in TOOLS {
        assert!(toolbox.select_by_key(tool.key).is_some());
        assert_eq!(toolbox.tool().id, tool.id);
    }
    assert!(toolbox.select_by_key('#').is_none());
}
