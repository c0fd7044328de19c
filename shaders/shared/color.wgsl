// Colours are gamma encoded sRGB, as egui draws them.

fn unpack_color(packed: u32) -> vec3f {
    return vec3f(vec3u(packed & 0xffu, (packed >> 8u) & 0xffu, (packed >> 16u) & 0xffu)) / 255.0;
}

fn over(below: vec3f, color: vec3f, opacity: f32) -> vec3f {
    return below + (color - below) * opacity;
}

// IEC 61966-2-1; for a target that encodes what it is given.
fn linear_from_gamma(color: vec3f) -> vec3f {
    let low = color / 12.92;
    let high = pow((color + 0.055) / 1.055, vec3f(2.4));
    return select(high, low, color <= vec3f(0.04045));
}
