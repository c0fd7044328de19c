//! The size of the interface, from 100 to 200 %.

use egui::{Context, Vec2, vec2};

const MOST: f32 = 2.0;
/// Smaller windows have no room for what they must show, in points.
const LEAST: Vec2 = vec2(440.0, 290.0);

/// What a person wants, and what a small window allows.
#[derive(Debug)]
pub struct Scale {
    wanted: f32,
    /// As it was set last, where the window allows less.
    given: f32,
}

impl Default for Scale {
    fn default() -> Self {
        Self { wanted: 1.0, given: 1.0 }
    }
}

impl Scale {
    /// What a person wants: 1 is the interface's own size.
    pub fn wanted(&self) -> f32 {
        self.wanted
    }

    /// Makes everything larger or smaller by steps of a tenth; 0 is its own size. False where the window is too small for it.
    pub fn change(&mut self, ctx: &Context, by: i32) -> bool {
        let wanted = if by == 0 { 1.0 } else { in_tenths(ctx.zoom_factor() + 0.1 * by as f32) };
        let fits = by <= 0 || wanted <= allowed(ctx);
        if fits {
            (self.wanted, self.given) = (wanted.clamp(1.0, MOST), wanted.clamp(1.0, MOST));
            ctx.set_zoom_factor(self.given);
        }
        fits
    }

    /// In each frame: as large as it is wanted, and no larger than the window allows.
    pub fn keep_within(&mut self, ctx: &Context) {
        let now = ctx.zoom_factor();
        if now != self.given {
            self.wanted = now;
        }
        let given = self.wanted.min(allowed(ctx));
        if given != now {
            ctx.set_zoom_factor(given);
        }
        self.given = given;
    }
}

/// The largest size for which the window has room.
fn allowed(ctx: &Context) -> f32 {
    let room = ctx.content_rect().size() * ctx.zoom_factor() / LEAST;
    ((room.min_elem() * 10.0).floor() / 10.0).clamp(1.0, MOST)
}

fn in_tenths(factor: f32) -> f32 {
    (factor * 10.0).round() / 10.0
}
