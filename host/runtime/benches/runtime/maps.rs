//! What the kernel says about this process's memory.

use anyhow::{Context, Result};

/// Memory of this process, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    /// Resident, as in `/proc/self/statm`.
    pub resident: u64,
    /// Resident in guests' linear memories.
    pub guest: u64,
    /// Of that, what guests have written to, and so have for themselves.
    pub written: u64,
    /// What the kernel spends on page tables; not part of `resident`.
    pub page_tables: u64,
    /// Memory maps.
    pub maps: u64,
}

impl Memory {
    pub fn now() -> Result<Self> {
        let mut memory = Self { resident: resident()?, page_tables: page_tables()?, ..Self::default() };
        memory.count_maps(&std::fs::read_to_string("/proc/self/smaps")?);
        Ok(memory)
    }

    /// A linear memory is a row of adjoining writable maps, of which one is the image that it began with: part of the
    /// compiled plugin's file.
    fn count_maps(&mut self, smaps: &str) {
        let mut row = Row::default();
        for line in smaps.lines() {
            let mut words = line.split_ascii_whitespace();
            let (Some(first), Some(second)) = (words.next(), words.next()) else { continue };
            if let Some((begin, end)) = first.split_once('-') {
                self.maps += 1;
                if row.end != begin || !second.starts_with("rw") {
                    self.finish(&row);
                    row = Row::default();
                }
                row.end = end.to_owned();
                row.is_guest |= line.ends_with(".cwasm");
            } else if first == "Rss:" {
                row.resident += kibibytes(second);
            } else if first == "Anonymous:" {
                row.written += kibibytes(second);
            }
        }
        self.finish(&row);
    }

    fn finish(&mut self, row: &Row) {
        if row.is_guest {
            self.guest += row.resident;
            self.written += row.written;
        }
    }
}

/// Adjoining maps.
#[derive(Default)]
struct Row {
    end: String,
    is_guest: bool,
    resident: u64,
    written: u64,
}

fn kibibytes(number: &str) -> u64 {
    number.parse::<u64>().unwrap_or(0) << 10
}

fn resident() -> Result<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = statm.split_ascii_whitespace().nth(1).context("/proc/self/statm")?.parse()?;
    Ok(pages * rustix::param::page_size() as u64)
}

fn page_tables() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmPTE:")).context("/proc/self/status")?;
    Ok(line.split_ascii_whitespace().next().map_or(0, kibibytes))
}
