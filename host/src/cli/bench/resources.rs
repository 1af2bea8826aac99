//! What this process has used so far, by the operating system's own count. Figures that it does not give are absent.

use std::fs;
use std::path::Path;

/// Clock ticks in a second as `/proc` counts them (proc(5), `USER_HZ`): 100 on every architecture of Linux in use.
const TICKS_PER_SECOND: u64 = 100;

/// Microseconds in a clock tick.
const MICROS_PER_TICK: u64 = 1_000_000 / TICKS_PER_SECOND;

/// What was used up to now.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Used {
    /// Microseconds of processor time, all threads, in the program and in the kernel.
    pub(super) cpu_micros: Option<u64>,
    /// Bytes that went towards a disk.
    pub(super) written_bytes: Option<u64>,
}

impl Used {
    pub(super) fn now() -> Self {
        Self { cpu_micros: cpu_micros(), written_bytes: field("/proc/self/io", "write_bytes:") }
    }

    /// What was used since an earlier look.
    pub(super) fn since(self, earlier: Self) -> Self {
        let less = |later: Option<u64>, earlier: Option<u64>| Some(later?.saturating_sub(earlier?));
        Self {
            cpu_micros: less(self.cpu_micros, earlier.cpu_micros),
            written_bytes: less(self.written_bytes, earlier.written_bytes),
        }
    }
}

/// Bytes of memory that are resident now.
pub(super) fn resident_bytes() -> Option<u64> {
    field("/proc/self/status", "VmRSS:").map(|kibibytes| kibibytes * 1_024)
}

/// Processors this process may use.
pub(super) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Whether a directory lies in memory, where an fsync costs nothing.
pub(super) fn in_memory(directory: &Path) -> bool {
    let (Ok(mounts), Ok(directory)) = (fs::read_to_string("/proc/mounts"), directory.canonicalize()) else {
        return false;
    };
    file_system(&mounts, &directory).is_some_and(|kind| kind == "tmpfs" || kind == "ramfs")
}

/// The kind of file system that holds a path: that of the longest mount point before it, the last one where two are equal.
fn file_system<'a>(mounts: &'a str, path: &Path) -> Option<&'a str> {
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ');
        Some((words.nth(1)?, words.next()?))
    });
    let around = mounts.filter(|(point, _)| path.starts_with(point));
    around.max_by_key(|(point, _)| point.len()).map(|(_, kind)| kind)
}

/// User and system time are words 14 and 15 of `/proc/self/stat`; the second word is in parentheses and may hold spaces.
fn cpu_micros() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, words) = text.rsplit_once(')')?;
    let mut words = words.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some((user + system) * MICROS_PER_TICK)
}

/// The number behind a name.
fn field(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    value.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mount_counts() {
        let mounts = "/dev/a / ext4 rw 0 0\ntmpfs /run tmpfs rw 0 0\n/dev/b /run/disk xfs rw 0 0\n";
        let kind = |path: &str| file_system(mounts, Path::new(path));
        assert_eq!(kind("/var/x"), Some("ext4"));
        assert_eq!(kind("/run/x"), Some("tmpfs"));
        assert_eq!(kind("/run/disk/x"), Some("xfs"));
        assert_eq!(kind("/runner"), Some("ext4"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_seen() {
        let before = Used::now();
        let mut sum = 0_u64;
        while Used::now().since(before).cpu_micros.unwrap() == 0 {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(resident_bytes().unwrap() > 1_000_000);
        assert!(processors() > 0);
    }
}
