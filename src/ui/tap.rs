//! A tap of a key that does something else while it is held.

use egui::{Context, Key};

/// A key held longer than this was held, not tapped.
pub const TAP_SECS: f64 = 0.3;
/// A pointer that moves less than this while a key is tapped stands still, in points.
const STILL: f32 = 3.0;

/// The space bar.
#[derive(Default)]
pub struct Space {
    down: Option<Down>,
}

/// Since it went down.
struct Down {
    since: f64,
    /// The pointer did something meanwhile.
    used: bool,
    /// So many frames it was down.
    frames: usize,
}

impl Space {
    /// Whether it came up again, soon and without the pointer: to be asked in every frame. `pressed`: it went down in this one;
    /// `listens`: no field and no question takes the keys.
    pub fn is_tapped(&mut self, ctx: &Context, pressed: bool, listens: bool) -> bool {
        if !listens {
            self.down = None;
            return false;
        }
        let (is_down, now, used) = ctx.input(|i| {
            let moved = i.pointer.any_down() || i.pointer.delta().length() >= STILL;
            (i.key_down(Key::Space), i.time, moved)
        });
        if pressed {
            self.down = Some(Down { since: now, used, frames: 0 });
        }
        let Some(down) = &mut self.down else { return false };
        down.used |= used;
        if is_down {
            down.frames += 1;
            return false;
        }
        // A slow frame lasts longer than a tap: what was down in one frame only was no more than that.
        let tapped = !down.used && (now - down.since < TAP_SECS || down.frames <= 1);
        self.down = None;
        tapped
    }
}
