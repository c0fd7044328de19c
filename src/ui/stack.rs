use egui::{Align2, Area, Context, Id, LayerId, Order, Pos2, Rect, Ui, vec2};
use std::fmt::Debug;
use std::hash::Hash;

/// Cards in a column that do not move under the pointer: while it is over them, what goes leaves its place empty, and what
/// comes is put at the free end or waits.
pub struct Stack<K> {
    slots: Vec<Slot<K>>,
    /// Where it was drawn last.
    area: Option<Rect>,
}

struct Slot<K> {
    key: K,
    height: f32,
    gone: bool,
}

/// Where a stack begins and which way it grows.
#[derive(Clone, Copy)]
pub struct Corner {
    pub id: &'static str,
    pub at: Pos2,
    /// From the upper right downwards, or from the lower right upwards.
    pub down: bool,
    pub width: f32,
    /// How high it may become.
    pub room: f32,
    pub most: usize,
    /// They lie over this layer, where one is told.
    pub over: Option<LayerId>,
}

const GAP: f32 = 8.0;
/// Of a card that has not been drawn yet.
const GUESS: f32 = 64.0;

impl<K> Default for Stack<K> {
    fn default() -> Self {
        Self { slots: Vec::new(), area: None }
    }
}

impl<K: Copy + Debug + Hash + PartialEq> Stack<K> {
    pub fn is_hovered(&self, ctx: &Context) -> bool {
        let at = ctx.input(|i| i.pointer.latest_pos());
        self.area.zip(at).is_some_and(|(area, at)| area.contains(at))
    }

    /// Decides which of the wanted cards, oldest first, are shown: as a rule the newest that there is room for.
    fn arrange(&mut self, hovered: bool, wanted: &[K], most: usize, room: f32) {
        for slot in &mut self.slots {
            slot.gone = !wanted.contains(&slot.key);
        }
        if self.slots.iter().all(|slot| slot.gone) {
            self.slots.clear();
        }
        let new = |&key: &K| Slot { key, height: GUESS, gone: false };
        if hovered {
            let mut height: f32 = self.slots.iter().map(|slot| slot.height + GAP).sum();
            for key in wanted {
                let free = self.slots.len() < most && height + GUESS <= room;
                if free && !self.slots.iter().any(|slot| slot.key == *key) {
                    self.slots.push(new(key));
                    height += GUESS + GAP;
                }
            }
            return;
        }
        let mut old = std::mem::take(&mut self.slots);
        let mut height = 0.0;
        for key in wanted.iter().rev().take(most) {
            let at = old.iter().position(|slot| slot.key == *key);
            let slot = at.map_or_else(|| new(key), |at| old.swap_remove(at));
            height += slot.height + GAP;
            if height > room && !self.slots.is_empty() {
                break;
            }
            self.slots.push(slot);
        }
        self.slots.reverse();
    }

    /// Draws the cards, from the corner on; `waiting` is told how many have no place.
    pub fn show(
        &mut self,
        ctx: &Context,
        corner: Corner,
        wanted: &[K],
        mut card: impl FnMut(&mut Ui, K),
        waiting: impl FnOnce(&mut Ui, usize),
    ) {
        self.arrange(self.is_hovered(ctx), wanted, corner.most, corner.room);
        self.area = None;
        let mut used = 0.0;
        for slot in &mut self.slots {
            if !slot.gone {
                let id = Id::unique((corner.id, slot.key));
                slot.height = corner.area(ctx, id, used, |ui| card(ui, slot.key)).height();
            }
            used += slot.height + GAP;
        }
        let left = wanted.len() - self.slots.iter().filter(|slot| !slot.gone).count();
        if left > 0 {
            used +=
                corner.area(ctx, Id::unique((corner.id, "waiting")), used, |ui| waiting(ui, left)).height();
        }
        if used > 0.0 {
            let end = corner.at - vec2(corner.width, if corner.down { -used } else { used });
            self.area = Some(Rect::from_two_pos(corner.at, end));
        }
    }
}

impl Corner {
    /// A card of its own, so far from the corner.
    fn area(&self, ctx: &Context, id: Id, away: f32, content: impl FnOnce(&mut Ui)) -> Rect {
        let (pivot, away) = if self.down { (Align2::RIGHT_TOP, away) } else { (Align2::RIGHT_BOTTOM, -away) };
        // Below dialogs and menus.
        let area = Area::new(id).order(Order::Middle).pivot(pivot).fixed_pos(self.at + vec2(0.0, away));
        if let Some(below) = self.over {
            ctx.set_sublayer(below, LayerId::new(Order::Middle, id));
        }
        let shown = area.show(ctx, |ui| {
            ui.set_width(self.width);
            content(ui);
        });
        shown.response.rect
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(stack: &Stack<u32>) -> Vec<Option<u32>> {
        stack.slots.iter().map(|slot| (!slot.gone).then_some(slot.key)).collect()
    }

    #[test]
    fn what_the_pointer_is_over_stays_where_it_is() {
        let mut stack = Stack::default();
        stack.arrange(false, &[1, 2, 3], 4, 1000.0);
        assert_eq!(shown(&stack), [Some(1), Some(2), Some(3)]);
        stack.arrange(true, &[2, 3, 4, 5], 4, 1000.0);
        assert_eq!(shown(&stack), [None, Some(2), Some(3), Some(4)], "a gap, one at the end, and one waits");
        stack.arrange(false, &[2, 3, 4, 5, 6], 4, 1000.0);
        assert_eq!(shown(&stack), [Some(3), Some(4), Some(5), Some(6)], "the newest, once it has left");
        stack.arrange(true, &[], 4, 1000.0);
        assert_eq!(shown(&stack), [], "gaps alone are nothing");
    }

    #[test]
    fn no_more_than_there_is_room_for() {
        let mut stack = Stack::default();
        stack.arrange(false, &[1, 2, 3], 4, 2.0 * (GUESS + GAP));
        assert_eq!(shown(&stack), [Some(2), Some(3)]);
        stack.arrange(true, &[2, 3, 4], 4, 2.0 * (GUESS + GAP));
        assert_eq!(shown(&stack), [Some(2), Some(3)]);
        stack.arrange(false, &[7], 4, 10.0);
        assert_eq!(shown(&stack), [Some(7)], "one always");
    }
}
