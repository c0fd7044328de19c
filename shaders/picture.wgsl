// A picture that was drawn before, pixel for pixel, over what is there. Its colours are premultiplied by its opacity.

#include "shared/color.wgsl"
#include "shared/triangle.wgsl"

// The target encodes what it is given.
override ENCODED_TARGET: bool = false;

@group(0) @binding(0) var picture: texture_2d<f32>;
// The picture's top left corner in the framebuffer, pixels; zw is not used.
@group(0) @binding(1) var<uniform> origin: vec4f;

@fragment
fn show(@builtin(position) position: vec4f) -> @location(0) vec4f {
    let at = vec2i(floor(position.xy - origin.xy));
    if any(at < vec2i(0)) || any(at >= vec2i(textureDimensions(picture))) {
        discard;
    }
    var color = textureLoad(picture, at, 0);
    if ENCODED_TARGET && color.a > 0.0 {
        color = vec4f(linear_from_gamma(color.rgb / color.a) * color.a, color.a);
    }
    return color;
}
