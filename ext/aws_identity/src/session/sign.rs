//! Tokens that are signed with the held credentials.

use super::Session;
use crate::{
    failure::Failure,
    region::without_fips,
    tokens::{self, Place, Token},
};
use serde_json::{Map, Value};

impl Session {
    /// A token of `kind` with its `words`, for `region` or the region of the session. Signed with
    /// the held credentials: a caller reads them first.
    pub fn presigned(
        &self,
        kind: &str,
        words: &Map<String, Value>,
        region: Option<&str>,
    ) -> Result<Token, Failure> {
        let state = self.synced();
        let now = state.now();
        let Some(credentials) = state.refresh.held(now) else {
            return Err(Failure::no_credentials(
                "There are no credentials to sign with.",
                "Read the credentials of this session first.",
            ));
        };
        let region = region.map(str::trim).filter(|region| !region.is_empty());
        let (region, is_fips) = without_fips(region.unwrap_or(&state.region).to_owned());
        let place = Place {
            region: &region,
            use_fips: is_fips || state.use_fips,
        };
        tokens::presigned(kind, words, &place, credentials, now.wall)
    }
}
