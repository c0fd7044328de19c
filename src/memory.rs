//! How much memory is free. Large allocations, such as a size that a file claims, are requested here first, so that too
//! little memory is an error and not the end of the program.

use std::io;

/// There is less memory than needed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} of memory are needed{}", text(*.bytes), .free.map(|free| format!(", and {} are free", text(free.into()))).unwrap_or_default())]
pub struct TooMuch {
    pub bytes: u128,
    /// The free memory, if the system says.
    pub free: Option<u64>,
}

impl From<TooMuch> for io::Error {
    fn from(error: TooMuch) -> Self {
        io::Error::new(io::ErrorKind::OutOfMemory, error)
    }
}

/// Smaller requests are always granted: asking the system would take longer than using the memory.
const ALWAYS_GIVEN: u128 = 16 << 20;
/// Kept free for the many small allocations that are not requested here.
const KEPT: u64 = 128 << 20;

/// Whether `bytes` more are free now. For use before a call that allocates without asking.
pub fn check(bytes: u128) -> Result<(), TooMuch> {
    if bytes <= ALWAYS_GIVEN {
        return Ok(());
    }
    let free = free().map(|free| free.saturating_sub(KEPT));
    let too_much = || TooMuch { bytes, free };
    if free.is_some_and(|free| bytes > free.into()) {
        return Err(too_much());
    }
    // If the system does not say, only an attempt shows it.
    let n = usize::try_from(bytes).map_err(|_| too_much())?;
    Vec::<u8>::new().try_reserve_exact(n).map_err(|_| too_much())
}

/// An empty vector with room for `count` items.
pub fn reserve<T>(count: u128) -> Result<Vec<T>, TooMuch> {
    let mut items = Vec::new();
    more(&mut items, count)?;
    Ok(items)
}

/// `count` zeros, of which only those that are written take memory and time.
pub fn zeroed(count: u128) -> Result<Vec<u8>, TooMuch> {
    check(count)?;
    Ok(vec![0; usize::try_from(count).map_err(|_| TooMuch { bytes: count, free: free() })?])
}

/// Room for `count` items more at the end of a vector.
pub fn more<T>(items: &mut Vec<T>, count: u128) -> Result<(), TooMuch> {
    let bytes = count.saturating_mul(size_of::<T>() as u128);
    check(bytes)?;
    let too_much = || TooMuch { bytes, free: free() };
    items.try_reserve_exact(usize::try_from(count).map_err(|_| too_much())?).map_err(|_| too_much())
}

/// Collects an iterator of known length, in memory that was requested first.
pub fn collect<T>(items: impl ExactSizeIterator<Item = T>) -> Result<Vec<T>, TooMuch> {
    let mut all = reserve(items.len() as u128)?;
    all.extend(items);
    Ok(all)
}

/// Bytes that are still free: on the machine, in the control group of this process (a container), and in its address
/// space (`ulimit -v`). `None` if the system does not say.
pub fn free() -> Option<u64> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    [of_machine(), of_group(), of_process()].into_iter().flatten().min()
}

fn of_machine() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    Some((kilobytes(&text, "MemAvailable:")? + kilobytes(&text, "SwapFree:").unwrap_or(0)) << 10)
}

/// Control group version 2: the limit less what is used and could not be given back.
fn of_group() -> Option<u64> {
    let group = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let name = group.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let folder = std::path::Path::new("/sys/fs/cgroup").join(name);
    let number = |file: &str| std::fs::read_to_string(folder.join(file)).ok()?.trim().parse::<u64>().ok();
    let stat = std::fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
    let cached = stat.lines().find_map(|line| line.strip_prefix("inactive_file ")?.parse::<u64>().ok());
    let used = number("memory.current")?.saturating_sub(cached.unwrap_or(0));
    Some(number("memory.max")?.saturating_sub(used))
}

fn of_process() -> Option<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    let most = line.split_whitespace().next()?.parse::<u64>().ok()?;
    let taken = kilobytes(&std::fs::read_to_string("/proc/self/status").ok()?, "VmSize:")? << 10;
    Some(most.saturating_sub(taken))
}

fn kilobytes(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// `512 bytes`, `6.4 GB`.
pub fn text(bytes: u128) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1000 {
        return format!("{bytes} bytes");
    }
    if bytes >= 1_000_000_000_000_000_000_000 {
        return "more than 1000 EB".to_owned();
    }
    let mut size = bytes as f64 / 1e3;
    let mut unit = 0;
    while size >= 999.95 && unit + 1 < UNITS.len() {
        size /= 1e3;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_has_is_refused_with_its_size() {
        for bytes in [u128::MAX, 1 << 80, 1 << 62] {
            let error = check(bytes).unwrap_err();
            assert_eq!(error.bytes, bytes);
            assert!(error.to_string().contains(&text(bytes)), "{error}");
        }
        assert!(reserve::<u64>(1 << 60).is_err());
        assert!(reserve::<u64>(u128::MAX).is_err());
        assert_eq!(reserve::<u64>(1 << 10).unwrap().capacity(), 1 << 10);
        assert_eq!(collect((0..5).map(|i| i * 2)).unwrap(), [0, 2, 4, 6, 8]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_says_what_is_free() {
        let free = free().unwrap();
        assert!(free > 1 << 20, "{free}");
        assert_eq!(kilobytes("MemTotal: 1 kB\nMemAvailable:   12 kB\n", "MemAvailable:"), Some(12));
    }

    #[test]
    fn sizes_are_said_in_the_unit_that_fits() {
        assert_eq!(text(999), "999 bytes");
        assert_eq!(text(6_400_000_000), "6.4 GB");
        assert_eq!(text(999_999), "1.0 MB");
        assert_eq!(text(1 << 40), "1.1 TB");
    }
}
