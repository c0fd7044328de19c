use burn::{
    module::{Content, Devices, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor},
    tensor::Device,
};
use std::ops::Deref;

/// Modules of one kind under names of their own, in the reference's order; used as a slice. (The field that holds them is
/// not part of a name, see `nn::parameters`.) For networks whose layers are a table rather than a list.
#[derive(Clone, Debug)]
pub struct Named<M> {
    names: Vec<String>,
    modules: Vec<M>,
}

impl<M> Named<M> {
    pub fn new<N: Into<String>>(modules: impl IntoIterator<Item = (N, M)>) -> Self {
        let (names, modules) = modules.into_iter().map(|(name, module)| (name.into(), module)).unzip();
        Self { names, modules }
    }

    fn map_each(self, map: impl FnMut(M) -> M) -> Self {
        Self { names: self.names, modules: self.modules.into_iter().map(map).collect() }
    }
}

impl<M> Deref for Named<M> {
    type Target = [M];

    fn deref(&self) -> &[M] {
        &self.modules
    }
}

impl<M: Module> Module for Named<M> {
    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        for (name, module) in self.names.iter().zip(&self.modules) {
            visitor.enter_module(name, "Named");
            module.visit(visitor);
            visitor.exit_module(name, "Named");
        }
    }

    fn map<T: ModuleMapper>(self, mapper: &mut T) -> Self {
        let one = |(name, module): (&String, M)| {
            mapper.enter_module(name, "Named");
            let module = module.map(mapper);
            mapper.exit_module(name, "Named");
            module
        };
        let modules = self.names.iter().zip(self.modules).map(one).collect();
        Self { names: self.names, modules }
    }

    fn collect_devices(&self, devices: Devices) -> Devices {
        self.iter().fold(devices, |devices, module| module.collect_devices(devices))
    }

    fn to_device(self, device: &Device) -> Self {
        self.map_each(|module| module.to_device(device))
    }

    fn fork(self, device: &Device) -> Self {
        self.map_each(|module| module.fork(device))
    }

    fn valid(&self) -> Self {
        Self { names: self.names.clone(), modules: self.modules.valid() }
    }

    fn train(self) -> Self {
        self.map_each(Module::train)
    }

    fn materialize(self) -> Self {
        self.map_each(Module::materialize)
    }
}

// A derived module asks of its fields that they can be printed.
impl<M: ModuleDisplay> ModuleDisplayDefault for Named<M> {
    fn content(&self, content: Content) -> Option<Content> {
        let add = |content: Content, (name, module): (&String, &M)| content.add(name, module);
        self.names.iter().zip(&self.modules).fold(content, add).optional()
    }
}

impl<M: ModuleDisplay> ModuleDisplay for Named<M> {}
