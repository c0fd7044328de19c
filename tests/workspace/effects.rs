//! Effects: what they would change is shown first, and applied as one step.

use super::{Bench, brush};
use fovea::edit::effects::{Scope, Step};
use fovea::geom::Axis;
use fovea::workspace::{
    Command, CommandError, EditCommand, EffectOrder, EffectPreview, LabelCommand, Workspace,
};
use serde_json::json;

/// Two strokes of label 1 in each of the slices 1 and 3, the second one shorter.
fn bench() -> Bench {
    let mut bench = Bench::opened();
    for z in [1, 3] {
        bench.stroke(z, 1, [6.0, 10.0], [30.0, 10.0]);
        bench.stroke(z, 1, [10.0, 30.0], [14.0, 30.0]);
    }
    bench
}

fn order(effect: &str, set: &[(&str, serde_json::Value)]) -> EffectOrder {
    let set = set.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    EffectOrder {
        steps: vec![Step { effect: effect.to_owned(), set, labels: Vec::new() }],
        label: 1,
        scope: None,
        over: Default::default(),
        also_verified: false,
        limits: Default::default(),
    }
}

fn islands() -> EffectOrder {
    order("islands", &[("keep", json!("largest"))])
}

fn painted(bench: &Bench) -> usize {
    bench.document().mask().counts().values().sum()
}

fn newest(workspace: &Workspace) -> Option<&EffectPreview> {
    workspace.effect_preview().filter(|(_, _, newest)| *newest).map(|(_, preview, _)| preview)
}

fn want(bench: &mut Bench, order: &EffectOrder) {
    let id = bench.document().id();
    bench.workspace.want_effect(Some((id, order.clone())));
}

/// Wants it, and waits for the outcome.
fn shown(bench: &mut Bench, order: &EffectOrder) -> EffectPreview {
    want(bench, order);
    bench.wait("the outcome", |w| newest(w).is_some());
    newest(&bench.workspace).unwrap().clone()
}

fn apply(bench: &mut Bench, order: EffectOrder) {
    bench.workspace.apply(Command::Effect(order)).unwrap();
    bench.wait("the end of all work", |w| w.is_idle());
}

#[test]
fn what_is_shown_changes_nothing_and_is_what_is_applied_as_one_step() {
    let mut bench = bench();
    let (before, steps) = (bench.document().mask_hash(), bench.document().history().count());
    let preview = shown(&mut bench, &islands());
    assert_eq!(bench.document().mask_hash(), before);
    assert!(preview.voxels[0] == 0 && preview.voxels[1] > 0, "{preview:?}");
    let left: usize = preview.mask.counts().values().sum();
    assert_eq!(left, painted(&bench) - preview.voxels[1]);

    apply(&mut bench, islands());
    assert_eq!(bench.document().mask(), &preview.mask);
    assert_eq!(bench.document().history().count(), steps + 1);
    assert_eq!(bench.document().history().last().unwrap(), "islands, label 1");
    let after = bench.document().mask_hash();
    bench.edit(EditCommand::Undo);
    bench.wait("the end of all work", |w| w.is_idle());
    assert_eq!(bench.document().mask_hash(), before);
    bench.edit(EditCommand::Redo);
    bench.wait("the end of all work", |w| w.is_idle());
    bench.reopen();
    assert_eq!(bench.document().mask_hash(), after, "the journal has it");
}

#[test]
fn it_is_applied_alike_without_having_been_shown() {
    let mut bench = bench();
    let preview = shown(&mut bench, &islands());
    bench.workspace.want_effect(None);
    assert!(bench.workspace.effect_preview().is_none());
    apply(&mut bench, islands());
    assert_eq!(bench.document().mask(), &preview.mask);
}

#[test]
fn a_stroke_makes_the_outcome_anew_and_a_newer_order_takes_the_place_of_an_older_one() {
    let mut bench = bench();
    let first = shown(&mut bench, &islands());
    bench.stroke(2, 1, [6.0, 10.0], [30.0, 10.0]);
    bench.wait("a newer outcome", |w| newest(w).is_some_and(|preview| preview.stamp != first.stamp));
    let joined = newest(&bench.workspace).unwrap().clone();
    assert!(joined.voxels[1] < first.voxels[1], "the middle slice joins two parts");

    // Ten in a row: only the last one counts.
    let large = |least: usize| order("islands", &[("keep", json!("large")), ("min_voxels", json!(least))]);
    for least in 1..10 {
        want(&mut bench, &large(least));
    }
    let last = shown(&mut bench, &large(100_000));
    assert_eq!(last.voxels, [0, painted(&bench)]);
}

#[test]
fn verified_slices_stay_unless_they_are_asked_for_and_then_are_verified_no_longer() {
    let mut bench = bench();
    bench.edit(EditCommand::SetVerified { z: 3, on: true });
    let all_gone = order("islands", &[("keep", json!("large")), ("min_voxels", json!(100_000))]);
    // One in which there is nothing to change is not counted.
    bench.edit(EditCommand::SetVerified { z: 2, on: true });
    let careful = shown(&mut bench, &all_gone);
    assert_eq!(careful.skipped, 1);
    let mut thorough = all_gone.clone();
    thorough.also_verified = true;
    let both = shown(&mut bench, &thorough);
    assert_eq!((both.skipped, both.voxels[1]), (0, painted(&bench)));
    assert!(careful.voxels[1] < both.voxels[1] && careful.voxels[1] > 0);
    let goes = |preview: &EffectPreview| preview.notes.iter().any(|note| note.contains("voxels go"));
    assert!(!goes(&careful) && goes(&both), "{:?} {:?}", careful.notes, both.notes);
    apply(&mut bench, all_gone);
    assert!(bench.document().is_verified(3) && painted(&bench) > 0);
    apply(&mut bench, thorough);
    assert!(!bench.document().is_verified(3) && painted(&bench) == 0);
}

#[test]
fn a_scope_of_one_slice_leaves_the_others_alone() {
    let mut bench = bench();
    let before = painted(&bench);
    let one = EffectOrder { scope: Some(Scope { normal: Axis::Z, slices: 1..=1 }), ..islands() };
    let preview = shown(&mut bench, &one);
    let whole = shown(&mut bench, &islands());
    assert!(preview.voxels[1] > 0 && preview.voxels[1] < whole.voxels[1]);
    apply(&mut bench, one);
    assert_eq!(painted(&bench), before - preview.voxels[1]);
}

#[test]
fn a_locked_label_stays_as_it_is() {
    let mut bench = bench();
    bench.workspace.apply(Command::Labels(LabelCommand::Lock { id: 1, on: true })).unwrap();
    let preview = shown(&mut bench, &islands());
    assert_eq!((preview.voxels, &preview.notes[..]), ([0, 0], &["label 1 is locked".to_owned()][..]));
}

#[test]
fn what_cannot_be_done_is_said_and_changes_nothing() {
    let mut bench = bench();
    let before = bench.document().mask_hash();
    let wrong = order("islands", &[("keep", json!("smallest"))]);
    want(&mut bench, &wrong);
    bench.wait("the reason", |w| w.effect_failure().is_some());
    let why = bench.workspace.effect_failure().unwrap().to_owned();
    assert!(why.contains("keep") && why.contains("largest"), "{why}");
    assert!(bench.texts().is_empty(), "it is said beside the effect: {:?}", bench.texts());
    let refused = bench.workspace.apply(Command::Effect(wrong));
    assert!(matches!(&refused, Err(CommandError::Effect(said)) if said.contains("keep")), "{refused:?}");

    bench.edit(EditCommand::Begin { tool: "brush".into() });
    bench.edit(brush(2, 1, [6.0, 10.0], [30.0, 10.0]));
    let refused = bench.workspace.apply(Command::Effect(islands()));
    assert!(matches!(refused, Err(CommandError::StrokeOpen)), "{refused:?}");
    bench.edit(EditCommand::Abort);
    assert_eq!(bench.document().mask_hash(), before);
}

#[test]
fn an_order_is_data_that_can_be_replayed() {
    let said = serde_json::to_string(&Command::Effect(islands())).unwrap();
    let Command::Effect(read) = serde_json::from_str(&said).unwrap() else { panic!("{said}") };
    assert_eq!(read, islands());
}
