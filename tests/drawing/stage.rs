//! A graphics device without a window, and pictures drawn on it.

use egui_wgpu::{RenderState, RendererOptions, WgpuSetup};
use fovea::{
    gpu::{Limits, SliceDraw, SliceRenderer, device},
    nn,
};
use image::RgbaImage;
use std::sync::OnceLock;

pub const FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;

/// The device that every test draws on, made as the window makes its own; `None` (said aloud) without an adapter.
pub fn stage() -> Option<&'static RenderState> {
    static STAGE: OnceLock<Option<RenderState>> = OnceLock::new();
    let stage = STAGE.get_or_init(|| {
        let any = !nn::adapters().is_empty();
        any.then(fresh_stage)
    });
    if stage.is_none() {
        fovea::testing::lacking(
            "FOVEA_REQUIRE_GPU",
            "there is no graphics adapter to draw on (Debian: libvulkan1 and mesa-vulkan-drivers)",
        );
    }
    stage.as_ref()
}

/// A device of its own, as `egui_kittest` wants one.
pub fn fresh_stage() -> RenderState {
    let setup = WgpuSetup::CreateNew(device::wgpu_setup());
    let state = egui_kittest::wgpu::create_render_state(setup, RendererOptions::PREDICTABLE);
    println!("drawing on {}", device::AdapterDescription::of(&state.adapter));
    state
}

pub fn renderer(stage: &RenderState) -> SliceRenderer {
    SliceRenderer::new(&stage.device, FORMAT)
}

pub fn renderer_with(stage: &RenderState, change: impl Fn(&mut Limits)) -> SliceRenderer {
    let mut limits = Limits::of(&stage.device);
    change(&mut limits);
    SliceRenderer::with_limits(&stage.device, FORMAT, limits)
}

/// Draws views side by side in one frame, each `size` large.
pub fn render_all(
    stage: &RenderState,
    renderer: &mut SliceRenderer,
    draws: &[&SliceDraw],
    [width, height]: [u32; 2],
) -> Vec<RgbaImage> {
    let count = draws.len() as u32;
    let prepared: Vec<_> = (0..)
        .zip(draws)
        .map(|(i, draw)| renderer.prepare(&stage.device, &stage.queue, draw, [(i * width) as f32, 0.0]))
        .collect();
    let whole = picture(stage, [width * count, height], |pass| {
        for (i, prepared) in (0..).zip(&prepared) {
            pass.set_viewport((i * width) as f32, 0.0, width as f32, height as f32, 0.0, 1.0);
            pass.set_scissor_rect(i * width, 0, width, height);
            if let Some(prepared) = prepared {
                renderer.paint(pass, prepared);
            }
        }
    });
    let part = |i| image::imageops::crop_imm(&whole, i * width, 0, width, height).to_image();
    (0..count).map(part).collect()
}

/// What a pass draws, read back.
pub fn picture(
    stage: &RenderState,
    [width, height]: [u32; 2],
    paint: impl FnOnce(&mut wgpu::RenderPass),
) -> RgbaImage {
    let (device, queue) = (&stage.device, &stage.queue);
    let texture = device.create_texture(&wgpu::TextureDescriptor {
        label: Some("picture"),
        size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: FORMAT,
        usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
        view_formats: &[],
    });
    let mut encoder = device.create_command_encoder(&Default::default());
    paint(&mut encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
        color_attachments: &[Some(wgpu::RenderPassColorAttachment {
            view: &texture.create_view(&Default::default()),
            depth_slice: None,
            resolve_target: None,
            ops: wgpu::Operations {
                load: wgpu::LoadOp::Clear(wgpu::Color::TRANSPARENT),
                store: wgpu::StoreOp::Store,
            },
        })],
        ..Default::default()
    }));
    let row_bytes = (width * 4).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("read back"),
        size: u64::from(row_bytes * height),
        usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });
    encoder.copy_texture_to_buffer(
        texture.as_image_copy(),
        wgpu::TexelCopyBufferInfo {
            buffer: &buffer,
            layout: wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(row_bytes),
                rows_per_image: None,
            },
        },
        texture.size(),
    );
    queue.submit([encoder.finish()]);
    buffer.map_async(wgpu::MapMode::Read, .., |result| result.unwrap());
    device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
    let bytes = buffer.get_mapped_range(..).unwrap();
    RgbaImage::from_fn(width, height, |x, y| {
        let at = (y * row_bytes + x * 4) as usize;
        image::Rgba(bytes[at..at + 4].try_into().unwrap())
    })
}

pub fn render(
    stage: &RenderState,
    renderer: &mut SliceRenderer,
    draw: &SliceDraw,
    size: [u32; 2],
) -> RgbaImage {
    render_all(stage, renderer, &[draw], size).remove(0)
}

/// The largest difference of any channel of any pixel, and how many pixels differ by more than `allowed`.
pub fn difference(a: &RgbaImage, b: &RgbaImage, allowed: u8) -> (u8, usize) {
    assert_eq!(a.dimensions(), b.dimensions());
    let of = |(p, q): (&image::Rgba<u8>, &image::Rgba<u8>)| {
        p.0.iter().zip(q.0).map(|(&x, y)| x.abs_diff(y)).max().unwrap_or(0)
    };
    let all: Vec<u8> = a.pixels().zip(b.pixels()).map(of).collect();
    (all.iter().copied().max().unwrap_or(0), all.iter().filter(|&&d| d > allowed).count())
}

/// How far a colour channel (0 to 255) on the device may be from the twin's: multiplications and additions may be fused
/// there, so that a value half way between two whole ones falls to the other side.
pub const ROUNDING: u8 = 1;

#[track_caller]
pub fn assert_same(gpu: &RgbaImage, twin: &RgbaImage, allowed: u8, what: &str) {
    assert!(twin.pixels().any(|p| p.0[3] == 255), "{what}: nothing is drawn");
    let (most, count) = difference(gpu, twin, allowed);
    if most > allowed {
        let at = gpu.enumerate_pixels().find(|(x, y, p)| {
            p.0.iter().zip(twin.get_pixel(*x, *y).0).any(|(&a, b)| a.abs_diff(b) > allowed)
        });
        let (x, y, p) = at.unwrap();
        panic!(
            "{what}: {count} pixels differ, by up to {most}; at {x}, {y}: {:?} not {:?}",
            p.0,
            twin.get_pixel(x, y).0
        );
    }
}
