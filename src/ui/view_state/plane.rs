use glam::DVec2;

/// Zoom and place of one view.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlaneViewState {
    /// 1 fits the slice into the view.
    pub magnify: f64,
    /// The slice's point in the middle of the view, in continuous slice coordinates; the slice's own middle where `None`.
    pub center: Option<DVec2>,
}

impl Default for PlaneViewState {
    fn default() -> Self {
        Self { magnify: 1.0, center: None }
    }
}
