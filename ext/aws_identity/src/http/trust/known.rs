//! The authorities that were read last, for as long as their files stay the same: to read and check those of a
//! system takes longer than a request to STS.

use super::places::{MOST_FILES, Places, Roots};
use crate::util::file_stamp::Stamp;
use std::{
    fs,
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

/// The stamps of a file, of folders, and of the files in these.
#[derive(PartialEq, Eq)]
struct Version(Vec<Option<Stamp>>);

impl Version {
    fn of(places: &Places) -> Self {
        let mut all: Vec<_> = places.file.iter().map(|file| Stamp::of(file)).collect();
        for folder in &places.folders {
            all.push(Stamp::of(folder));
            let files = fs::read_dir(folder).into_iter().flatten().flatten();
            all.extend(files.take(MOST_FILES).map(|file| Stamp::of(&file.path())));
        }
        Self(all)
    }

    fn is_settled(&self) -> bool {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let limit = now.unwrap_or_default().saturating_sub(SETTLED);
        let seconds = i64::try_from(limit.as_secs()).unwrap_or(i64::MAX);
        let limit = (seconds, i64::from(limit.subsec_nanos()));
        let stamps = self.0.iter().flatten();
        stamps.map(Stamp::last_change).all(|last| last < limit)
    }
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
