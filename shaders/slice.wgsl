// One slice with its overlays. What decides a pixel is written a second time in src/gpu/cpu_twin.rs, function by
// function and in the same order; tests/drawing.rs compares the two.
//
// Slice coordinates are continuous: pixel (i, j) covers i..i+1, j..j+1.

#include "shared/color.wgsl"
#include "shared/triangle.wgsl"

// Mirrored by SliceUniform in src/gpu/layout.rs; tests/shaders.rs compares names and offsets.
struct SliceUniform {
    // Rows of slice_from_target: (xx, xy, offset, 0) and (yx, yy, offset, 0).
    from_target_x: vec4f,
    from_target_y: vec4f,
    // The view's top left corner in the framebuffer, pixels.
    target_origin: vec2f,
    size: vec2i,
    tile_size: vec2i,
    tiles_across: i32,
    // For FILTER_MEAN: along each direction.
    filter_points: i32,
    // shade = raw * gain + bias, black at 0 and white at 1.
    gain: f32,
    bias: f32,
    kind: u32,
    channels: u32,
    mask_fill: f32,
    mask_outline: f32,
    prediction_fill: f32,
    prediction_outline: f32,
    heat_opacity: f32,
    heat_class: i32,
    difference: f32,
    color_count: u32,
    classes: i32,
    classes_per_chunk: i32,
    // Where hatching and dashes start, target pixels: they move with the slice.
    pattern_origin: vec2i,
    // Element of a plane: x + y * right + z * down; w: elements of a plane.
    prediction_steps: vec4i,
    // Elements before the first of each chunk.
    chunk_base: vec4i,
    // Steps in slice coordinates, to eight points around a pixel, an outline's thickness away: xy mask, zw prediction.
    ring: array<vec4f, 8>,
}

const KIND_UNSIGNED = 0u;
const KIND_SIGNED_16 = 1u;
const KIND_FLOAT = 2u;
const KIND_RGB = 3u;

const SOURCE_NONE = 0u;
const SOURCE_LABELS = 1u;
const SOURCE_PROBABILITIES = 2u;

const CHANNELS_COLOR = 0u;
const CHANNELS_RED = 1u;
const CHANNELS_GREEN = 2u;
const CHANNELS_BLUE = 3u;

// `tables`: the heat map's colours, a label for each class, a colour (0xAABBGGRR, alpha 0 is hidden) for each label.
const TABLE_CLASSES: i32 = 256;
const UNKNOWN_COLOR = 0xffffffffu;

// Okabe and Ito, as in Difference of src/gpu/draw/description.rs.
const ADDED_COLOR = 0xffe9b456u;
const REMOVED_COLOR = 0xff005ed5u;
const CHANGED_COLOR = 0xffa779ccu;
const KEPT_COLOR = 0xff739e00u;

// In a texture of predicted labels, where nothing has been predicted; src/label/mod.rs.
const NOT_PREDICTED = 0xffffu;

const FILTER_NEAREST = 0u;
const FILTER_LINEAR = 1u;
const FILTER_MEAN = 2u;

// What a view shows is fixed when its pipeline is made: a rasteriser on the CPU runs every branch that it cannot rule out
// beforehand, and divides slowly.
override FILTER: u32 = FILTER_LINEAR;
override TILED: bool = true;
override MASK: bool = true;
override MASK_OUTLINE: bool = true;
override PREDICTION: u32 = SOURCE_PROBABILITIES;
override PREDICTION_OUTLINE: bool = true;
override CHUNKED: bool = true;
override HEAT: bool = true;
override DIFFERENCE: bool = false;
// The target encodes what it is given.
override ENCODED_TARGET: bool = false;

@group(0) @binding(0) var<uniform> view: SliceUniform;
// Native samples: unsigned as they are, signed and float as their bits. Tiles are the layers.
@group(0) @binding(1) var image: texture_2d_array<u32>;
@group(0) @binding(2) var mask: texture_2d_array<u32>;
@group(0) @binding(3) var predicted: texture_2d_array<u32>;
@group(0) @binding(4) var<storage, read> tables: array<u32>;
// Probabilities, [classes][height][width] of the native slice; several bindings where one would be too large.
@group(0) @binding(5) var<storage, read> chunk_0: array<f32>;
@group(0) @binding(6) var<storage, read> chunk_1: array<f32>;
@group(0) @binding(7) var<storage, read> chunk_2: array<f32>;
@group(0) @binding(8) var<storage, read> chunk_3: array<f32>;

fn slice_from_target(at: vec2f) -> vec2f {
    return vec2f(
        view.from_target_x.x * at.x + (view.from_target_x.y * at.y + view.from_target_x.z),
        view.from_target_y.y * at.y + (view.from_target_y.x * at.x + view.from_target_y.z),
    );
}

fn inside(pixel: vec2i) -> bool {
    return all(pixel >= vec2i(0)) && all(pixel < view.size);
}

// Texel and layer of a pixel.
fn tiled(pixel: vec2i) -> vec3i {
    if !TILED {
        return vec3i(pixel, 0);
    }
    let tile = pixel / view.tile_size;
    return vec3i(pixel - tile * view.tile_size, tile.y * view.tiles_across + tile.x);
}

// --- The image

fn float_shade(bits: u32) -> f32 {
    // By bits, since a compiler may assume that there are no such numbers: NaN is black, infinities are the ends.
    if (bits & 0x7f800000u) == 0x7f800000u {
        let positive = bits == 0x7f800000u;
        let negative = bits == 0xff800000u;
        return select(0.0, 1.0, select(positive, negative, view.gain < 0.0));
    }
    return clamp(bitcast<f32>(bits) * view.gain + view.bias, -1e4, 1e4);
}

fn texel_shade(pixel: vec2i) -> vec3f {
    let at = tiled(clamp(pixel, vec2i(0), view.size - 1));
    let raw = textureLoad(image, at.xy, at.z, 0);
    switch view.kind {
        case KIND_RGB: {
            let rgb = vec3f(raw.rgb);
            switch view.channels {
                case CHANNELS_COLOR: { return rgb * view.gain + view.bias; }
                case CHANNELS_RED: { return vec3f(rgb.r * view.gain + view.bias); }
                case CHANNELS_GREEN: { return vec3f(rgb.g * view.gain + view.bias); }
                case CHANNELS_BLUE: { return vec3f(rgb.b * view.gain + view.bias); }
                default: {
                    let luma = 0.299 * rgb.r + 0.587 * rgb.g + 0.114 * rgb.b;
                    return vec3f(luma * view.gain + view.bias);
                }
            }
        }
        case KIND_FLOAT: { return vec3f(float_shade(raw.r)); }
        case KIND_SIGNED_16: { return vec3f(f32(bitcast<i32>(raw.r << 16u) >> 16u) * view.gain + view.bias); }
        default: { return vec3f(f32(raw.r) * view.gain + view.bias); }
    }
}

fn image_shade(at: vec2f, here: vec2f) -> vec3f {
    if FILTER == FILTER_NEAREST {
        return texel_shade(vec2i(floor(here)));
    }
    if FILTER == FILTER_LINEAR {
        let corner = floor(here - 0.5);
        let part = here - 0.5 - corner;
        let pixel = vec2i(corner);
        let a = texel_shade(pixel);
        let b = texel_shade(pixel + vec2i(1, 0));
        let c = texel_shade(pixel + vec2i(0, 1));
        let d = texel_shade(pixel + vec2i(1, 1));
        let upper = a + (b - a) * part.x;
        let lower = c + (d - c) * part.x;
        return upper + (lower - upper) * part.y;
    }
    var sum = vec3f(0.0);
    let step = 1.0 / f32(view.filter_points);
    for (var j = 0; j < view.filter_points; j++) {
        for (var i = 0; i < view.filter_points; i++) {
            let offset = (vec2f(vec2i(i, j)) + 0.5) * step - 0.5;
            sum += texel_shade(vec2i(floor(slice_from_target(at + offset))));
        }
    }
    return sum * (step * step);
}

// --- Labels; a hidden one counts as background

fn label_color(label: u32) -> u32 {
    if label >= view.color_count {
        return UNKNOWN_COLOR;
    }
    return tables[TABLE_CLASSES + view.classes + i32(label)];
}

fn shown(label: u32) -> u32 {
    return select(label, 0u, (label_color(label) >> 24u) == 0u);
}

fn mask_at(pixel: vec2i) -> u32 {
    if !MASK || !inside(pixel) {
        return 0u;
    }
    let at = tiled(pixel);
    return shown(textureLoad(mask, at.xy, at.z, 0).r);
}

fn probability(class_index: i32, pixel: vec2i) -> f32 {
    let steps = view.prediction_steps;
    let within = steps.x + pixel.x * steps.y + pixel.y * steps.z;
    if !CHUNKED {
        return chunk_0[view.chunk_base.x + class_index * steps.w + within];
    }
    let chunk = class_index / view.classes_per_chunk;
    let index = view.chunk_base[chunk] + (class_index - chunk * view.classes_per_chunk) * steps.w + within;
    switch chunk {
        case 0: { return chunk_0[index]; }
        case 1: { return chunk_1[index]; }
        case 2: { return chunk_2[index]; }
        default: { return chunk_3[index]; }
    }
}

fn predicted_at(pixel: vec2i) -> u32 {
    if PREDICTION == SOURCE_NONE || !inside(pixel) {
        return 0u;
    }
    if PREDICTION == SOURCE_LABELS {
        let at = tiled(pixel);
        let label = textureLoad(predicted, at.xy, at.z, 0).r;
        return select(shown(label), label, label == NOT_PREDICTED);
    }
    // The first of equals, as in nn::SlicePrediction::labels.
    var best = 0;
    var highest = probability(0, pixel);
    for (var i = 1; i < view.classes; i++) {
        let p = probability(i, pixel);
        if p > highest {
            highest = p;
            best = i;
        }
    }
    return shown(tables[TABLE_CLASSES + best]);
}

fn mask_edge(here: vec2f, label: u32) -> bool {
    for (var i = 0; i < 8; i++) {
        if mask_at(vec2i(floor(here + view.ring[i].xy))) != label {
            return true;
        }
    }
    return false;
}

fn predicted_edge(here: vec2f, label: u32) -> bool {
    for (var i = 0; i < 8; i++) {
        let other = predicted_at(vec2i(floor(here + view.ring[i].zw)));
        if other != label && other != NOT_PREDICTED {
            return true;
        }
    }
    return false;
}

// --- Patterns, in target pixels

fn on_stripe(at: vec2i) -> bool {
    return ((at.x + at.y) & 7) < 4;
}

// Slanted unlike any common edge, so that edges in every direction are broken.
fn on_dash(at: vec2i) -> bool {
    let phase = (2 * at.x + 3 * at.y) % 12;
    return select(phase, phase + 12, phase < 0) < 8;
}

// --- Layers

fn with_heat(below: vec3f, pixel: vec2i) -> vec3f {
    let p = clamp(probability(view.heat_class, pixel), 0.0, 1.0);
    let color = unpack_color(tables[i32(floor(p * 255.0 + 0.5))]);
    return over(below, color, view.heat_opacity * min(p * 10.0, 1.0));
}

fn with_difference(below: vec3f, pixel: vec2i, pattern: vec2i) -> vec3f {
    let held = mask_at(pixel);
    let proposed = predicted_at(pixel);
    if (held == 0u && proposed == 0u) || proposed == NOT_PREDICTED {
        return below;
    }
    if held == proposed {
        return over(below, unpack_color(KEPT_COLOR), view.difference * 0.5);
    }
    if held == 0u {
        return over(below, unpack_color(ADDED_COLOR), view.difference);
    }
    if proposed == 0u {
        let opacity = select(0.5, 1.0, on_stripe(pattern));
        return over(below, unpack_color(REMOVED_COLOR), view.difference * opacity);
    }
    return over(below, unpack_color(CHANGED_COLOR), view.difference);
}

fn with_labels(below: vec3f, here: vec2f, pixel: vec2i, pattern: vec2i) -> vec3f {
    let held = mask_at(pixel);
    let found = predicted_at(pixel);
    let proposed = select(found, 0u, found == NOT_PREDICTED);
    let held_color = unpack_color(label_color(held));
    let proposed_color = unpack_color(label_color(proposed));
    var color = below;
    if held != 0u {
        color = over(color, held_color, view.mask_fill);
    }
    if proposed != 0u {
        color = over(color, proposed_color, view.prediction_fill * select(0.5, 1.0, on_stripe(pattern)));
    }
    if MASK_OUTLINE && held != 0u && mask_edge(here, held) {
        color = over(color, held_color, view.mask_outline);
    }
    if PREDICTION_OUTLINE && proposed != 0u && on_dash(pattern) && predicted_edge(here, proposed) {
        color = over(color, proposed_color, view.prediction_outline);
    }
    return color;
}

@fragment
fn slice(@builtin(position) position: vec4f) -> @location(0) vec4f {
    let at = position.xy - view.target_origin;
    let here = slice_from_target(at);
    let pixel = vec2i(floor(here));
    if !inside(pixel) {
        discard;
    }
    let pattern = vec2i(floor(at)) - view.pattern_origin;
    var color = clamp(image_shade(at, here), vec3f(0.0), vec3f(1.0));
    if HEAT {
        color = with_heat(color, pixel);
    }
    if DIFFERENCE {
        color = with_difference(color, pixel, pattern);
    } else if MASK || PREDICTION != SOURCE_NONE {
        color = with_labels(color, here, pixel, pattern);
    }
    if ENCODED_TARGET {
        color = linear_from_gamma(color);
    }
    return vec4f(color, 1.0);
}
