//! The only connection of burn and wgpu: burn on the window's own device, and a tensor's buffer for a draw call.

use crate::nn::{DeviceError, DeviceProbabilities, SharedGpu};
use burn::{
    backend::Wgpu,
    cubecl::wgpu::{AutoCompiler, WgpuServer},
    tensor::{DType, Tensor, wgpu::WgpuSetup},
};
use std::any::Any;
use std::sync::Arc;

/// A buffer that holds one whole, contiguous tensor of f32.
#[derive(Clone)]
pub struct TensorBuffer {
    pub buffer: wgpu::Buffer,
    /// Of the tensor's first element, in bytes.
    pub offset: u64,
    /// Of the tensor, in bytes.
    pub size: u64,
    /// What owns the memory: while it lives, burn puts nothing else there.
    pub keepalive: Arc<dyn Any + Send + Sync>,
}

impl std::fmt::Debug for TensorBuffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TensorBuffer")
            .field("offset", &self.offset)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl TensorBuffer {
    /// What an export function handed through the engine, which knows only `Any`; `None` where the export had failed.
    pub fn from_any(exported: &Arc<dyn Any + Send + Sync>) -> Option<Arc<TensorBuffer>> {
        Arc::clone(exported).downcast().ok()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("the tensor is not on the graphics device ({0}); draw it from host memory")]
    NotOnGpu(String),
    #[error("the tensor is {0}; export a whole, contiguous tensor of f32")]
    Layout(String),
    #[error("the tensor's buffer cannot be reached: {0}")]
    Resource(String),
}

/// Registers the window's device with burn. Call once for each device, with what `device::wgpu_setup` made.
pub fn share(
    instance: &wgpu::Instance,
    adapter: &wgpu::Adapter,
    device: &wgpu::Device,
    queue: &wgpu::Queue,
) -> Result<SharedGpu, DeviceError> {
    SharedGpu::register(WgpuSetup {
        instance: instance.clone(),
        adapter: adapter.clone(),
        device: device.clone(),
        queue: queue.clone(),
        backend: adapter.get_info().backend,
    })
}

/// For the engine, which knows only `Any`: runs on its nn thread, and [`TensorBuffer::from_any`] takes the result apart.
pub fn export(probabilities: &DeviceProbabilities) -> Arc<dyn Any + Send + Sync> {
    match tensor_buffer(probabilities.tensor().clone()) {
        Ok(buffer) => Arc::new(buffer),
        Err(error) => {
            log::warn!("a prediction cannot be drawn from its own buffer: {error}");
            Arc::new(error)
        }
    }
}

/// The buffer of a tensor, without a copy and without waiting for the numbers in it: the work that makes them is
/// submitted before this returns, and a draw call submitted later on the same queue comes after it.
///
/// Call it on the thread that holds the tensor: it waits behind what burn has queued, so never on the window's thread.
pub fn tensor_buffer<const D: usize>(tensor: Tensor<D>) -> Result<TensorBuffer, ExportError> {
    let cube = tensor.try_into_primitive::<Wgpu>().map_err(|e| ExportError::NotOnGpu(format!("{e:?}")))?;
    if cube.dtype != DType::F32 {
        return Err(ExportError::Layout(format!("{:?}", cube.dtype)));
    }
    if !cube.is_contiguous() {
        return Err(ExportError::Layout("a strided view".to_owned()));
    }
    let elements: usize = cube.meta.shape().iter().product();
    let size = elements as u64 * 4;
    let managed = cube
        .client
        .get_resource::<WgpuServer<AutoCompiler>>(cube.handle.clone())
        .map_err(|e| ExportError::Resource(format!("{e:?}")))?;
    let resource = managed.resource();
    if resource.size < size {
        return Err(ExportError::Layout(format!("{} bytes where {size} are needed", resource.size)));
    }
    let (buffer, offset) = (resource.buffer.clone(), resource.offset);
    // The managed resource pins the memory; the tensor's own handle says that it is in use.
    Ok(TensorBuffer { buffer, offset, size, keepalive: Arc::new((managed, cube.handle.clone())) })
}
