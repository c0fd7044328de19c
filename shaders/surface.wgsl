// The surfaces of labels, lit, seen without perspective. Colours are gamma encoded, as everywhere.

// Mirrored by SurfaceUniform in src/gpu/layout.rs; tests/shaders.rs compares names and offsets.
struct SurfaceUniform {
    clip_from_patient: mat4x4f,
    // Unit vectors in the patient's frame; w is not used.
    to_light: vec4f,
    to_viewer: vec4f,
}

@group(0) @binding(0) var<uniform> scene: SurfaceUniform;

struct Vertex {
    // LPS millimetres.
    @location(0) position: vec3f,
    @location(1) normal: vec3f,
    // One for each label.
    @location(2) color: vec4f,
}

struct Point {
    @builtin(position) position: vec4f,
    @location(0) normal: vec3f,
    @location(1) @interpolate(flat) color: vec3f,
}

@vertex
fn place(vertex: Vertex) -> Point {
    return Point(scene.clip_from_patient * vec4f(vertex.position, 1.0), vertex.normal, vertex.color.rgb);
}

// Shares of the light; what is in the shade can still be told by its colour.
const AMBIENT = 0.35;
const DIFFUSE = 0.65;
const GLINT = 0.12;

@fragment
fn surface(point: Point) -> @location(0) vec4f {
    let normal = normalize(point.normal);
    let diffuse = max(dot(normal, scene.to_light.xyz), 0.0);
    // Blinn 1977.
    let between = normalize(scene.to_light.xyz + scene.to_viewer.xyz);
    let glint = GLINT * pow(max(dot(normal, between), 0.0), 24.0);
    return vec4f(min(point.color * (AMBIENT + DIFFUSE * diffuse) + glint, vec3f(1.0)), 1.0);
}
