//! The object an application gives as `source`.

use super::{
    context::{Context, Local},
    source::{Availability, BaseCredentials, Provided, Source},
};
use crate::failure::Failure;

const NAME: &str = "source";

pub(super) const SOURCE: Source = Source {
    name: NAME,
    is_metadata: false,
    label: |_| NAME.into(),
    provide: |context| Box::pin(provide(context)),
    check,
};

async fn provide(context: &Context<'_>) -> Result<Provided, Failure> {
    let supplied = context.callbacks.source().await?;
    Ok(Provided::from(BaseCredentials {
        region: supplied.region,
        ..BaseCredentials::new(supplied.credentials)
    }))
}

/// A check does not ask the object of the application, so it cannot say more.
fn check(_: &Local<'_>) -> Availability {
    Availability::Available("the application's object is asked in each fetch".into())
}
