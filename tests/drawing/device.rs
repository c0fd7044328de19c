//! A prediction that burn made on the drawing device, drawn from its own buffer.

use super::{scene::*, stage::*};
use burn::tensor::{Tensor, TensorData, activation::softmax};
use fovea::gpu::*;
use std::sync::Arc;

#[test]
fn a_tensor_is_drawn_without_reading_it_back() {
    let Some(stage) = stage() else { return };
    let shared = interop::share(&stage.instance, &stage.adapter, &stage.device, &stage.queue).unwrap();
    let compute = shared.compute("test");
    let volume = volumes().swap_remove(1).1;
    let style = OverlayStyle { heat: Some(HeatMap { class: 1, opacity: 0.6 }), ..OverlayStyle::default() };
    let [width, height, _] = DIMS;

    // Several predictions alive at once: they share pages, and lie at offsets.
    let tensors: Vec<Tensor<3>> = (4..9)
        .map(|seed| {
            let values = TensorData::new(probabilities(seed).to_vec(), [CLASSES, height, width]);
            softmax(Tensor::<3>::from_data(values, compute.burn()) * 8.0, 0)
        })
        .collect();
    let buffers: Vec<Arc<TensorBuffer>> =
        tensors.iter().map(|t| Arc::new(interop::tensor_buffer(t.clone()).unwrap())).collect();

    let mut renderer = renderer(stage);
    for (tensor, buffer) in tensors.into_iter().zip(buffers) {
        assert_eq!(buffer.size as usize, CLASSES * width * height * 4);
        let host: Arc<[f32]> = tensor.clone().try_into_vec_as::<f32>().unwrap().into();
        // The buffer keeps its memory, whatever burn does next.
        drop(tensor);
        let garbage: Vec<Tensor<3>> =
            (0..8).map(|_| Tensor::ones([CLASSES, height, width], compute.burn()) * 0.25).collect();
        compute.burn().sync().unwrap();
        for (name, view) in views() {
            let with =
                |source| SliceDraw { prediction: Some(prediction(source)), style, ..full(&volume, view) };
            let uploaded = with(PredictionSource::Host(Arc::clone(&host)));
            let bound = with(PredictionSource::Buffer(Arc::clone(&buffer)));
            let [a, b] = [&uploaded, &bound].map(|draw| render(stage, &mut renderer, draw, TARGET));
            assert_same(&b, &a, 0, name);
            let twin = cpu_twin::draw(&uploaded, TARGET).unwrap();
            // Half way between two entries of the colour table, the twin may take the other.
            assert_same(&b, &twin, 3, name);
            assert_eq!(cpu_twin::draw(&bound, TARGET), Err(cpu_twin::TwinError::OnDevice));
        }
        drop(garbage);
    }
    assert_eq!(renderer.drain_errors(), []);
}

#[test]
fn what_is_not_a_whole_tensor_on_the_device_is_refused() {
    let cpu = fovea::nn::ComputeDevice::cpu("test");
    let on_cpu = Tensor::<3>::zeros([2, 3, 4], cpu.burn());
    assert!(matches!(interop::tensor_buffer(on_cpu), Err(interop::ExportError::NotOnGpu(_))));
    let Some(stage) = stage() else { return };
    let shared = interop::share(&stage.instance, &stage.adapter, &stage.device, &stage.queue).unwrap();
    let compute = shared.compute("test");
    let turned = Tensor::<3>::zeros([2, 3, 4], compute.burn()).swap_dims(0, 2);
    assert!(matches!(interop::tensor_buffer(turned), Err(interop::ExportError::Layout(_))));
}
