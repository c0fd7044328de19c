/// A stroke of an icon, on a grid of 20 × 20 from the upper left corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum IconPart {
    /// From point to point.
    Line(&'static [[f32; 2]]),
    /// From point to point, and back to the first.
    Closed(&'static [[f32; 2]]),
    /// Centre and radius.
    Circle([f32; 2], f32),
    /// A filled circle: centre and radius.
    Dot([f32; 2], f32),
    /// A cubic Bézier curve: where it starts, two control points, and where it ends.
    Curve([[f32; 2]; 4]),
}
