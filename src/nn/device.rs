//! Where networks run: flex on the CPU, or wgpu on a graphics card; chosen at run time, with the reason.

use super::{blocks::expect_loops_to_end, queue::QueuePause, self_test};
use burn::tensor::{
    DType, Device,
    wgpu::{WgpuSetup, wgpu},
};
use serde::{Deserialize, Serialize};
use std::{
    pin::pin,
    sync::OnceLock,
    task::{Context, Poll, Waker},
};

/// What the user asks for (`--device`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceChoice {
    /// A graphics card that passes the self-test, else the CPU. A software rasteriser is no graphics card.
    #[default]
    Auto,
    /// The graphics adapter, a software rasteriser included; an error where there is none.
    Gpu,
    Cpu,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// flex, pure Rust.
    Cpu,
    /// wgpu on a graphics card.
    Gpu,
    /// wgpu on a driver that computes on the CPU (lavapipe, WARP): for tests.
    Software,
}

#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    #[error(
        "there is no graphics adapter to compute on ({0}); install the card's Vulkan driver (Debian: libvulkan1 and \
         mesa-vulkan-drivers) or compute on the CPU"
    )]
    NoAdapter(String),
    #[error("{adapter} failed the self-test and is not used: {reason}; compute on the CPU instead")]
    SelfTest { adapter: String, reason: String },
}

/// A graphics adapter as its driver describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdapterFacts {
    pub name: String,
    /// Driver, its version and the graphics API.
    pub driver: String,
    pub software: bool,
    /// The largest buffer that a shader may bind, bytes.
    pub largest_binding: u64,
}

impl AdapterFacts {
    fn of(adapter: &wgpu::Adapter) -> Self {
        let info = adapter.get_info();
        let driver = [info.driver.trim(), info.driver_info.trim()].join(" ");
        Self {
            name: info.name,
            driver: format!("{} ({:?})", driver.trim(), info.backend),
            software: info.device_type == wgpu::DeviceType::Cpu,
            largest_binding: adapter.limits().max_storage_buffer_binding_size,
        }
    }
}

/// A wgpu device that burn computes on. Made once for each wgpu device and cloned.
#[derive(Clone, Debug)]
pub struct SharedGpu {
    device: Device,
    facts: AdapterFacts,
    pause: QueuePause,
}

impl SharedGpu {
    /// Registers the window's own wgpu device with burn, so that a prediction can be drawn from its buffer. The device
    /// must have every feature of the adapter but `MAPPABLE_PRIMARY_BUFFERS`, and its limits. Call once, on the window's
    /// thread.
    pub fn register(setup: WgpuSetup) -> Result<Self, DeviceError> {
        let (facts, window) = (AdapterFacts::of(&setup.adapter), setup.device.clone());
        let device = Device::wgpu_options()
            .tasks_max(TASKS_MAX)
            .setup(setup)
            .init()
            .map_err(|e| DeviceError::NoAdapter(e.to_string()))?;
        let gpu = Self::new(device, facts);
        gpu.pause.watch_errors(&window);
        Ok(gpu)
    }

    fn new(device: Device, facts: AdapterFacts) -> Self {
        if facts.software {
            expect_loops_to_end();
        }
        Self { device, facts, pause: QueuePause::default() }
    }

    /// Waits where the window needs the device's queue for itself. Called by the networks' thread between two steps.
    pub fn yield_queue(&self) {
        self.pause.wait(|| {
            // A failure here comes again where its result is waited for.
            let _ = self.device.sync();
        });
    }

    /// A device of its own, for programs without a window; created on the first call.
    pub fn headless() -> Result<Self, DeviceError> {
        static HEADLESS: OnceLock<Result<SharedGpu, String>> = OnceLock::new();
        HEADLESS
            .get_or_init(|| {
                let (device, setup) = Device::wgpu_options()
                    .tasks_max(TASKS_MAX)
                    .init_with_setup()
                    .map_err(|e| e.to_string())?;
                Ok(Self::new(device, AdapterFacts::of(&setup.adapter)))
            })
            .clone()
            .map_err(DeviceError::NoAdapter)
    }

    pub fn facts(&self) -> &AdapterFacts {
        &self.facts
    }

    /// This adapter as a compute device, whatever the self-test says.
    pub fn compute(&self, reason: impl Into<String>) -> ComputeDevice {
        ComputeDevice {
            device: self.device.clone(),
            kind: if self.facts.software { DeviceKind::Software } else { DeviceKind::Gpu },
            name: self.facts.name.clone(),
            driver: self.facts.driver.clone(),
            reason: reason.into(),
            largest_tensor: self.facts.largest_binding,
        }
    }
}

/// Dispatches that burn collects before it submits them; few enough that the window's own work gets its turn.
const TASKS_MAX: usize = 32;

/// A device that networks are built on. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ComputeDevice {
    device: Device,
    kind: DeviceKind,
    name: String,
    driver: String,
    reason: String,
    largest_tensor: u64,
}

impl ComputeDevice {
    /// The CPU; `reason` says why it was chosen.
    pub fn cpu(reason: impl Into<String>) -> Self {
        Self {
            device: Device::flex(),
            kind: DeviceKind::Cpu,
            name: "CPU".to_owned(),
            driver: "flex".to_owned(),
            reason: reason.into(),
            largest_tensor: u64::MAX,
        }
    }

    /// Chooses by the user's wish and by what the machine has. `shared` is the window's device, where there is a window.
    /// May take seconds (the self-test compiles shaders): call it on the thread that computes.
    pub fn choose(choice: DeviceChoice, shared: Option<&SharedGpu>) -> Result<Self, DeviceError> {
        match choice {
            DeviceChoice::Cpu => Ok(Self::cpu("it was asked for")),
            DeviceChoice::Gpu => {
                let gpu = shared.map_or_else(SharedGpu::headless, |gpu| Ok(gpu.clone()))?;
                let device = gpu.compute("it was asked for");
                match self_test::passed(&device) {
                    Ok(()) => Ok(device),
                    Err(reason) => Err(DeviceError::SelfTest { adapter: device.name, reason }),
                }
            }
            DeviceChoice::Auto => {
                let gpu = match shared {
                    Some(gpu) => gpu.clone(),
                    None => match real_adapters() {
                        Ok(()) => SharedGpu::headless()?,
                        Err(reason) => return Ok(Self::cpu(reason)),
                    },
                };
                if gpu.facts.software {
                    return Ok(Self::cpu(format!("{} computes on the CPU itself", gpu.facts.name)));
                }
                let device = gpu.compute("graphics card that passed the self-test");
                Ok(match self_test::passed(&device) {
                    Ok(()) => device,
                    Err(reason) => Self::cpu(format!("{} failed the self-test: {reason}", device.name)),
                })
            }
        }
    }

    /// burn's handle, without autodiff.
    pub fn burn(&self) -> &Device {
        &self.device
    }

    pub fn kind(&self) -> DeviceKind {
        self.kind
    }

    /// True where tensors live on a wgpu device.
    pub fn is_gpu(&self) -> bool {
        self.kind != DeviceKind::Cpu
    }

    /// Whether it is a graphics device that computes in half precision too.
    pub fn has_halves(&self) -> bool {
        self.is_gpu() && self.device.supports_dtype(DType::F16)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn driver(&self) -> &str {
        &self.driver
    }

    /// Why this device was chosen, in a few words.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The largest tensor that the device holds in one piece, bytes.
    pub fn largest_tensor(&self) -> u64 {
        self.largest_tensor
    }
}

/// Every adapter that the drivers of this machine offer to Vulkan, Metal or DirectX 12.
pub fn adapters() -> Vec<AdapterFacts> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let found = pin!(instance.enumerate_adapters(wgpu::Backends::PRIMARY));
    // On native platforms the list is ready at once.
    match found.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(adapters) => adapters.iter().map(AdapterFacts::of).collect(),
        Poll::Pending => vec![],
    }
}

/// Whether there is a graphics card; else why not.
fn real_adapters() -> Result<(), String> {
    let adapters = adapters();
    if adapters.iter().any(|a| !a.software) {
        return Ok(());
    }
    Err(match adapters.first() {
        Some(software) => format!("no graphics card; {} computes on the CPU itself", software.name),
        None => "no graphics adapter".to_owned(),
    })
}
