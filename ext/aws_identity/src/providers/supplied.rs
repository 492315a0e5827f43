//! The object an application gives as `source`.

use super::{
    context::{Context, Local},
    source::{Availability, Provided, Source},
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
    context.callbacks.source().await.map(Provided::from)
}

/// Only the application can say: its object is not asked for a check.
fn check(_: &Local<'_>) -> Availability {
    Availability::Available("the application's object is asked in each fetch".into())
}
