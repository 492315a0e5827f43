//! Where the credentials of a fetch are cached on disk, and the removal of refused ones from there.

use crate::{
    cache::{CacheDir, CacheKey},
    failure::Failure,
    task::{fetch_task::FetchTask, file_task, fork_gate::SharedGate},
};
use std::{sync::Arc, time::Duration};

/// How long a caller waits for a removal at most, should the home folder hang.
const REMOVAL_LIMIT: Duration = Duration::from_secs(2);

/// Where the credentials of a fetch are cached.
#[derive(Clone, Debug)]
pub struct DiskEntry {
    pub(super) dir: CacheDir,
    pub(super) key: CacheKey,
}

impl DiskEntry {
    /// Starts to remove the entry, if it has this access key id: other processes must not read
    /// refused credentials. The next fetch repeats and reports a removal that fails.
    pub fn removal(
        &self,
        access_key_id: &str,
        gate: SharedGate,
    ) -> Result<Arc<FetchTask<()>>, Failure> {
        let (entry, access_key_id) = (self.clone(), access_key_id.to_owned());
        file_task::spawn(gate, REMOVAL_LIMIT, move || {
            let _ = entry.dir.remove(&entry.key, &access_key_id);
            Ok(())
        })
    }
}
