//! The authorities that were read last, for as long as their files stay the same: to read and check those of a
//! system takes longer than a request to STS.

use super::places::{MOST_FILES, Places, Roots};
use std::{
    fs::{self, Metadata},
    os::unix::fs::MetadataExt,
    path::Path,
    sync::Mutex,
    time::{Duration, SystemTime},
};

/// As many places as are remembered.
const MOST: usize = 4;
/// A file that has changed less than this ago may change again without another time of change.
const SETTLED: Duration = Duration::from_secs(2);

/// Never waited for: a forked child may inherit it locked, and reads for itself then.
static KNOWN: Mutex<Vec<(Places, Version, Roots)>> = Mutex::new(Vec::new());

/// The roots of `places`, read only if something there has changed.
pub(super) fn roots<E>(
    places: Places,
    read: impl FnOnce(&Places) -> Result<Roots, E>,
) -> Result<Roots, E> {
    let version = Version::of(&places);
    if let Ok(known) = KNOWN.try_lock()
        && let Some((.., roots)) = known
            .iter()
            .find(|(at, then, _)| *at == places && *then == version)
    {
        return Ok(roots.clone());
    }
    let roots = read(&places)?;
    if version.is_settled()
        && version == Version::of(&places)
        && let Ok(mut known) = KNOWN.try_lock()
    {
        known.retain(|(at, ..)| *at != places);
        known.truncate(MOST - 1);
        known.insert(0, (places, version, roots.clone()));
    }
    Ok(roots)
}

/// What changes with each change of a file: device, inode, size, and the times of change of content and inode,
/// links followed. A folder has its own and those of its files.
#[derive(PartialEq, Eq)]
struct Version(Vec<Option<[i64; 5]>>);

impl Version {
    fn of(places: &Places) -> Self {
        let mut all: Vec<_> = places.file.iter().map(|file| stamp(file)).collect();
        for folder in &places.folders {
            all.push(stamp(folder));
            let files = fs::read_dir(folder).into_iter().flatten().flatten();
            all.extend(files.take(MOST_FILES).map(|file| stamp(&file.path())));
        }
        Self(all)
    }

    fn is_settled(&self) -> bool {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let limit = now.map_or(0, |now| {
            i64::try_from(now.saturating_sub(SETTLED).as_nanos()).unwrap_or(0)
        });
        self.0
            .iter()
            .flatten()
            .all(|[.., modified, changed]| modified.max(changed) < &limit)
    }
}

fn stamp(path: &Path) -> Option<[i64; 5]> {
    let found: Metadata = fs::metadata(path).ok()?;
    let nanoseconds =
        |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
    Some([
        found.dev().cast_signed(),
        found.ino().cast_signed(),
        found.size().cast_signed(),
        nanoseconds(found.mtime(), found.mtime_nsec()),
        nanoseconds(found.ctime(), found.ctime_nsec()),
    ])
}

#[cfg(test)]
mod tests {
    use super::{super::places::Origin, *};
    use aws_smithy_http_client::tls::TrustStore;
    use std::{convert::Infallible, fs::File};

    /// `None` where nothing was read.
    fn read(places: &Places) -> Option<()> {
        let mut is_read = None;
        let found: Result<_, Infallible> = roots(places.clone(), |_| {
            is_read = Some(());
            Ok(Roots {
                store: TrustStore::empty(),
                shown: String::new(),
            })
        });
        assert!(found.is_ok());
        is_read
    }

    #[test]
    fn what_has_settled_is_read_once_until_it_changes() {
        let folder =
            std::env::temp_dir().join(format!("aws-identity-known-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("a.pem");
        fs::write(&file, "a").unwrap();
        let places = Places {
            origin: Origin::Variables,
            file: Some(file.clone()),
            folders: vec![folder.clone()],
        };
        assert!(
            read(&places).is_some() && read(&places).is_some(),
            "it has just changed"
        );
        std::thread::sleep(SETTLED + Duration::from_millis(100));
        assert!(read(&places).is_some());
        assert!(read(&places).is_none(), "nothing has changed");

        // The same size, and the old time of modification.
        let modified = fs::metadata(&file).unwrap().modified().unwrap();
        fs::write(&file, "b").unwrap();
        File::options()
            .write(true)
            .open(&file)
            .unwrap()
            .set_modified(modified)
            .unwrap();
        assert!(read(&places).is_some(), "its content has changed");
        fs::remove_dir_all(&folder).unwrap();
        assert!(read(&places).is_some(), "it is gone");
    }
}
