use crate::tools::IconPart::{self, Circle, Closed, Curve, Dot, Line};
use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, pos2};

/// Icons, drawn as strokes on a grid of 20 × 20.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(test), expect(dead_code, reason = "some are for parts of the window that come later"))]
pub enum Icon {
    /// The icon of something that brings its own, such as an editing tool.
    Of(&'static [IconPart]),
    Window,
    Open,
    Save,
    Export,
    Undo,
    Redo,
    Single,
    Grid,
    Cube,
    Eye,
    EyeOff,
    Lock,
    Unlock,
    Plus,
    Close,
    Help,
    Sun,
    Moon,
    Info,
    Warning,
    Panel,
    Search,
    Layers,
    Two,
    OneAndThree,
    Flag,
    Note,
    Chain,
    Swap,
    List,
    Thumbnails,
    Star,
    Clock,
    History,
    Pause,
    Play,
    Stop,
    More,
    Left,
    Right,
    Down,
    Check,
    Effects,
}

impl Icon {
    fn parts(self) -> &'static [IconPart] {
        match self {
            Icon::Of(parts) => parts,
            Icon::Window => &[
                Circle([10.0, 10.0], 6.5),
                Line(&[[10.0, 3.5], [10.0, 16.5]]),
                Line(&[[10.0, 6.5], [15.0, 6.5]]),
                Line(&[[10.0, 10.0], [16.4, 10.0]]),
                Line(&[[10.0, 13.5], [15.0, 13.5]]),
            ],
            Icon::Open => &[
                Line(&[[11.0, 3.5], [5.0, 3.5], [5.0, 16.5], [15.0, 16.5], [15.0, 7.5], [11.0, 3.5]]),
                Line(&[[11.0, 3.5], [11.0, 7.5], [15.0, 7.5]]),
            ],
            Icon::Save => &[
                Closed(&[[4.0, 4.0], [13.4, 4.0], [16.0, 6.6], [16.0, 16.0], [4.0, 16.0]]),
                Line(&[[7.0, 16.0], [7.0, 11.2], [13.0, 11.2], [13.0, 16.0]]),
                Line(&[[7.2, 4.2], [7.2, 7.2], [12.0, 7.2]]),
            ],
            Icon::Export => &[
                Line(&[[10.0, 12.4], [10.0, 3.6]]),
                Line(&[[6.6, 6.8], [10.0, 3.4], [13.4, 6.8]]),
                Line(&[[4.0, 11.5], [4.0, 16.2], [16.0, 16.2], [16.0, 11.5]]),
            ],
            Icon::Undo => &[
                Line(&[[7.4, 4.4], [3.8, 8.0], [7.4, 11.6]]),
                Line(&[[3.8, 8.0], [12.0, 8.0]]),
                Curve([[12.0, 8.0], [17.6, 8.0], [17.6, 15.8], [12.0, 15.8]]),
                Line(&[[12.0, 15.8], [8.5, 15.8]]),
            ],
            Icon::Redo => &[
                Line(&[[12.6, 4.4], [16.2, 8.0], [12.6, 11.6]]),
                Line(&[[16.2, 8.0], [8.0, 8.0]]),
                Curve([[8.0, 8.0], [2.4, 8.0], [2.4, 15.8], [8.0, 15.8]]),
                Line(&[[8.0, 15.8], [11.5, 15.8]]),
            ],
            Icon::Single => &[Closed(&[[4.0, 4.0], [16.0, 4.0], [16.0, 16.0], [4.0, 16.0]])],
            Icon::Grid => &[
                Closed(&[[4.0, 4.0], [16.0, 4.0], [16.0, 16.0], [4.0, 16.0]]),
                Line(&[[10.0, 4.0], [10.0, 16.0]]),
                Line(&[[4.0, 10.0], [16.0, 10.0]]),
            ],
            Icon::Cube => &[
                Closed(&[[10.0, 3.0], [16.2, 6.5], [16.2, 13.5], [10.0, 17.0], [3.8, 13.5], [3.8, 6.5]]),
                Line(&[[3.8, 6.5], [10.0, 10.0], [16.2, 6.5]]),
                Line(&[[10.0, 10.0], [10.0, 17.0]]),
            ],
            Icon::Eye => &[
                Curve([[2.5, 10.0], [6.0, 4.0], [14.0, 4.0], [17.5, 10.0]]),
                Curve([[17.5, 10.0], [14.0, 16.0], [6.0, 16.0], [2.5, 10.0]]),
                Circle([10.0, 10.0], 2.4),
            ],
            Icon::EyeOff => &[
                Curve([[2.5, 10.0], [6.0, 4.0], [14.0, 4.0], [17.5, 10.0]]),
                Curve([[17.5, 10.0], [14.0, 16.0], [6.0, 16.0], [2.5, 10.0]]),
                Line(&[[4.0, 16.5], [16.0, 3.5]]),
            ],
            Icon::Lock => &[
                Closed(&[[4.8, 9.0], [15.2, 9.0], [15.2, 16.5], [4.8, 16.5]]),
                Curve([[7.0, 9.0], [7.0, 2.4], [13.0, 2.4], [13.0, 9.0]]),
            ],
            Icon::Unlock => &[
                Closed(&[[4.8, 9.0], [15.2, 9.0], [15.2, 16.5], [4.8, 16.5]]),
                Curve([[7.0, 9.0], [7.0, 2.0], [12.4, 1.6], [13.2, 5.6]]),
            ],
            Icon::Plus => &[Line(&[[10.0, 4.5], [10.0, 15.5]]), Line(&[[4.5, 10.0], [15.5, 10.0]])],
            Icon::Close => &[Line(&[[5.5, 5.5], [14.5, 14.5]]), Line(&[[14.5, 5.5], [5.5, 14.5]])],
            Icon::Help => &[
                Circle([10.0, 10.0], 7.0),
                Curve([[7.6, 8.2], [7.6, 5.0], [12.6, 5.0], [12.4, 8.2]]),
                Curve([[12.4, 8.2], [12.2, 9.8], [10.0, 9.8], [10.0, 11.8]]),
                Dot([10.0, 14.0], 0.9),
            ],
            Icon::Sun => &[
                Circle([10.0, 10.0], 3.2),
                Line(&[[10.0, 2.5], [10.0, 4.4]]),
                Line(&[[10.0, 15.6], [10.0, 17.5]]),
                Line(&[[2.5, 10.0], [4.4, 10.0]]),
                Line(&[[15.6, 10.0], [17.5, 10.0]]),
                Line(&[[4.7, 4.7], [6.0, 6.0]]),
                Line(&[[14.0, 14.0], [15.3, 15.3]]),
                Line(&[[4.7, 15.3], [6.0, 14.0]]),
                Line(&[[14.0, 6.0], [15.3, 4.7]]),
            ],
            Icon::Moon => &[
                Curve([[11.6, 3.4], [1.0, 3.4], [1.0, 16.8], [10.4, 16.8]]),
                Curve([[10.4, 16.8], [13.6, 16.8], [16.0, 14.6], [16.6, 12.0]]),
                Curve([[16.6, 12.0], [10.2, 14.4], [7.2, 7.6], [11.6, 3.4]]),
            ],
            Icon::Info => {
                &[Circle([10.0, 10.0], 7.0), Line(&[[10.0, 9.4], [10.0, 14.0]]), Dot([10.0, 6.4], 0.9)]
            }
            Icon::Warning => &[
                Closed(&[[10.0, 3.2], [17.5, 16.2], [2.5, 16.2]]),
                Line(&[[10.0, 8.0], [10.0, 11.6]]),
                Dot([10.0, 13.8], 0.9),
            ],
            Icon::Panel => &[
                Closed(&[[3.5, 4.5], [16.5, 4.5], [16.5, 15.5], [3.5, 15.5]]),
                Line(&[[12.0, 4.5], [12.0, 15.5]]),
            ],
            Icon::Search => &[Circle([9.0, 9.0], 5.0), Line(&[[12.8, 12.8], [17.0, 17.0]])],
            Icon::Layers => &[
                Closed(&[[10.0, 3.5], [17.0, 7.0], [10.0, 10.5], [3.0, 7.0]]),
                Line(&[[3.6, 10.4], [10.0, 13.6], [16.4, 10.4]]),
                Line(&[[3.6, 13.4], [10.0, 16.6], [16.4, 13.4]]),
            ],
            Icon::Two => &[
                Closed(&[[3.0, 4.0], [17.0, 4.0], [17.0, 16.0], [3.0, 16.0]]),
                Line(&[[10.0, 4.0], [10.0, 16.0]]),
            ],
            Icon::OneAndThree => &[
                Closed(&[[3.0, 4.0], [17.0, 4.0], [17.0, 16.0], [3.0, 16.0]]),
                Line(&[[12.4, 4.0], [12.4, 16.0]]),
                Line(&[[12.4, 8.0], [17.0, 8.0]]),
                Line(&[[12.4, 12.0], [17.0, 12.0]]),
            ],
            Icon::Flag => {
                &[Line(&[[5.5, 17.0], [5.5, 4.0], [14.5, 4.0], [12.5, 7.2], [14.5, 10.5], [5.5, 10.5]])]
            }
            Icon::Note => &[
                Closed(&[[4.0, 4.0], [16.0, 4.0], [16.0, 13.0], [13.0, 16.0], [4.0, 16.0]]),
                Line(&[[7.0, 7.5], [13.0, 7.5]]),
                Line(&[[7.0, 10.5], [11.0, 10.5]]),
            ],
            Icon::Chain => &[
                Line(&[[8.5, 11.5], [11.5, 8.5]]),
                Line(&[[7.0, 9.0], [5.0, 11.0]]),
                Curve([[5.0, 11.0], [2.4, 13.6], [6.4, 17.6], [9.0, 15.0]]),
                Line(&[[9.0, 15.0], [11.0, 13.0]]),
                Line(&[[13.0, 11.0], [15.0, 9.0]]),
                Curve([[15.0, 9.0], [17.6, 6.4], [13.6, 2.4], [11.0, 5.0]]),
                Line(&[[11.0, 5.0], [9.0, 7.0]]),
            ],
            Icon::Swap => &[
                Line(&[[4.0, 7.0], [15.0, 7.0]]),
                Line(&[[12.0, 4.0], [15.0, 7.0], [12.0, 10.0]]),
                Line(&[[16.0, 13.0], [5.0, 13.0]]),
                Line(&[[8.0, 10.0], [5.0, 13.0], [8.0, 16.0]]),
            ],
            Icon::List => &[
                Line(&[[7.0, 5.5], [16.5, 5.5]]),
                Line(&[[7.0, 10.0], [16.5, 10.0]]),
                Line(&[[7.0, 14.5], [16.5, 14.5]]),
                Line(&[[3.6, 5.5], [4.4, 5.5]]),
                Line(&[[3.6, 10.0], [4.4, 10.0]]),
                Line(&[[3.6, 14.5], [4.4, 14.5]]),
            ],
            Icon::Thumbnails => &[
                Closed(&[[3.5, 3.5], [9.0, 3.5], [9.0, 9.0], [3.5, 9.0]]),
                Closed(&[[11.0, 3.5], [16.5, 3.5], [16.5, 9.0], [11.0, 9.0]]),
                Closed(&[[3.5, 11.0], [9.0, 11.0], [9.0, 16.5], [3.5, 16.5]]),
                Closed(&[[11.0, 11.0], [16.5, 11.0], [16.5, 16.5], [11.0, 16.5]]),
            ],
            Icon::Star => &[Closed(&[
                [10.0, 3.5],
                [12.0, 7.8],
                [16.6, 8.4],
                [13.2, 11.6],
                [14.1, 16.3],
                [10.0, 14.0],
                [5.9, 16.3],
                [6.8, 11.6],
                [3.4, 8.4],
                [8.0, 7.8],
            ])],
            Icon::Clock => &[Circle([10.0, 10.0], 6.5), Line(&[[10.0, 6.2], [10.0, 10.0], [12.6, 11.8]])],
            Icon::History => &[
                Curve([[4.0, 10.0], [4.0, 7.2], [6.0, 4.7], [8.8, 4.2]]),
                Curve([[8.8, 4.2], [11.5, 3.6], [14.3, 5.0], [15.5, 7.6]]),
                Curve([[15.5, 7.6], [16.6, 10.2], [15.8, 13.2], [13.5, 14.9]]),
                Curve([[13.5, 14.9], [11.2, 16.5], [8.1, 16.4], [6.0, 14.5]]),
                Line(&[[4.0, 10.0], [2.5, 8.0]]),
                Line(&[[4.0, 10.0], [6.0, 8.4]]),
                Line(&[[10.0, 7.0], [10.0, 10.4], [12.2, 11.8]]),
            ],
            Icon::Pause => &[Line(&[[7.5, 5.0], [7.5, 15.0]]), Line(&[[12.5, 5.0], [12.5, 15.0]])],
            Icon::Play => &[Closed(&[[7.0, 4.5], [7.0, 15.5], [15.5, 10.0]])],
            Icon::Stop => &[Closed(&[[5.5, 5.5], [14.5, 5.5], [14.5, 14.5], [5.5, 14.5]])],
            Icon::More => &[Dot([5.0, 10.0], 1.0), Dot([10.0, 10.0], 1.0), Dot([15.0, 10.0], 1.0)],
            Icon::Left => &[Line(&[[12.0, 5.0], [7.0, 10.0], [12.0, 15.0]])],
            Icon::Right => &[Line(&[[8.0, 5.0], [13.0, 10.0], [8.0, 15.0]])],
            Icon::Down => &[Line(&[[5.5, 8.0], [10.0, 12.5], [14.5, 8.0]])],
            Icon::Check => &[Line(&[[4.5, 10.5], [8.3, 14.2], [15.5, 6.2]])],
            Icon::Effects => &[
                Line(&[[4.0, 6.0], [11.0, 6.0]]),
                Line(&[[14.5, 6.0], [16.0, 6.0]]),
                Line(&[[4.0, 10.0], [6.0, 10.0]]),
                Line(&[[9.5, 10.0], [16.0, 10.0]]),
                Line(&[[4.0, 14.0], [9.5, 14.0]]),
                Line(&[[13.0, 14.0], [16.0, 14.0]]),
                Circle([12.6, 6.0], 1.7),
                Circle([7.6, 10.0], 1.7),
                Circle([11.2, 14.0], 1.7),
            ],
        }
    }

    /// Draws the icon in a square.
    pub fn paint(self, painter: &Painter, square: Rect, color: Color32) {
        let scale = square.width() / 20.0;
        let stroke = Stroke::new((1.4 * scale).max(1.1), color);
        let at = |[x, y]: [f32; 2]| -> Pos2 { pos2(square.min.x + x * scale, square.min.y + y * scale) };
        let all = |points: &[[f32; 2]]| points.iter().copied().map(at).collect::<Vec<_>>();
        for part in self.parts() {
            painter.add(match part {
                Line(points) => Shape::line(all(points), stroke),
                Closed(points) => Shape::closed_line(all(points), stroke),
                Circle(center, radius) => Shape::circle_stroke(at(*center), radius * scale, stroke),
                Dot(center, radius) => Shape::circle_filled(at(*center), radius * scale, color),
                Curve(points) => {
                    let curve = egui::epaint::CubicBezierShape::from_points_stroke(
                        points.map(at),
                        false,
                        Color32::TRANSPARENT,
                        stroke,
                    );
                    Shape::line(curve.flatten(Some(0.1)), stroke)
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &[Icon] = &[
        Icon::Window,
        Icon::Open,
        Icon::Save,
        Icon::Export,
        Icon::Undo,
        Icon::Redo,
        Icon::Single,
        Icon::Grid,
        Icon::Cube,
        Icon::Eye,
        Icon::EyeOff,
        Icon::Lock,
        Icon::Unlock,
        Icon::Plus,
        Icon::Close,
        Icon::Help,
        Icon::Sun,
        Icon::Moon,
        Icon::Info,
        Icon::Warning,
        Icon::Panel,
        Icon::Search,
        Icon::Layers,
        Icon::Two,
        Icon::OneAndThree,
        Icon::Flag,
        Icon::Note,
        Icon::Chain,
        Icon::Swap,
        Icon::List,
        Icon::Thumbnails,
        Icon::Star,
        Icon::Clock,
        Icon::History,
        Icon::Pause,
        Icon::Play,
        Icon::Stop,
        Icon::More,
        Icon::Left,
        Icon::Right,
        Icon::Down,
        Icon::Check,
        Icon::Effects,
    ];

    #[test]
    fn every_icon_is_a_picture_of_its_own_within_its_square() {
        for (i, icon) in ALL.iter().enumerate() {
            let parts = icon.parts();
            assert!(!parts.is_empty(), "{icon:?}");
            for part in parts {
                let (points, reach): (&[[f32; 2]], f32) = match part {
                    Line(points) | Closed(points) => (points, 0.0),
                    // A curve does not leave the box of its four points, and may end well within it.
                    Curve([from, .., to]) => (&[*from, *to], 0.0),
                    Circle(center, radius) | Dot(center, radius) => (std::slice::from_ref(center), *radius),
                };
                for &at in points.as_flattened() {
                    assert!(at - reach >= 2.0 && at + reach <= 18.0, "{icon:?}: {part:?}");
                }
            }
            assert!(ALL[..i].iter().all(|other| other.parts() != parts), "{icon:?} is there twice");
        }
    }

    #[test]
    fn every_icon_is_drawn_in_the_colour_that_is_asked_for() {
        let square = Rect::from_min_size(pos2(10.0, 20.0), egui::vec2(40.0, 40.0));
        let ctx = egui::Context::default();
        for icon in ALL {
            let out = ctx.run_ui(Default::default(), |ui| icon.paint(ui.painter(), square, Color32::RED));
            let drawn =
                out.shapes.iter().filter(|shape| square.contains_rect(shape.shape.visual_bounding_rect()));
            assert_eq!(drawn.count(), icon.parts().len(), "{icon:?}");
        }
    }
}
