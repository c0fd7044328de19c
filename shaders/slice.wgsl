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
    // Instead of fill and outline, where a part is too thin for both.
    mask_thin: f32,
    prediction_thin: f32,
    // Opacity of the dots over predicted areas.
    dots: f32,
    // The image's shades are multiplied by it.
    light: f32,
    heat_opacity: f32,
    heat_class: i32,
    difference: f32,
    preview: f32,
    // Of the white rim around what a preview changes.
    preview_rim: f32,
    color_count: u32,
    classes: i32,
    classes_per_chunk: i32,
    // The hatch of a preview, as in pattern.
    hatch: vec2f,
    // Where dots and dashes start, target pixels: they move with the slice.
    pattern_origin: vec2i,
    // One over the period in target pixels, and the share of it that is drawn: xy dots, zw dashes.
    pattern: vec4f,
    // Element of a plane: x + y * right + z * down; w: elements of a plane.
    prediction_steps: vec4i,
    // Elements before the first of each chunk.
    chunk_base: vec4i,
    // Steps in slice coordinates, to eight points around a pixel, an outline's thickness away: xy mask, zw prediction.
    ring: array<vec4f, 8>,
    // In the same eight directions: xy to the rim of a disc around a pixel, as wide as the thinnest part that has an
    // outline; zw a third of the way to the middle of such a disc that the pixel is at the rim of.
    disc: array<vec4f, 8>,
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
const ADDED_COLOR = 0xff5cff5cu;
const REMOVED_COLOR = 0xffff4dffu;
const CHANGED_COLOR = 0xffb0ffffu;
const KEPT_COLOR = 0xffffffffu;
// Of the opacity of what differs: 0.16 of 0.85.
const KEPT_SHARE = 0.1875;

// Below the dashes of a prediction's outline, so that they can be seen on any image.
const BELOW_DASHES = 0.35;
// Of the opacity of a thin part of a prediction, between its dashes.
const THIN_GAP = 0.5;

const LAYER_MASK = 0u;
const LAYER_PREDICTION = 1u;

// How a layer is drawn in a pixel of one of its labels.
const PART_AREA = 0u;
const PART_OUTLINE = 1u;
const PART_THIN = 2u;

// What is lost in a preview is darkened so much, below its dots.
const LOST_SHADE = 0.45;
// Told apart from the labels that are gained.
const LOST = 0x10000u;

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
override MASK_PARTS: bool = true;
override PREDICTION: u32 = SOURCE_PROBABILITIES;
override PREDICTION_PARTS: bool = true;
override CHUNKED: bool = true;
override HEAT: bool = true;
override DIFFERENCE: bool = false;
override PREVIEW: bool = false;
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

// Whether a label ends before a point: another is there, and it is known which.
fn ends(layer: u32, at: vec2f, label: u32) -> bool {
    let pixel = vec2i(floor(at));
    if layer == LAYER_MASK {
        return mask_at(pixel) != label;
    }
    let other = predicted_at(pixel);
    return other != label && other != NOT_PREDICTED;
}

// The index among the eight directions that is opposite to a sum of them.
fn opposite(sum: vec2i) -> i32 {
    let length = abs(sum);
    var index = 0;
    if 5 * min(length.x, length.y) > 2 * max(length.x, length.y) {
        index = select(select(5, 7, sum.x > 0), select(3, 1, sum.x > 0), sum.y > 0);
    } else if length.x > length.y {
        index = select(4, 0, sum.x > 0);
    } else {
        index = select(6, 2, sum.y > 0);
    }
    return (index + 4) & 7;
}

// A part is thin where no disc of the least width lies in it. Looking for one takes few samples: most pixels are the
// middle of one, and near an end of the label the first that lies away from there is nearly always one. Looking along
// lines instead would take every corner for a thin part.
fn part_of(layer: u32, here: vec2f, label: u32) -> u32 {
    var compass = array<vec2i, 8>(
        vec2i(7, 0), vec2i(5, 5), vec2i(0, 7), vec2i(-5, 5), vec2i(-7, 0), vec2i(-5, -5), vec2i(0, -7), vec2i(5, -5),
    );
    var near = false;
    var sum = vec2i(0);
    for (var i = 0; i < 8; i++) {
        if ends(layer, here + view.disc[i].xy, label) {
            near = true;
            sum += compass[i];
        }
    }
    if !near {
        return PART_AREA;
    }
    if all(sum == vec2i(0)) {
        return PART_THIN;
    }
    let step = view.disc[opposite(sum)].zw;
    var middle = here + step + step + step;
    var thin = true;
    for (var k = 0; k < 3 && thin; k++) {
        thin = false;
        for (var i = 0; i < 8 && !thin; i++) {
            thin = ends(layer, middle + view.disc[i].xy, label);
        }
        middle -= step;
    }
    if thin {
        return PART_THIN;
    }
    for (var i = 0; i < 8; i++) {
        let line = select(view.ring[i].zw, view.ring[i].xy, layer == LAYER_MASK);
        if ends(layer, here + line, label) {
            return PART_OUTLINE;
        }
    }
    return PART_AREA;
}

// --- Patterns; `at` is a pixel's middle, so that it is never on the border between two

fn on_dot(at: vec2f) -> bool {
    return all(fract(at * view.pattern.x) < vec2f(view.pattern.y));
}

// Slanted unlike any common edge, so that edges in every direction are broken.
fn on_dash(at: vec2f) -> bool {
    return fract((at.x + 2.0 * at.y) * view.pattern.z) < view.pattern.w;
}

// At 45 degrees.
fn on_hatch(at: vec2f) -> bool {
    return fract((at.x + at.y) * view.hatch.x) < view.hatch.y;
}

// --- Layers

fn with_heat(below: vec3f, pixel: vec2i) -> vec3f {
    let p = clamp(probability(view.heat_class, pixel), 0.0, 1.0);
    let color = unpack_color(tables[i32(floor(p * 255.0 + 0.5))]);
    return over(below, color, view.heat_opacity * min(p * 10.0, 1.0));
}

fn with_difference(below: vec3f, pixel: vec2i) -> vec3f {
    let held = mask_at(pixel);
    let proposed = predicted_at(pixel);
    if (held == 0u && proposed == 0u) || proposed == NOT_PREDICTED {
        return below;
    }
    if held == proposed {
        return over(below, unpack_color(KEPT_COLOR), view.difference * KEPT_SHARE);
    }
    if held == 0u {
        return over(below, unpack_color(ADDED_COLOR), view.difference);
    }
    if proposed == 0u {
        return over(below, unpack_color(REMOVED_COLOR), view.difference);
    }
    return over(below, unpack_color(CHANGED_COLOR), view.difference);
}

// What a preview would change: 0 for nothing, the label that is gained, or LOST and the label that is lost.
fn changed(pixel: vec2i) -> u32 {
    let held = mask_at(pixel);
    let proposed = predicted_at(pixel);
    if held == proposed || proposed == NOT_PREDICTED {
        return 0u;
    }
    return select(proposed, LOST | held, proposed == 0u);
}

fn with_preview(below: vec3f, here: vec2f, pixel: vec2i, pattern: vec2f) -> vec3f {
    let change = changed(pixel);
    if change == 0u {
        return below;
    }
    for (var i = 0; i < 8; i++) {
        if changed(vec2i(floor(here + 0.5 * view.ring[i].xy))) != change {
            return over(below, vec3f(1.0), view.preview_rim);
        }
    }
    let color = unpack_color(label_color(change & 0xffffu));
    if change < LOST {
        return over(below, color, select(0.0, view.preview, on_hatch(pattern)));
    }
    let dark = over(below, vec3f(0.0), LOST_SHADE * view.preview);
    return over(dark, color, select(0.0, view.preview, on_dot(pattern)));
}

fn with_mask(below: vec3f, here: vec2f, pixel: vec2i) -> vec3f {
    let label = mask_at(pixel);
    if label == 0u {
        return below;
    }
    let color = unpack_color(label_color(label));
    var part = PART_AREA;
    if MASK_PARTS {
        part = part_of(LAYER_MASK, here, label);
    }
    if part == PART_THIN {
        return over(below, color, view.mask_thin);
    }
    let filled = over(below, color, view.mask_fill);
    return over(filled, color, select(0.0, view.mask_outline, part == PART_OUTLINE));
}

fn with_prediction(below: vec3f, here: vec2f, pixel: vec2i, pattern: vec2f) -> vec3f {
    let label = predicted_at(pixel);
    if label == 0u || label == NOT_PREDICTED {
        return below;
    }
    let color = unpack_color(label_color(label));
    var part = PART_AREA;
    if PREDICTION_PARTS {
        part = part_of(LAYER_PREDICTION, here, label);
    }
    let dash = on_dash(pattern);
    if part == PART_THIN {
        return over(below, color, view.prediction_thin * select(THIN_GAP, 1.0, dash));
    }
    var filled = over(below, color, view.prediction_fill);
    filled = over(filled, color, select(0.0, view.dots, on_dot(pattern)));
    if part != PART_OUTLINE {
        return filled;
    }
    let dark = over(filled, vec3f(0.0), BELOW_DASHES * view.prediction_outline);
    return over(dark, color, select(0.0, view.prediction_outline, dash));
}

@fragment
fn slice(@builtin(position) position: vec4f) -> @location(0) vec4f {
    let at = position.xy - view.target_origin;
    let here = slice_from_target(at);
    let pixel = vec2i(floor(here));
    if !inside(pixel) {
        discard;
    }
    let pattern = vec2f(vec2i(floor(at)) - view.pattern_origin) + 0.5;
    var color = clamp(image_shade(at, here), vec3f(0.0), vec3f(1.0)) * view.light;
    if HEAT {
        color = with_heat(color, pixel);
    }
    if DIFFERENCE {
        color = with_difference(color, pixel);
    } else {
        if MASK {
            color = with_mask(color, here, pixel);
        }
        if PREVIEW {
            color = with_preview(color, here, pixel, pattern);
        } else if PREDICTION != SOURCE_NONE {
            color = with_prediction(color, here, pixel, pattern);
        }
    }
    if ENCODED_TARGET {
        color = linear_from_gamma(color);
    }
    return vec4f(color, 1.0);
}
