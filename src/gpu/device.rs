//! The one wgpu device of the window, made so that burn can compute on it too.

use egui_wgpu::WgpuSetupCreateNew;
use std::sync::Arc;

/// For eframe's `wgpu_options.wgpu_setup`: eframe chooses the adapter by its surface and makes the device.
pub fn wgpu_setup() -> WgpuSetupCreateNew {
    WgpuSetupCreateNew {
        device_descriptor: Arc::new(device_descriptor),
        ..WgpuSetupCreateNew::without_display_handle()
    }
}

/// Everything that the adapter offers. cubecl, below burn, decides what kernels to write by what the *adapter* can do,
/// so a device with less would be handed kernels that it must refuse.
pub fn device_descriptor(adapter: &wgpu::Adapter) -> wgpu::DeviceDescriptor<'static> {
    wgpu::DeviceDescriptor {
        label: Some("fovea"),
        // Mappable primary buffers make every buffer slow on cards with memory of their own; cubecl leaves them out too.
        required_features: adapter.features().difference(wgpu::Features::MAPPABLE_PRIMARY_BUFFERS),
        required_limits: adapter.limits(),
        // The drawing needs little, and burn has a pool of its own.
        memory_hints: wgpu::MemoryHints::MemoryUsage,
        experimental_features: experimental_features(),
        trace: wgpu::Trace::Off,
    }
}

#[expect(
    unsafe_code,
    reason = "wgpu asks for an acknowledgement that its experimental features may hold bugs"
)]
fn experimental_features() -> wgpu::ExperimentalFeatures {
    // SAFETY: the call itself does nothing; it says that we know of possible bugs in features marked experimental.
    // cubecl uses those that it has been tested with (its own device asks for them in the same way); our shaders use none.
    unsafe { wgpu::ExperimentalFeatures::enabled() }
}

/// What draws, for the status bar and `fovea devices`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdapterDescription {
    pub name: String,
    pub driver: String,
    /// Vulkan, Metal, DX12, OpenGL.
    pub api: &'static str,
    /// A rasteriser that runs on the CPU.
    pub software: bool,
    /// The longest side of a texture in pixels; larger slices are held in tiles.
    pub max_texture: u32,
}

impl AdapterDescription {
    pub fn of(adapter: &wgpu::Adapter) -> Self {
        let info = adapter.get_info();
        Self {
            name: info.name,
            driver: [info.driver.trim(), info.driver_info.trim()].join(" ").trim().to_owned(),
            api: match info.backend {
                wgpu::Backend::Vulkan => "Vulkan",
                wgpu::Backend::Metal => "Metal",
                wgpu::Backend::Dx12 => "DX12",
                wgpu::Backend::Gl => "OpenGL",
                wgpu::Backend::BrowserWebGpu => "WebGPU",
                wgpu::Backend::Noop => "none",
            },
            software: info.device_type == wgpu::DeviceType::Cpu,
            max_texture: adapter.limits().max_texture_dimension_2d,
        }
    }
}

impl std::fmt::Display for AdapterDescription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let software = if self.software { ", software" } else { "" };
        write!(f, "{} ({}{software})", self.name, self.api)
    }
}
