//! Which part of the system is missing when the window cannot open, and the Debian package that brings it.

use std::path::{Path, PathBuf};

/// Why there is no window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphicsError {
    #[error("there is no display: neither WAYLAND_DISPLAY nor DISPLAY is set")]
    NoDisplay,
    #[error("{}", missing_text(.0))]
    Missing(Vec<Missing>),
    #[error(
        "no graphics driver answered ({0}); with no card of its own a machine can draw in software: Debian package \
         mesa-vulkan-drivers"
    )]
    NoAdapter(String),
}

/// A part of the system that is loaded at run time and was not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The file, or what kind of file.
    pub what: &'static str,
    /// What it is for.
    pub purpose: &'static str,
    /// The Debian (and Ubuntu) package that brings it.
    pub package: &'static str,
}

fn missing_text(missing: &[Missing]) -> String {
    let parts: Vec<String> = missing
        .iter()
        .map(|m| format!("{} is missing ({}; Debian package {})", m.what, m.purpose, m.package))
        .collect();
    let packages: Vec<&str> = missing.iter().map(|m| m.package).collect();
    format!("{}. Install: apt install {}", parts.join("; "), packages.join(" "))
}

const fn part(what: &'static str, purpose: &'static str, package: &'static str) -> Missing {
    Missing { what, purpose, package }
}

const VULKAN_DRIVER: Missing = part("a Vulkan driver", "drawing", "mesa-vulkan-drivers");

/// Drawing; Vulkan comes first, OpenGL is the fall-back of wgpu.
const VULKAN: Missing = part("libvulkan.so.1", "drawing", "libvulkan1");
const OPENGL: Missing = part("libEGL.so.1", "drawing", "libegl1");

/// What winit loads.
const X11: &[Missing] = &[
    part("libX11.so.6", "the window", "libx11-6"),
    part("libX11-xcb.so.1", "the window", "libx11-xcb1"),
    part("libXcursor.so.1", "the mouse pointer", "libxcursor1"),
    part("libXi.so.6", "mouse and pen", "libxi6"),
    part("libXrandr.so.2", "screen sizes", "libxrandr2"),
    part("libxkbcommon.so.0", "the keyboard", "libxkbcommon0"),
    part("libxkbcommon-x11.so.0", "the keyboard", "libxkbcommon-x11-0"),
];
const WAYLAND: &[Missing] = &[
    part("libwayland-client.so.0", "the window", "libwayland-client0"),
    part("libxkbcommon.so.0", "the keyboard", "libxkbcommon0"),
];

/// Checks, before a window is opened, whether the system has what a window needs. Only Linux loads these parts at run
/// time; on other systems this finds nothing missing.
pub fn check() -> Result<(), GraphicsError> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    let found = Installed::read();
    check_with(set("WAYLAND_DISPLAY") || set("WAYLAND_SOCKET"), set("DISPLAY"), &found)
}

fn check_with(wayland: bool, x11: bool, found: &Installed) -> Result<(), GraphicsError> {
    let lacking = |parts: &[Missing]| -> Vec<Missing> {
        parts.iter().filter(|p| !found.library(p.what)).copied().collect()
    };
    // winit takes Wayland where it can, else X11: one complete set is enough.
    let mut missing = match (wayland, x11) {
        (false, false) => return Err(GraphicsError::NoDisplay),
        (true, false) => lacking(WAYLAND),
        (false, true) => lacking(X11),
        (true, true) => match lacking(WAYLAND) {
            wayland if wayland.is_empty() => wayland,
            _ => lacking(X11),
        },
    };
    let vulkan = found.library(VULKAN.what);
    if !(vulkan && found.vulkan_driver || found.library(OPENGL.what)) {
        if !vulkan {
            missing.push(VULKAN);
        }
        if !found.vulkan_driver {
            missing.push(VULKAN_DRIVER);
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(GraphicsError::Missing(missing)) }
}

/// What the dynamic linker would find: its cache, and the directories that come before it.
struct Installed {
    linker_cache: Vec<u8>,
    directories: Vec<PathBuf>,
    vulkan_driver: bool,
}

impl Installed {
    fn read() -> Self {
        let paths = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
        let usual = ["/usr/local/lib", "/usr/lib64", "/usr/lib", "/lib64", "/lib", "/run/opengl-driver/lib"];
        let multiarch = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
        Self {
            linker_cache: std::fs::read("/etc/ld.so.cache").unwrap_or_default(),
            directories: std::env::split_paths(&paths)
                .chain(usual.map(PathBuf::from))
                .chain([PathBuf::from(multiarch)])
                .collect(),
            vulkan_driver: vulkan_driver(),
        }
    }

    fn library(&self, name: &str) -> bool {
        let entry = [b"/", name.as_bytes(), b"\0"].concat();
        self.linker_cache.windows(entry.len()).any(|w| w == entry)
            || self.directories.iter().any(|d| d.join(name).exists())
    }
}

/// Whether a driver manifest lies where the Vulkan loader looks ("Vulkan Loader Driver Interface", driver discovery on
/// Linux).
fn vulkan_driver() -> bool {
    if ["VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES"]
        .iter()
        .any(|v| std::env::var_os(v).is_some())
    {
        return true;
    }
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let listed = |name: &str, or: &str| {
        let dirs = std::env::var_os(name).filter(|v| !v.is_empty()).unwrap_or_else(|| or.into());
        std::env::split_paths(&dirs).collect::<Vec<_>>()
    };
    let mut roots = listed("XDG_CONFIG_DIRS", "/etc/xdg");
    roots.extend(listed("XDG_DATA_DIRS", "/usr/local/share:/usr/share"));
    roots.extend([PathBuf::from("/etc"), PathBuf::from("/run/opengl-driver/share")]);
    roots.extend([home.join(".config"), home.join(".local/share")]);
    roots.iter().any(|root| has_manifest(&root.join("vulkan/icd.d")))
}

fn has_manifest(directory: &Path) -> bool {
    std::fs::read_dir(directory).is_ok_and(|mut entries| {
        entries.any(|e| e.is_ok_and(|e| e.path().extension().is_some_and(|x| x == "json")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installed(names: &[&str], vulkan_driver: bool) -> Installed {
        let linker_cache = names.iter().flat_map(|n| format!("/usr/lib/{n}\0").into_bytes()).collect();
        Installed { linker_cache, directories: vec![], vulkan_driver }
    }

    #[test]
    fn a_machine_without_anything_is_told_every_package() {
        let Err(GraphicsError::Missing(missing)) = check_with(false, true, &installed(&[], false)) else {
            panic!("nothing is installed");
        };
        let text = GraphicsError::Missing(missing).to_string();
        for package in ["libx11-6", "libxkbcommon-x11-0", "libvulkan1", "mesa-vulkan-drivers"] {
            assert!(text.contains(package), "{text}");
        }
    }

    #[test]
    fn a_loader_without_a_driver_is_not_enough() {
        let mut names: Vec<&str> = X11.iter().map(|p| p.what).collect();
        names.push(VULKAN.what);
        assert_eq!(check_with(false, true, &installed(&names, true)), Ok(()));
        let without = check_with(false, true, &installed(&names, false));
        assert_eq!(without, Err(GraphicsError::Missing(vec![VULKAN_DRIVER])));
        names.push(OPENGL.what);
        assert_eq!(check_with(false, true, &installed(&names, false)), Ok(()));
    }

    #[test]
    fn a_name_that_another_begins_with_does_not_count() {
        assert!(!installed(&["libX11.so.6.4.0"], false).library("libX11.so.6"));
    }

    #[test]
    fn no_display_comes_first() {
        assert_eq!(check_with(false, false, &installed(&[], false)), Err(GraphicsError::NoDisplay));
    }
}
