//! Networks: what they are, their weights, prediction and training. The only place, with the engine's worker, that holds tensors.
