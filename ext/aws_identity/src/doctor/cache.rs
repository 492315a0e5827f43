//! The disk cache of role sessions, if it is in use.

use super::{files, finding::Finding};
use crate::{cache::CacheDir, config::Settings};

const CHECK: &str = "cache";

pub(super) fn look(settings: &Settings, findings: &mut Vec<Finding>) {
    let Some(dir) = &settings.cache.value else {
        findings.push(Finding::skipped(CHECK, CHECK, "off: cache is not set"));
        return;
    };
    if !dir.exists() {
        // The doctor does not create it.
        let what = format!(
            "{} is not there yet; the first role session makes it, with mode 0700",
            dir.display()
        );
        findings.push(Finding::ok(CHECK, "folder", what));
        return;
    }
    findings.push(match CacheDir::open(dir) {
        Ok(cache) if cache.is_read_only() => {
            let what = format!(
                "{} is read-only: entries are read, and none is written",
                dir.display()
            );
            Finding::ok(CHECK, "folder", what)
        }
        Ok(_) => Finding::ok(CHECK, "folder", format!("{} can be used", dir.display())),
        Err(warning) => Finding::warning(
            CHECK,
            "folder",
            format!("{warning}; each process asks STS for itself"),
            "Give cache a folder that only you may write to (chmod 700), or set it to false.",
        ),
    });
    if let Some(open) = files::open_to_others(dir, "files") {
        findings.push(Finding {
            check: CHECK,
            ..open
        });
    }
}
