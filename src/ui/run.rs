use super::remembered::Memory;
use super::{App, Start, theme};
use crate::gpu::{self, GraphicsError, SliceRenderer, SurfaceRenderer};
use crate::nn::DeviceChoice;
use crate::volume::Modality;
use eframe::egui_wgpu::WgpuConfiguration;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

/// What the window opens with.
#[derive(Clone, Debug, Default)]
pub struct UiOptions {
    /// Files, folders or `sample:ID`; the first is the one in front. None: the start screen.
    pub paths: Vec<PathBuf>,
    /// What made them, where the person says so.
    pub modality: Option<Modality>,
    pub device: DeviceChoice,
}

/// Why there is no window. The program can still do its work without one.
#[derive(Debug, thiserror::Error)]
pub enum UiError {
    #[error(transparent)]
    Graphics(#[from] GraphicsError),
    #[error("the window could not be opened: {0}")]
    Window(String),
}

/// Opens the window, and returns when it is closed.
///
/// An error says that no window came up: no display, a missing library, no graphics driver.
pub fn run(options: UiOptions) -> Result<(), UiError> {
    let began = Instant::now();
    gpu::check_system()?;
    let memory = Memory::of_person();
    let native = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("Fovea")
            .with_app_id("fovea")
            .with_inner_size(memory.now().size.unwrap_or([1440.0, 900.0]))
            .with_min_inner_size([560.0, 480.0])
            .with_icon(icon()),
        wgpu_options: WgpuConfiguration {
            wgpu_setup: gpu::device::wgpu_setup().into(),
            ..Default::default()
        },
        // The window has its own: `fonts`.
        system_font_fallback: false,
        ..Default::default()
    };
    let came_up = Rc::new(Cell::new(false));
    let creator_came_up = Rc::clone(&came_up);
    let creator: eframe::AppCreator<'_> = Box::new(move |context| {
        super::install(&context.egui_ctx);
        if let Some(state) = &context.wgpu_render_state {
            SliceRenderer::install(state);
            SurfaceRenderer::install(state);
        }
        creator_came_up.set(true);
        let start = Start { began, options, graphics: context.wgpu_render_state.clone(), memory };
        Ok(Box::new(App::starting(start)))
    });
    // winit and wgpu panic on some systems that lack a part: that is no different from an error, as long as no window
    // has come up.
    let outcome = catch_unwind(AssertUnwindSafe(|| eframe::run_native("Fovea", native, creator)));
    match outcome {
        Ok(Ok(())) => Ok(()),
        Ok(Err(eframe::Error::Wgpu(e))) => Err(GraphicsError::NoAdapter(e.to_string()).into()),
        Ok(Err(e)) => Err(UiError::Window(e.to_string())),
        Err(panic) if came_up.get() => resume_unwind(panic),
        Err(panic) => {
            let reason = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
                .unwrap_or_else(|| "for an unknown reason".to_owned());
            Err(UiError::Window(reason))
        }
    }
}

/// An iris with its pupil.
fn icon() -> egui::IconData {
    const SIDE: u32 = 64;
    let pixel = |i: u32| {
        let (x, y) = ((i % SIDE) as f32 + 0.5, (i / SIDE) as f32 + 0.5);
        let from_middle = (x - SIDE as f32 / 2.0).hypot(y - SIDE as f32 / 2.0);
        let cover = |radius: f32| (radius - from_middle + 0.5).clamp(0.0, 1.0);
        let ring = (cover(29.0) - cover(17.0)).max(cover(9.0));
        let [r, g, b, _] = theme::of(true).accent.to_array();
        [r, g, b, (ring * 255.0) as u8]
    };
    egui::IconData { rgba: (0..SIDE * SIDE).flat_map(pixel).collect(), width: SIDE, height: SIDE }
}
